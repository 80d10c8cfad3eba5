"""Limit the threads of operators whose result bits depend on how torch splits the work among threads.

Most operators of language models give the same bits with any thread count. These do not:
- Activations, if the part of a thread does not fill the vector registers: another routine computes the last elements
  and rounds them differently.
- The sum of a whole tensor, and the gradient of a layer norm's weight: each thread sums a part.
- The gradient of a softmax, and the gradient of attention with a single head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from codetune.numerics.replacing import Kernel, original_kernel, replace

Limit = Callable[..., int]
"""A function that returns a safe thread count; it takes the available thread count and the operator's arguments."""
_FEW_ELEMENTS = 1 << 14  # three times the size of the largest product whose bits were seen to differ
_GRAIN = 1 << 15  # the fewest elements that a thread gets
_REGISTERS = 32  # the most elements that vector registers compute together


def _one(_threads: int, *_arguments: Any, **_named: Any) -> int:
    return 1


def _even(threads: int, *arguments: Any, **_named: Any) -> int:
    """Return the largest thread count whose parts fill the vector registers; 1 if a tensor is not contiguous."""
    tensors = [argument for argument in arguments if isinstance(argument, torch.Tensor)]
    if not all(tensor.is_contiguous() for tensor in tensors):
        return 1
    elements = tensors[0].numel()
    parted = range(min(threads, -(-elements // _GRAIN)), 1, -1)
    return next((number for number in parted if -(-elements // number) % _REGISTERS == 0), 1)


def _even_if_approximate(threads: int, *tensors: torch.Tensor, approximate: str = "none") -> int:
    return threads if approximate == "none" else _even(threads, *tensors)


def _one_for_weights(threads: int, *arguments: Any) -> int:
    """Return 1 if the last argument, the output mask, asks for more than the gradient of the input."""
    return 1 if any(arguments[-1][1:]) else threads


def _one_for_a_head(
    threads: int, _gradient: Any, _query: Any, key: torch.Tensor, *_arguments: Any, **_named: Any
) -> int:
    """Return 1 for a single row with a single key head; `key` has shape `(rows, heads, length, size)`."""
    return 1 if key.shape[0] * key.shape[1] == 1 else threads


def _one_for_few(threads: int, *arguments: Any, **_named: Any) -> int:
    """Return 1 if the product of the last two arguments has few elements."""
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
"""The operators and their thread limits."""
PRODUCTS: dict[str, Limit] = dict.fromkeys(("mm", "addmm", "bmm", "baddbmm"), _one_for_few)
"""The thread limits of MKL's products, whose bits depend on the thread count even with `MKL_CBWR=AVX2,STRICT`."""


def install(operators: Mapping[str, Limit]) -> None:
    """Limit the threads of these operators for the rest of this process."""
    replace({name: with_thread_limit(original_kernel(name), limit) for name, limit in operators.items()})


def run_with_threads(number: int, kernel: Kernel, *arguments: Any, **named: Any) -> Any:
    """Run a kernel with a given number of threads and return its result."""
    threads = torch.get_num_threads()
    if number == threads:
        return kernel(*arguments, **named)
    torch.set_num_threads(number)
    try:
        return kernel(*arguments, **named)
    finally:
        torch.set_num_threads(threads)


def with_thread_limit(kernel: Kernel, limit: Limit) -> Kernel:
    """Return a kernel that runs with no more threads than `limit` returns."""

    def run(*arguments: Any, **named: Any) -> Any:
        threads = torch.get_num_threads()
        borne = threads if threads == 1 else limit(threads, *arguments, **named)
        return run_with_threads(borne, kernel, *arguments, **named)

    return run
