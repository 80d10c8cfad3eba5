"""Operators whose bits show how torch shares them out to threads: each is run on one thread.

Most of what language models are made of comes out the same on any number of threads. Not so an activation, or the
gradient of a softmax, where a thread's part does not fill the registers of the processor: its last elements are rounded
by another routine. Nor the sum of a whole tensor, or the gradient of a layer norm's weight, of which each thread adds
up a part; nor the gradient of attention with a single head, whose products are then shared out themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from codetune.numerics.replacing import Kernel, replace, torchs_own

Condition = Callable[..., bool]
_FEW_ELEMENTS = 1 << 14


def _always(*_arguments: Any, **_named: Any) -> bool:
    return True


def _approximate(*_arguments: Any, approximate: str = "none") -> bool:
    return approximate != "none"


def _of_weights(*arguments: Any) -> bool:
    """Whether more is asked for than the gradient of the input, by the last argument."""
    return any(arguments[-1][1:])


def _single_head(_gradient: Any, _query: Any, key: torch.Tensor, *_arguments: Any, **_named: Any) -> bool:
    """Whether one row has one head of keys, of shape `(rows, heads, length, size)`."""
    return key.shape[0] * key.shape[1] == 1


def _small(*arguments: Any, **_named: Any) -> bool:
    """Whether the product of the last two has few elements."""
    left, right = arguments[-2:]
    return bool(left.shape[-2] * right.shape[-1] <= _FEW_ELEMENTS)


OPERATORS: dict[str, Condition] = {
    "sigmoid": _always,
    "silu": _always,
    "silu_backward": _always,
    "gelu": _approximate,
    "gelu_backward": _approximate,
    "mish": _always,
    "mish_backward": _always,
    "softplus": _always,
    "softplus_backward": _always,
    "elu": _always,
    "elu_backward": _always,
    "sum": _always,
    "mean": _always,
    "dot": _always,
    "_softmax_backward_data": _always,
    "native_layer_norm_backward": _of_weights,
    "_scaled_dot_product_flash_attention_for_cpu_backward": _single_head,
}
"""The operators, and of which arguments that is true."""
PRODUCTS: dict[str, Condition] = {"mm": _small, "addmm": _small, "bmm": _small, "baddbmm": _small}
"""The same of MKL's products, with `MKL_CBWR=AVX2,STRICT` too."""


def install(operators: Mapping[str, Condition]) -> None:
    """Run these on one thread each, for as long as the process lasts."""
    replace({name: _alone(torchs_own(name), condition) for name, condition in operators.items()})


def _alone(kernel: Kernel, condition: Condition) -> Kernel:
    def run(*arguments: Any, **named: Any) -> Any:
        threads = torch.get_num_threads()
        if threads == 1 or not condition(*arguments, **named):
            return kernel(*arguments, **named)
        torch.set_num_threads(1)
        try:
            return kernel(*arguments, **named)
        finally:
            torch.set_num_threads(threads)

    return run
