"""A trial of a base before it is trained: what would fail, or go wrong unseen, hours later fails in the first seconds.

One optimizer step on the longest row, the adapter stored and loaded, and answers of four tokens to two prompts of
different length at a time, with the adapter beside the weights and merged into them. The answers are held against the
logits of the model's own code without a cache, and packed rows against rows by themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from codetune.core.errors import UserError, error_text, is_full_disk
from codetune.export.merge import merge, plain_logits, rounding
from codetune.generation.batch import answer_all
from codetune.models.load import LoadedModel
from codetune.models.logits import logits_at
from codetune.models.prompt import IGNORED_LABEL
from codetune.training.checkpoint import trained_weights
from codetune.training.data import TokenizedRow, collate, pack
from codetune.training.forecast import LOWER
from codetune.training.loop import is_out_of_memory, make_optimizer, require_finite
from codetune.training.lora import add_adapter, save_adapter, unreached
from codetune.training.loss import batch_loss
from codetune.training.params import TrainParams

_ANSWER_TOKENS = 4
_UNREACHED = {
    "frozen_experts": "{} tensors of fused experts stay as they are, such as {}: adapters are put on linear modules",
    "left_out": "{} linear modules are left out, such as {}: peft does not adapt them as they stand",
}
_REMEDY = "Use a base of a family that works (docs/families.md)."


def check_base(base: LoadedModel, rows: list[TokenizedRow], params: TrainParams, device: str) -> None:
    """Try all that training, answers and export will ask of a base. Its weights are used up.

    Random numbers are drawn as if nothing had been tried.

    :param rows: all that are trained on.
    :raises UserError: when something fails, or gives other logits than the model's own code does.
    """
    _tell(base.model, params.lora.target_modules)
    by_length = sorted(rows, key=lambda row: (len(row.input_ids), row.row_id))
    longest, two = by_length[-1], [by_length[0], by_length[-1]]
    prompts = [row.input_ids[: sum(label == IGNORED_LABEL for label in row.labels)] for row in two]
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices), TemporaryDirectory(prefix="codetune-") as folder:
        adapter = Path(folder)
        model = _trained(base, longest, params, device)
        with _doing(base, "answering two prompts at a time"):
            require_own_answers(replace(base, model=model), prompts)
        _store(base, model, adapter)
        if params.packing:
            with _doing(base, "reading two rows in one"):
                _require_apart(base, by_length[:2])
        with _doing(base, "merging an adapter that was stored"):
            merged, _ = merge(base, adapter, prompts, [])
        with _doing(base, "answering two prompts at a time, merged,"):
            require_own_answers(merged, prompts)


def _tell(model: Any, targets: str | list[str]) -> None:
    """Say which parts of a model no adapter is put on."""
    for reason, names in unreached(model, targets).items():
        _say(_UNREACHED[reason].format(len(names), names[0]))


def _say(what: str) -> None:
    print(f"training: {what}", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _doing(base: LoadedModel, what: str) -> Iterator[None]:
    """Tell what fails inside in one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # models raise what they like
        if is_full_disk(error):
            raise
        if is_out_of_memory(error):
            raise UserError(f"training: not enough memory for {what}", LOWER) from None
        told = f"{type(error).__name__}: {error_text(error)}"
        raise UserError(f"model.base: {base.name} cannot be used: {what} fails ({told})", _REMEDY) from None


def _trained(base: LoadedModel, row: TokenizedRow, params: TrainParams, device: str) -> Any:
    """The base with a fresh adapter that was trained on one row."""
    with _doing(base, "putting an adapter on it"):
        model = add_adapter(base.model, params.lora, params.seed).to(device)
    with _doing(base, f"training on the longest row, of {len(row.input_ids)} tokens,"):
        if params.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        lay_out = pack if params.packing else lambda rows: collate(rows, base.tokenizer.pad_token_id)
        batch = lay_out([row])
        loss = batch_loss(model.train(), batch, params.precision) / len(batch.targets)
        require_finite(loss.item(), f"a trial with row {row.row_id}")
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer = make_optimizer([weight for _, weight in trained_weights(model)], params)
        optimizer.step()
        if params.gradient_checkpointing:
            model.gradient_checkpointing_disable()
    return model.eval()


def _store(base: LoadedModel, model: Any, folder: Path) -> None:
    """Store the adapter and take it off the base."""
    with _doing(base, "storing its adapter"):
        save_adapter(model, folder, base.name, None)
        model.unload()


def _require_apart(base: LoadedModel, rows: list[TokenizedRow]) -> None:
    """:raises UserError: when rows that are laid end to end see each other."""
    with torch.inference_mode():
        packed = pack(rows).to(base.model.device)
        together = logits_at(base.model, packed.input_ids, packed.positions, packed.position_ids)
        alone = [collate([row], 0).to(base.model.device) for row in rows]
        apart = torch.cat([logits_at(base.model, batch.input_ids, batch.positions) for batch in alone])
    difference, allowed = (together - apart).abs().max().item(), rounding(base.model, apart.abs().max().item())
    if not difference <= allowed:
        raise UserError(
            f"train.packing: true, but the rows of one batch see each other in {base.name}: a logit differs by "
            f"{difference:.1e}, rounding makes {allowed:.1e}",
            "Set train.packing: false.",
        )


def require_own_answers(loaded: LoadedModel, prompts: list[list[int]]) -> None:
    """:raises UserError: when answers in a batch are not those of the model's own code without a cache."""
    for index, answer in answer_all(loaded, prompts, max_new_tokens=_ANSWER_TOKENS, batch_size=len(prompts)):
        prompt = prompts[index]
        logits = plain_logits(loaded.model, prompt + answer.ids)[len(prompt) - 1 :][: len(answer.ids)]
        chosen = logits.gather(1, torch.tensor(answer.ids, dtype=torch.long, device=logits.device)[:, None])[:, 0]
        behind = (logits.max(-1).values - chosen).max().item() if answer.ids else 0.0
        if not behind <= 2 * rounding(loaded.model, logits.abs().max().item() if answer.ids else 0.0):
            raise UserError(
                f"model.base: {loaded.name} answers otherwise with other prompts beside it than by itself: a token is "
                f"{behind:.1e} behind the likeliest one",
                _REMEDY,
            )
