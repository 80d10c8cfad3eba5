"""Operators that torch shares out so that it shows: the same bits for any number of threads, and torch's own values."""

import pytest
import torch
from torch.nn import functional

from codetune.numerics import thread_limits

SHAPE = (1237, 513)  # many threads' worth, and odd


def drawn(*shape, seed=7):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def with_gradient(function):
    """The function's value and its gradient at one place."""

    def both():
        x = drawn(*SHAPE).requires_grad_()
        value = function(x)
        return value, *torch.autograd.grad(value, x, drawn(*value.shape, seed=8))

    return both


def layer_norm():
    x, weight, bias = (drawn(*shape).requires_grad_() for shape in (SHAPE, SHAPE[1:], SHAPE[1:]))
    value = functional.layer_norm(x, SHAPE[1:], weight, bias)
    return value, *torch.autograd.grad(value, (x, weight, bias), drawn(*SHAPE, seed=8))


def attention(rows, heads, length=300):
    query = drawn(rows, 3 * heads, length, 16).requires_grad_()
    key, value = (drawn(rows, heads, length, 16, seed=seed).requires_grad_() for seed in (8, 9))
    found = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
    return found, *torch.autograd.grad(found, (query, key, value), drawn(*found.shape, seed=10))


def mish_of_parts():
    """Of rows that do not lie beside one another, which even parts of all elements would cut where it shows."""
    x = drawn(2800, 48).requires_grad_()
    value = functional.mish(x[:, :24])
    return value, *torch.autograd.grad(value, x, drawn(2800, 24, seed=8))


COMPUTATIONS = {
    "sigmoid": with_gradient(torch.sigmoid),
    "silu": with_gradient(functional.silu),
    "mish of parts": mish_of_parts,
    "gelu": with_gradient(functional.gelu),
    "gelu by tanh": with_gradient(lambda x: functional.gelu(x, approximate="tanh")),
    "mish": with_gradient(functional.mish),
    "softplus": with_gradient(functional.softplus),
    "elu": with_gradient(functional.elu),
    "softmax": with_gradient(lambda x: x.softmax(-1)),
    "log softmax": with_gradient(lambda x: x.log_softmax(-1)),
    "sum and mean": lambda: (drawn(*SHAPE).sum(), drawn(*SHAPE).mean()),
    "norm": lambda: (torch.linalg.vector_norm(drawn(*SHAPE)),),
    "dot": lambda: (torch.dot(drawn(64_000), drawn(64_000, seed=8)),),
    "layer norm": layer_norm,
    "root mean square norm": with_gradient(lambda x: functional.rms_norm(x, SHAPE[1:])),
    "attention of one head": lambda: attention(1, 1),
    "attention of several": lambda: attention(3, 2),
}


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_any_number_of_threads_gives_the_same_bits(same_bits, name):
    same_bits(COMPUTATIONS[name])


@pytest.mark.parametrize(
    ("elements", "available", "taken"),
    [
        (1000, 8, 1),
        (1 << 20, 8, 8),
        (1 << 20, 7, 4),
        (3 << 18, 7, 6),
        (1200 * 512, 2, 2),
        (1201 * 513, 8, 1),
        (65_536, 64, 2),
    ],
)
def test_an_activation_takes_the_threads_that_get_even_parts(elements, available, taken):
    assert thread_limits._even(available, torch.empty(elements)) == taken


def test_gradients_are_exact(threads):
    threads(3)
    x = drawn(5, 7).double().requires_grad_()
    for function in (torch.sigmoid, functional.silu, functional.mish, functional.softplus, functional.elu):
        assert torch.autograd.gradcheck(function, x)
    assert torch.autograd.gradcheck(lambda x: functional.gelu(x, approximate="tanh"), x)
    assert torch.autograd.gradcheck(lambda x: x.softmax(-1).sum(0) + x.mean(), x)


def test_threads_are_given_back_after_an_error(threads):
    threads(3)
    with pytest.raises(RuntimeError):
        thread_limits.with_thread_limit(thread_limits.original_kernel("mm"), lambda *_: 1)(drawn(2, 3), drawn(2, 3))
    assert torch.get_num_threads() == 3
