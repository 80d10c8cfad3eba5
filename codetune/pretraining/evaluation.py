"""How well a model predicts held-out files, in bits per byte."""

from __future__ import annotations

import math

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from codetune.pretraining.model import token_losses


def file_bits(model: LlamaForCausalLM, ids: list[int], context: int) -> float:
    """Bits that the model needs for a file's tokens, each predicted from at least half a context where there is one.

    The file begins after an end token, as in training; windows of `context` tokens move on by half.
    """
    end = model.config.eos_token_id
    tokens = torch.tensor([end, *ids], device=model.device)
    half = context // 2
    bits = 0.0
    first = 0
    while first < len(tokens) - 1:
        window = tokens[first : first + context + 1][None]
        losses = token_losses(model, window[:, :-1], window[:, 1:])[0]
        bits += losses[0 if first == 0 else half :].double().sum().item() / math.log(2)
        if first + context + 1 >= len(tokens):
            break
        first += half
    return bits


def bits_per_byte(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, texts: list[str], context: int
) -> tuple[float, float]:
    """Bits per byte over all `texts`, and bytes per token."""
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        encoded = [tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"] for text in texts]
        bits = math.fsum(file_bits(model, ids, context) for ids in encoded)
    model.train(was_training)
    size = sum(len(text.encode()) for text in texts)
    return bits / size, size / sum(map(len, encoded))
