"""Attention from oneDNN's products: what torch's own gives, the same bits for any number of threads, and no more."""

import math

import pytest
import torch
from torch.nn import functional

from codetune.numerics import attention


def drawn(rows, heads, length, size=16, seed=7):
    """As a model has it: of shape `(rows, heads, length, size)`, and token by token in memory."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, length, heads, size, generator=generator).transpose(1, 2).requires_grad_()


def inputs(length, heads=6, key_heads=2):
    return drawn(2, heads, length), drawn(2, key_heads, length, seed=8), drawn(2, key_heads, length, seed=9)


def with_gradients(query, key, value, **named):
    found = functional.scaled_dot_product_attention(query, key, value, enable_gqa=True, **named)
    return found, *torch.autograd.grad(found, (query, key, value), drawn(*found.shape[:3], seed=10).detach())


def exact(query, key, value, scale=None):
    """By the formula, in double precision."""
    wide = [tensor.detach().double().requires_grad_() for tensor in (query, key, value)]
    group = query.shape[1] // key.shape[1]
    queries, keys, values = wide[0], *(tensor.repeat_interleave(group, 1) for tensor in wide[1:])
    scores = queries @ keys.transpose(2, 3) * (scale or 1 / math.sqrt(query.shape[-1]))
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    found = scores.masked_fill(later, -math.inf).softmax(-1) @ values
    return found, *torch.autograd.grad(found, wide, drawn(*found.shape[:3], seed=10).detach().double())


@pytest.fixture
def calls(monkeypatch):
    """How often attention was computed here."""
    seen = []
    true_forward = attention._forward
    monkeypatch.setattr(attention, "_forward", lambda *arguments: seen.append(1) or true_forward(*arguments))
    return seen


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("heads", [(6, 6), (6, 2), (6, 1)])
@pytest.mark.parametrize("length", [32, 127, 128, 129, 300])
def test_output_and_gradients_are_exact(length, heads, scale, calls):
    given = inputs(length, *heads)
    for found, expected in zip(with_gradients(*given, is_causal=True, scale=scale), exact(*given, scale), strict=True):
        torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-5)
    assert calls == [1]


@pytest.mark.parametrize("length", [40, 300])
def test_any_number_of_threads_gives_the_same_bits(length, same_bits):
    same_bits(lambda: with_gradients(*inputs(length), is_causal=True))


def test_other_kinds_are_left_to_torch(calls):
    query, key, value = inputs(40)
    mask = torch.zeros(40, 40)
    with_gradients(query, key, value)
    with_gradients(query, key, value, attn_mask=mask)
    with_gradients(*inputs(8), is_causal=True)
    with torch.no_grad():
        functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
    assert not calls
