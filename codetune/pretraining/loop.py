"""Training a small Llama on packed sequences: AdamW, warm-up, linear decay to a tenth, resumable."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from codetune.pretraining.checkpoint import load_checkpoint, save_checkpoint
from codetune.pretraining.params import PretrainParams
from codetune.progress import track

_FINAL_LEARNING_RATE_SHARE = 0.1


@dataclass(frozen=True)
class Losses:
    """Mean loss over the last steps of training and on the held-out sequences, in nats per token."""

    training: float
    held_out: float
    curve: list[tuple[int, float]]


def build_model(params: PretrainParams, end: int, pad: int) -> LlamaForCausalLM:
    """A Llama with tied embeddings and random weights drawn from the seed."""
    torch.manual_seed(params.seed)
    config = LlamaConfig(
        vocab_size=params.vocab_size,
        hidden_size=params.hidden_size,
        intermediate_size=params.intermediate_size,
        num_hidden_layers=params.layers,
        num_attention_heads=params.heads,
        num_key_value_heads=params.kv_heads,
        max_position_embeddings=params.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        dtype="float32",
    )
    return LlamaForCausalLM(config)


def learning_rate(step: int, steps: int, params: PretrainParams) -> float:
    """The learning rate of a step, counted from 0."""
    warmup = max(1, round(params.warmup_share * steps))
    if step < warmup:
        return params.learning_rate * (step + 1) / warmup
    left = (steps - step) / max(1, steps - warmup)
    return params.learning_rate * (_FINAL_LEARNING_RATE_SHARE + (1 - _FINAL_LEARNING_RATE_SHARE) * left)


def _optimizer(model: LlamaForCausalLM, params: PretrainParams) -> torch.optim.AdamW:
    weights = [value for value in model.parameters() if value.requires_grad]
    groups = [
        {"params": [value for value in weights if value.ndim > 1], "weight_decay": params.weight_decay},
        {"params": [value for value in weights if value.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=params.learning_rate, betas=(0.9, 0.95), fused=True)


def _loss(model: LlamaForCausalLM, batch: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of a batch of shape `(rows, length + 1)`."""
    ids = batch.long()
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    return functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def held_out_loss(model: LlamaForCausalLM, data: torch.Tensor, rows: int) -> float:
    """Mean loss in nats per token over `data` of shape `(n, length + 1)`."""
    model.eval()
    with torch.inference_mode():
        losses = [_loss(model, batch).item() * len(batch) for batch in torch.split(data, rows)]
    model.train()
    return math.fsum(losses) / len(data)


def pretrain(
    model: LlamaForCausalLM, training: torch.Tensor, held_out: torch.Tensor, params: PretrainParams,
    checkpoint: Path, recipe: str,
) -> Losses:  # fmt: skip
    """Train `model` in place; the losses at the end.

    :param training: token ids of shape `(n, sequence + 1)`, taken in order, once.
    :param checkpoint: file that a killed run of the same `recipe` goes on from.
    """
    rows = max(1, params.batch_tokens // params.sequence)
    steps = len(training) // rows
    optimizer = _optimizer(model, params)
    first = load_checkpoint(checkpoint, model, optimizer, recipe)
    curve: list[tuple[int, float]] = []
    recent: list[float] = []

    def progress() -> Iterator[int]:
        yield from track(range(first, steps), steps - first, "pretraining")

    for step in progress():
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, params)
        loss = _loss(model, training[step * rows : (step + 1) * rows])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), params.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent = [*recent[-49:], loss.item()]
        if (step + 1) % params.checkpoint_every == 0:
            curve.append((step + 1, round(math.fsum(recent) / len(recent), 4)))
            print(f" step {step + 1}: loss {curve[-1][1]}", flush=True)  # noqa: T201
            save_checkpoint(checkpoint, model, optimizer, step + 1, recipe)
    return Losses(math.fsum(recent) / max(1, len(recent)), held_out_loss(model, held_out, rows), curve)
