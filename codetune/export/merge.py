"""Merging the adapter into the base model, and proof that the model is still the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from codetune.errors import UserError
from codetune.modeling.load import LoadedModel, attach_adapter, load_model

LARGEST_DIFFERENCE = 1e-4  # of a logit, in float32: rounding gives about 1e-5


@dataclass(frozen=True)
class MergeCheck:
    """What the merged model was compared on, and by how much a logit differed at the most."""

    prompts: int
    logits: int
    max_difference: float


def merge(base: LoadedModel, adapter: Path, sequences: list[list[int]]) -> tuple[LoadedModel, MergeCheck]:
    """The base with the adapter folded into its weights, checked against base plus adapter. `base` is used up.

    :param sequences: token ids to compare all logits on, at least one sequence.
    :raises UserError: when the adapter does not fit, or a logit differs by more than `LARGEST_DIFFERENCE`.
    """
    tuned = attach_adapter(base.model, adapter)
    expected = [_logits(tuned, ids) for ids in sequences]
    merged = tuned.merge_and_unload().eval()
    pairs = zip(sequences, expected, strict=True)
    # torch's maximum and this comparison both let a difference that is not a number come to light.
    difference = torch.stack([(_logits(merged, ids) - wanted).abs().max() for ids, wanted in pairs]).max().item()
    if not difference <= LARGEST_DIFFERENCE:
        raise UserError(
            f"export: merged, a logit differs by {difference:.2e} from base plus adapter, allowed {LARGEST_DIFFERENCE}",
            "Train again with a smaller train.learning_rate or train.lora.alpha: the adapter's weights are too large.",
        )
    check = MergeCheck(len(sequences), sum(wanted.numel() for wanted in expected), difference)
    return LoadedModel(merged, base.tokenizer, f"{base.name} + {adapter}"), check


def _logits(model: Any, ids: list[int]) -> torch.Tensor:
    """All logits of one sequence, of shape `(tokens, vocabulary)`."""
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    return logits


def save_merged(merged: LoadedModel, folder: Path, dtype: Literal["float32", "bfloat16"]) -> None:
    """Write the model as safetensors with its tokenizer into `folder`, and read it back to see that it is the same.

    :raises UserError: when what is read differs from what was written.
    """
    model = merged.model.to(getattr(torch, dtype))
    model.save_pretrained(folder, safe_serialization=True)
    merged.tokenizer.save_pretrained(folder)
    stored = load_model(folder).model.state_dict()
    wrong = [name for name, weight in model.state_dict().items() if not torch.equal(weight.float(), stored[name])]
    if wrong:
        raise UserError(
            f"export: {len(wrong)} tensors were not stored as they are, such as {wrong[0]}", "Check the disk."
        )
