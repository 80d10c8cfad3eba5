"""Check in a few seconds that a base can be trained, before the long training begins.

The check makes one optimizer step on the longest row, saves the adapter, and loads it again. It generates answers of
four tokens to a batch of two prompts of different length, with the adapter separate and merged. The answers are
compared with the logits of the model's own code without a cache, and packed rows with the same rows alone. Errors that
would otherwise appear after hours, or never, appear here.
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
from codetune.training.forecast import LESS_MEMORY_REMEDY
from codetune.training.loop import is_out_of_memory, make_optimizer, require_finite
from codetune.training.lora import add_adapter, save_adapter, weights_without_adapter
from codetune.training.loss import batch_loss
from codetune.training.params import TrainParams

_ANSWER_TOKENS = 4
_UNREACHED = {
    "frozen_experts": "{} tensors of fused experts are not trained, such as {}: only linear modules get an adapter",
    "left_out": "{} linear modules get no adapter, such as {}: peft cannot adapt them",
}
_REMEDY = "Use a base of a family that works (docs/families.md)."


def check_base(base: LoadedModel, rows: list[TokenizedRow], params: TrainParams, device: str) -> None:
    """Run each operation of training, generation and export once. The weights of `base` are changed, so load it again.

    The state of the random number generators is restored at the end.

    :param rows: all training rows.
    :param params: section `train`.
    :param device: the torch device for training.
    :raises UserError: when an operation fails, or gives other logits than the model's own code.
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
            check_batched_answers(replace(base, model=model), prompts)
        _store(base, model, adapter)
        if params.packing:
            with _doing(base, "reading two packed rows"):
                _require_apart(base, by_length[:2])
        with _doing(base, "merging the stored adapter"):
            merged, *_ = merge(base, adapter, prompts, [])
        with _doing(base, "answering two prompts at a time with the merged model"):
            check_batched_answers(merged, prompts)


def _tell(model: Any, targets: str | list[str]) -> None:
    """Print which parts of the model get no adapter."""
    for reason, names in weights_without_adapter(model, targets).items():
        _say(_UNREACHED[reason].format(len(names), names[0]))


def _say(what: str) -> None:
    print(f"training: {what}", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _doing(base: LoadedModel, what: str) -> Iterator[None]:
    """Convert an exception of the block into a `UserError` that names the operation."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # a model can raise any exception
        if is_full_disk(error):
            raise
        if is_out_of_memory(error):
            raise UserError(f"training: not enough memory for {what}", LESS_MEMORY_REMEDY) from None
        told = f"{type(error).__name__}: {error_text(error)}"
        raise UserError(f"model.base: {base.name} cannot be used: {what} fails ({told})", _REMEDY) from None


def _trained(base: LoadedModel, row: TokenizedRow, params: TrainParams, device: str) -> Any:
    """Return the base with a new adapter, trained for one step on `row`."""
    with _doing(base, "putting an adapter on it"):
        model = add_adapter(base.model, params.lora, params.seed).to(device)
    with _doing(base, f"training on the longest row, of {len(row.input_ids)} tokens,"):
        if params.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        collate_fn = pack if params.packing else lambda rows: collate(rows, base.tokenizer.pad_token_id)
        batch = collate_fn([row])
        loss = batch_loss(model.train(), batch, params.precision) / len(batch.targets)
        require_finite(loss.item(), f"a trial with row {row.row_id}")
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer = make_optimizer([weight for _, weight in trained_weights(model)], params)
        optimizer.step()
        if params.gradient_checkpointing:
            model.gradient_checkpointing_disable()
    return model.eval()


def _store(base: LoadedModel, model: Any, folder: Path) -> None:
    """Save the adapter and remove it from the base."""
    with _doing(base, "storing its adapter"):
        save_adapter(model, folder, base.name, None)
        model.unload()


def _require_apart(base: LoadedModel, rows: list[TokenizedRow]) -> None:
    """Check that packed rows have the same logits as the rows alone.

    :raises UserError: when tokens of one packed row attend to another row.
    """
    with torch.inference_mode():
        packed = pack(rows).to(base.model.device)
        together = logits_at(base.model, packed.input_ids, packed.positions, packed.position_ids)
        alone = [collate([row], 0).to(base.model.device) for row in rows]
        apart = torch.cat([logits_at(base.model, batch.input_ids, batch.positions) for batch in alone])
    difference, allowed = (together - apart).abs().max().item(), rounding(base.model, apart.abs().max().item())
    if not difference <= allowed:
        raise UserError(
            f"train.packing: true, but in {base.name} the packed rows of a batch attend to each other: a logit differs "
            f"by {difference:.1e}, but rounding explains at most {allowed:.1e}",
            "Set train.packing: false.",
        )


def check_batched_answers(loaded: LoadedModel, prompts: list[list[int]]) -> None:
    """Check that batched answers are those that the model's own code gives without a cache.

    Each token must have the highest logit, up to rounding.

    :param prompts: token ids of the prompts; they are answered as one batch.
    :raises UserError: when an answer differs.
    """
    for index, answer in answer_all(loaded, prompts, max_new_tokens=_ANSWER_TOKENS, batch_size=len(prompts)):
        prompt = prompts[index]
        logits = plain_logits(loaded.model, prompt + answer.ids)[len(prompt) - 1 :][: len(answer.ids)]
        chosen = logits.gather(1, torch.tensor(answer.ids, dtype=torch.long, device=logits.device)[:, None])[:, 0]
        behind = (logits.max(-1).values - chosen).max().item() if answer.ids else 0.0
        if not behind <= 2 * rounding(loaded.model, logits.abs().max().item() if answer.ids else 0.0):
            raise UserError(
                f"model.base: {loaded.name} answers differently in a batch than alone: the logit of a token is "
                f"{behind:.1e} below the highest",
                _REMEDY,
            )
