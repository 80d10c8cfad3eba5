"""Causal attention for training with matrix products of oneDNN. torch's own uses MKL, which is slow in mode `portable`.

One thread computes one key head of one row from start to end, so the result does not depend on the thread count. Blocks
of queries are computed one after the other: the scores of a block stay in the processor's cache, and no scores are
computed for keys after the end of the block. The backward pass computes the scores again. Without gradients torch's own
attention is used: there a sequence has the same bits in any batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from typing import Any

import torch

from codetune.numerics.replacing import original_kernel, replace
from codetune.numerics.thread_limits import OPERATORS, with_thread_limit

_NAME = "_scaled_dot_product_flash_attention_for_cpu"
_BLOCK = 128  # the most queries in a block: with fewer, products are slower; with more, more masked scores are computed
_SHORT = 32  # tokens; for shorter sequences this is not faster


def install() -> None:
    """Replace torch's causal attention in this process; torch's own still handles all calls that `_served` rejects."""
    forward = original_kernel(_NAME)
    backward = with_thread_limit(original_kernel(f"{_NAME}_backward"), OPERATORS[f"{_NAME}_backward"])

    def attend(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout_p: float = 0.0,
        is_causal: bool = False,  # noqa: FBT001, FBT002 - as torch has it
        *, attn_mask: torch.Tensor | None = None, scale: float | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
        if dropout_p or not is_causal or attn_mask is not None or not _served(query, key, value):
            output, sums = forward(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)
            return output, sums
        # The empty second output tells `gradients` that the output was computed here.
        return _forward(query, key, value, _scale(query, scale)), query.new_empty(0)

    def gradients(
        gradient: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, output: torch.Tensor,
        sums: torch.Tensor, dropout_p: float, is_causal: bool,  # noqa: FBT001 - as torch has it
        *, attn_mask: torch.Tensor | None = None, scale: float | None = None,
    ) -> Any:  # fmt: skip
        if sums.numel():
            given = gradient, query, key, value, output, sums, dropout_p, is_causal
            return backward(*given, attn_mask=attn_mask, scale=scale)
        return _backward(gradient, query, key, value, _scale(query, scale))

    replace({_NAME: attend, f"{_NAME}_backward": gradients})


def _served(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> bool:
    """Return whether gradients are on, and the tensors `(rows, heads, length, size)` are float32 of the same length."""
    same = query.shape[2] == key.shape[2] and key.shape == value.shape and query.dtype is torch.float32
    return torch.is_grad_enabled() and same and query.shape[2] >= _SHORT


def _scale(query: torch.Tensor, scale: float | None) -> float:
    return query.shape[-1] ** -0.5 if scale is None else scale


def _token_by_token(tensor: torch.Tensor) -> torch.Tensor:
    """Allocate a tensor of the same shape `(rows, heads, length, size)`; the heads of a token are contiguous."""
    return torch.empty_like(tensor.transpose(1, 2), memory_format=torch.contiguous_format).transpose(1, 2)


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return `a @ b.t()`, computed by oneDNN."""
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")  # noqa: SLF001
    return found


def _weights(asked: torch.Tensor, keys: torch.Tensor, later: torch.Tensor, tokens: int) -> torch.Tensor:
    """Return the attention weights of the queries of the last `tokens` positions: shape `(tokens · group, keys)`."""
    scores = _product(asked, keys)
    own = scores.view(tokens, -1, keys.shape[0])[:, :, keys.shape[0] - tokens :]
    own.add_(later[:tokens, None, :tokens])
    return torch._softmax(scores, -1, False)  # noqa: SLF001 - torch.softmax needs a dtype in TorchScript


def _head_forward(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, output: torch.Tensor,
    later: torch.Tensor, block: int, scale: float,
) -> None:  # fmt: skip
    """Compute the output of all query heads that share one key head, block by block; shapes `(…, length, size)`."""
    group, end, size = query.shape
    asked, keys, values = query.transpose(0, 1).reshape(-1, size), key[0] * scale, value[0].contiguous().t()
    while end > 0:
        start = max(0, end - block)
        weights = _weights(asked[start * group : end * group], keys[:end], later, end - start)
        output.transpose(0, 1)[start:end] = _product(weights, values[:, :end]).view(end - start, group, size)
        end = start


def _head_backward(
    gradient: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
    of_query: torch.Tensor, of_key: torch.Tensor, of_value: torch.Tensor,
    later: torch.Tensor, block: int, scale: float,
) -> None:  # fmt: skip
    """Compute the gradients of one key head, of its values, and of the query heads that share it."""
    group, end, size = query.shape
    asked, towards = query.transpose(0, 1).reshape(-1, size), gradient.transpose(0, 1).reshape(-1, size)
    keys, values = key[0] * scale, value[0].contiguous()
    of_keys, of_values = torch.zeros_like(keys.t().contiguous()), torch.zeros_like(keys.t().contiguous())
    while end > 0:
        start = max(0, end - block)
        queries, above = asked[start * group : end * group], towards[start * group : end * group]
        weights = _weights(queries, keys[:end], later, end - start)
        of_values[:, :end].add_(_product(above.t(), weights.t()))
        of_scores = _product(above, values[:end]).mul_(weights)
        of_scores.addcmul_(weights, of_scores.sum(-1, keepdim=True), value=-1)
        of_query.transpose(0, 1)[start:end] = _product(of_scores, keys.t()[:, :end]).view(end - start, group, size)
        of_keys[:, :end].add_(_product(queries.t(), of_scores.t()))
        end = start
    of_key[0] = of_keys.t() * scale
    of_value[0] = of_values.t()


@cache
def _workers(threads: int, _process: int) -> ThreadPoolExecutor:
    """Return a thread pool of this process. The process id is part of the cache key: a fork copies no threads."""
    return ThreadPoolExecutor(threads)


@cache
def _script(function: Callable[..., None]) -> Callable[..., None]:
    """Compile a function with TorchScript: it runs without the GIL, so several threads run at the same time."""
    script: Callable[..., None] = torch.jit.script(function)
    return script


def _each_head(function: Callable[..., None], key: torch.Tensor, scale: float, *tensors: torch.Tensor) -> None:
    """Call a function, which fills in its output tensors, for each key head of each row; one thread per key head."""
    threads, (rows, heads, length) = torch.get_num_threads(), key.shape[:3]
    # The causal mask, added to the scores of a block's own keys: minus infinity for keys after the query.
    later = key.new_full((_BLOCK, _BLOCK), -torch.inf).triu_(1)
    block = -(-length // -(-length // _BLOCK))  # blocks of about the same size
    grouped = [tensor.view(rows, heads, -1, *tensor.shape[2:]) for tensor in tensors]

    def alone(place: tuple[int, int]) -> None:
        torch.set_num_threads(1)
        with torch.no_grad():
            _script(function)(*(tensor[place] for tensor in grouped), later, block, scale)

    try:
        list(_workers(threads, os.getpid()).map(alone, product(range(rows), range(heads))))
    finally:
        torch.set_num_threads(threads)


def _forward(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float) -> torch.Tensor:
    output = _token_by_token(query)
    _each_head(_head_forward, key, scale, query, key, value, output)
    return output


def _backward(
    gradient: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    of_query, of_key, of_value = (_token_by_token(tensor) for tensor in (query, key, value))
    _each_head(_head_backward, key, scale, gradient, query, key, value, of_query, of_key, of_value)
    return of_query, of_key, of_value
