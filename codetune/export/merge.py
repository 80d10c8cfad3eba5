"""Merge the adapter into the base model, and check that the merged model gives the same logits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from codetune.core.errors import UserError
from codetune.generation.batch import answer_all
from codetune.models.load import LoadedModel, attach_adapter, load_model

ROUNDINGS_PER_LAYER = 32
"""Accepted number of rounding errors, all in one direction, that each layer adds to a logit.

Measured: up to 14 (tests/test_families.py).
"""
_ANSWER_TOKENS = 64


@dataclass(frozen=True)
class MergeCheck:
    """The comparison of the merged model with base plus adapter.

    :param prompts: number of held-out rows.
    :param logits: number of logits that were compared: those of these rows and of greedy answers.
    :param max_difference: largest difference of a logit.
    :param allowed: largest difference that rounding can explain.
    :param tokens: number of tokens of the greedy answers, with the one after each.
    :param ties: number of these tokens where the merged model prefers another token. There its two best logits differ
        by at most twice `allowed`.
    """

    prompts: int
    logits: int
    max_difference: float
    allowed: float
    tokens: int
    ties: int


@dataclass(frozen=True)
class CheckedAnswers:
    """Greedy answers of base plus adapter, with the logits of the merged model.

    :param sequences: token ids of prompts with their answers.
    :param begins: position in each sequence from which the next token is one of the answer, or the one after it.
    :param logits: the logits at these positions, of shape `(tokens, vocabulary)` for each sequence.
    """

    sequences: list[list[int]]
    begins: list[int]
    logits: list[torch.Tensor]


def merge(
    base: LoadedModel, adapter: Path, rows: list[list[int]], prompts: list[list[int]]
) -> tuple[LoadedModel, MergeCheck, CheckedAnswers]:
    """Add the adapter to the weights of the base model, and compare the result with base plus adapter.

    :param base: the base model; it is changed and must not be used afterwards.
    :param adapter: folder of the LoRA adapter.
    :param rows: token ids of held-out rows, prompt and completion, to compare all logits on; at least one.
    :param prompts: token ids of held-out prompts; logits are also compared on greedy answers to them.
    :returns: the merged model, the result of the comparison, and the answers that were compared.
    :raises UserError: when the adapter does not fit, or a logit differs by more than rounding can explain.
    """
    tuned = attach_adapter(base.model, adapter)
    beside = LoadedModel(tuned, base.tokenizer, base.name)
    answers = dict(answer_all(beside, prompts, max_new_tokens=_ANSWER_TOKENS, batch_size=len(prompts)))
    sequences = [prompt + answers[index].ids for index, prompt in enumerate(prompts)]
    compared = [*rows, *sequences]
    expected = [plain_logits(tuned, ids) for ids in compared]
    merged = tuned.merge_and_unload().eval()
    found = [plain_logits(merged, ids) for ids in compared]
    # A difference that is NaN must not pass: torch's max returns it, and `not difference <= allowed` is then true.
    pairs = list(zip(found, expected, strict=True))
    difference = torch.stack([(logits - wanted).abs().max() for logits, wanted in pairs]).max().item()
    allowed = rounding(merged, max(wanted.abs().max().item() for wanted in expected))
    if not difference <= allowed:
        raise UserError(
            f"export: after merging, a logit differs by {difference:.2e} from base plus adapter, and rounding explains "
            f"only {allowed:.2e}: the adapter's weights are too large",
            "Train again with a smaller train.learning_rate or train.lora.alpha.",
        )
    begins = [len(prompt) - 1 for prompt in prompts]
    of_answers = [
        (logits[begin:], wanted[begin:]) for (logits, wanted), begin in zip(pairs[len(rows) :], begins, strict=True)
    ]
    ties = sum(int((logits.argmax(-1) != wanted.argmax(-1)).sum()) for logits, wanted in of_answers)
    tokens = sum(len(logits) for logits, _ in of_answers)
    logits = sum(wanted.numel() for wanted in expected)
    return (
        LoadedModel(merged, base.tokenizer, f"{base.name} + {adapter}"),
        MergeCheck(len(rows), logits, difference, allowed, tokens, ties),
        CheckedAnswers(sequences, begins, [logits for logits, _ in of_answers]),
    )


def rounding(model: Any, largest: float) -> float:
    """Return the largest difference of a logit that rounding can explain.

    It grows with the number of layers, the rounding error of the weights' type, and the largest logit.

    :param largest: the largest absolute value of a logit.
    """
    unit = torch.finfo(model.dtype).eps / 2
    layers = int(model.config.get_text_config(decoder=True).num_hidden_layers)
    return ROUNDINGS_PER_LAYER * layers * unit * largest


def plain_logits(model: Any, ids: list[int]) -> torch.Tensor:
    """Compute all logits of one sequence, without a cache and with the model's own code.

    :param ids: token ids of the sequence.
    :returns: logits of shape `(tokens, vocabulary)`.
    """
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0]
    return logits


def save_merged(merged: LoadedModel, folder: Path, dtype: Literal["float32", "bfloat16"]) -> None:
    """Write the model as safetensors with its tokenizer, and read it back to check that the weights are equal.

    :param merged: the merged model; its weights are converted to `dtype`.
    :param folder: folder to write to.
    :param dtype: number type of the stored weights.
    :raises UserError: when a tensor that is read differs from the one that was written.
    """
    model = merged.model.to(getattr(torch, dtype))
    if len(merged.end_ids) > 1:  # so that other programs end answers at the same tokens as codetune
        model.generation_config.eos_token_id = sorted(merged.end_ids)
    model.save_pretrained(folder, safe_serialization=True)
    merged.tokenizer.save_pretrained(folder)
    stored = load_model(folder).model.state_dict()
    wrong = [
        name for name, weight in model.state_dict().items() if not torch.equal(weight.float(), stored[name].float())
    ]
    if wrong:
        raise UserError(
            f"export: {len(wrong)} tensors differ after writing and reading them, such as {wrong[0]}",
            "Check the disk.",
        )
