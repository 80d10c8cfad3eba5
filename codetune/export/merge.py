"""Merging the adapter into the base model, and proof that the model is still the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from codetune.core.errors import UserError
from codetune.generation.batch import answer_all
from codetune.models.load import LoadedModel, attach_adapter, load_model

ROUNDINGS_PER_LAYER = 32
"""How many roundings in one direction each layer may add to a logit. Up to 14 were seen (tests/test_families.py)."""
_ANSWER_TOKENS = 64


@dataclass(frozen=True)
class MergeCheck:
    """How the merged model was compared with base plus adapter.

    :ivar prompts: held-out rows.
    :ivar logits: all logits of these rows and of greedy answers to them.
    :ivar max_difference: by how much a logit differs at the most.
    :ivar allowed: what rounding can make of it.
    :ivar tokens: tokens of the greedy answers.
    :ivar ties: those of them where the merged model prefers another one. Its two best lie within twice `allowed`.
    """

    prompts: int
    logits: int
    max_difference: float
    allowed: float
    tokens: int
    ties: int


def merge(
    base: LoadedModel, adapter: Path, rows: list[list[int]], prompts: list[list[int]]
) -> tuple[LoadedModel, MergeCheck]:
    """The base with the adapter folded into its weights, checked against base plus adapter. `base` is used up.

    :param rows: token ids of held-out rows, prompt and completion, to compare all logits on; at least one.
    :param prompts: token ids of held-out prompts, to compare greedy answers to.
    :raises UserError: when the adapter does not fit, or a logit differs by more than rounding makes of it.
    """
    tuned = attach_adapter(base.model, adapter)
    beside = LoadedModel(tuned, base.tokenizer, base.name)
    answers = dict(answer_all(beside, prompts, max_new_tokens=_ANSWER_TOKENS, batch_size=len(prompts)))
    compared = [*rows, *(prompt + answers[index].ids for index, prompt in enumerate(prompts))]
    expected = [plain_logits(tuned, ids) for ids in compared]
    merged = tuned.merge_and_unload().eval()
    found = [plain_logits(merged, ids) for ids in compared]
    # torch's maximum and this comparison both let a difference that is not a number come to light.
    pairs = list(zip(found, expected, strict=True))
    difference = torch.stack([(logits - wanted).abs().max() for logits, wanted in pairs]).max().item()
    allowed = rounding(merged, max(wanted.abs().max().item() for wanted in expected))
    if not difference <= allowed:
        raise UserError(
            f"export: merged, a logit differs by {difference:.2e} from base plus adapter; rounding makes {allowed:.2e}",
            "Train again with a smaller train.learning_rate or train.lora.alpha: the adapter's weights are too large.",
        )
    begins = [len(prompt) - 1 for prompt in prompts]
    ties = sum(
        int((logits[begin:].argmax(-1) != wanted[begin:].argmax(-1)).sum())
        for (logits, wanted), begin in zip(pairs[len(rows) :], begins, strict=True)
    )
    tokens = sum(len(answer.ids) + 1 for answer in answers.values())  # and the one that would come next
    logits = sum(wanted.numel() for wanted in expected)
    check = MergeCheck(len(rows), logits, difference, allowed, tokens, ties)
    return LoadedModel(merged, base.tokenizer, f"{base.name} + {adapter}"), check


def rounding(model: Any, largest: float) -> float:
    """What rounding can make of a logit: relative to the largest one, by the weights' precision and the depth.

    :param largest: the largest logit by amount.
    """
    unit = torch.finfo(model.dtype).eps / 2
    layers = int(model.config.get_text_config(decoder=True).num_hidden_layers)
    return ROUNDINGS_PER_LAYER * layers * unit * largest


def plain_logits(model: Any, ids: list[int]) -> torch.Tensor:
    """All logits of one sequence by the model's own code, of shape `(tokens, vocabulary)`."""
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0]
    return logits


def save_merged(merged: LoadedModel, folder: Path, dtype: Literal["float32", "bfloat16"]) -> None:
    """Write the model as safetensors with its tokenizer into `folder`, and read it back to see that it is the same.

    :raises UserError: when what is read differs from what was written.
    """
    model = merged.model.to(getattr(torch, dtype))
    if len(merged.end_ids) > 1:  # whatever loads the folder is to end answers as the pipeline does
        model.generation_config.eos_token_id = sorted(merged.end_ids)
    model.save_pretrained(folder, safe_serialization=True)
    merged.tokenizer.save_pretrained(folder)
    stored = load_model(folder).model.state_dict()
    wrong = [
        name for name, weight in model.state_dict().items() if not torch.equal(weight.float(), stored[name].float())
    ]
    if wrong:
        raise UserError(
            f"export: {len(wrong)} tensors were not stored as they are, such as {wrong[0]}", "Check the disk."
        )
