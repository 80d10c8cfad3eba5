"""Operators whose bits show how torch shares them out to threads: each is given no more threads than it can bear.

Most of what language models are made of comes out the same on any number of threads. Not so an activation where a
thread's part does not fill the registers of the processor: its last elements are rounded by another routine. Nor the
sum of a whole tensor, or the gradient of a layer norm's weight, of which each thread adds up a part; nor the gradient
of a softmax, nor that of attention with a single head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from codetune.numerics.replacing import Kernel, replace, torchs_own

Limit = Callable[..., int]
"""How many of some threads an operator can bear: called with their number, then with the operator's arguments."""
_FEW_ELEMENTS = 1 << 14  # three times as many as a product has that was seen to differ
_GRAIN = 1 << 15  # elements: a thread gets no fewer
_REGISTERS = 32  # elements that are computed together, at the most


def _one(_threads: int, *_arguments: Any, **_named: Any) -> int:
    return 1


def _even(threads: int, *arguments: Any, **_named: Any) -> int:
    """As many as get parts that fill the registers, where the tensors lie in memory without gaps."""
    tensors = [argument for argument in arguments if isinstance(argument, torch.Tensor)]
    if not all(tensor.is_contiguous() for tensor in tensors):
        return 1
    elements = tensors[0].numel()
    parted = range(min(threads, -(-elements // _GRAIN)), 1, -1)
    return next((number for number in parted if -(-elements // number) % _REGISTERS == 0), 1)


def _even_if_approximate(threads: int, *tensors: torch.Tensor, approximate: str = "none") -> int:
    return threads if approximate == "none" else _even(threads, *tensors)


def _one_for_weights(threads: int, *arguments: Any) -> int:
    """One where more is asked for than the gradient of the input, by the last argument."""
    return 1 if any(arguments[-1][1:]) else threads


def _one_for_a_head(
    threads: int, _gradient: Any, _query: Any, key: torch.Tensor, *_arguments: Any, **_named: Any
) -> int:
    """One where a single row has a single head of keys, of shape `(rows, heads, length, size)`."""
    return 1 if key.shape[0] * key.shape[1] == 1 else threads


def _one_for_few(threads: int, *arguments: Any, **_named: Any) -> int:
    """One where the product of the last two has few elements."""
    left, right = arguments[-2:]
    return 1 if left.shape[-2] * right.shape[-1] <= _FEW_ELEMENTS else threads


_ACTIVATIONS = ("sigmoid", "silu", "silu_backward", "mish", "mish_backward", "softplus", "softplus_backward", "elu",
                "elu_backward")  # fmt: skip
OPERATORS: dict[str, Limit] = {
    **dict.fromkeys(_ACTIVATIONS, _even),
    **dict.fromkeys(("gelu", "gelu_backward"), _even_if_approximate),
    **dict.fromkeys(("sum", "mean", "dot", "_softmax_backward_data"), _one),
    "native_layer_norm_backward": _one_for_weights,
    "_scaled_dot_product_flash_attention_for_cpu_backward": _one_for_a_head,
}
"""The operators, with what each can bear."""
PRODUCTS: dict[str, Limit] = dict.fromkeys(("mm", "addmm", "bmm", "baddbmm"), _one_for_few)
"""The same for MKL's products, whose bits show it with `MKL_CBWR=AVX2,STRICT` too."""


def install(operators: Mapping[str, Limit]) -> None:
    """Hold these operators to their limits, for as long as the process lasts."""
    replace({name: limited(torchs_own(name), limit) for name, limit in operators.items()})


def held_to(number: int, kernel: Kernel, *arguments: Any, **named: Any) -> Any:
    """What a kernel gives that is shared out to so many threads."""
    threads = torch.get_num_threads()
    if number == threads:
        return kernel(*arguments, **named)
    torch.set_num_threads(number)
    try:
        return kernel(*arguments, **named)
    finally:
        torch.set_num_threads(threads)


def limited(kernel: Kernel, limit: Limit) -> Kernel:
    """A kernel that is given no more threads than it can bear."""

    def run(*arguments: Any, **named: Any) -> Any:
        threads = torch.get_num_threads()
        borne = threads if threads == 1 else limit(threads, *arguments, **named)
        return held_to(borne, kernel, *arguments, **named)

    return run
