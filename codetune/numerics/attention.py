"""Causal attention in training, from products of oneDNN: torch's own takes its products from MKL, slow in `portable`.

Rows, heads of keys, and blocks of queries are taken one after the other, so that scores stay in the processor's
cache, and none are computed for keys after a block's end. Scores are computed again for the gradient. Without
gradients torch's own is left at work: there an answer has the same bits in any company.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch

from codetune.numerics.products import matrix_product
from codetune.numerics.replacing import replace, torchs_own
from codetune.numerics.sharing import OPERATORS, limited

_NAME = "_scaled_dot_product_flash_attention_for_cpu"
_BLOCK = 128  # queries at the most: with fewer, products take longer; with more, more scores are computed in vain
_SHORT = 32  # tokens: texts that are shorter gain nothing


def install() -> None:
    """Have attention computed so, for as long as the process lasts; what is not served here is left to torch's own."""
    forward = torchs_own(_NAME)
    backward = limited(torchs_own(f"{_NAME}_backward"), OPERATORS[f"{_NAME}_backward"])

    def attend(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout_p: float = 0.0,
        is_causal: bool = False,  # noqa: FBT001, FBT002 - as torch has it
        *, attn_mask: torch.Tensor | None = None, scale: float | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
        if dropout_p or not is_causal or attn_mask is not None or not _served(query, key, value):
            output, sums = forward(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)
            return output, sums
        # No sums tell the gradient that the output came from here.
        return _forward(query, key, value, _scale(query, scale)), query.new_empty(0)

    def gradients(
        gradient: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, output: torch.Tensor,
        sums: torch.Tensor, dropout_p: float, is_causal: bool,  # noqa: FBT001 - as torch has it
        *, attn_mask: torch.Tensor | None = None, scale: float | None = None,
    ) -> Any:  # fmt: skip
        if sums.numel():
            given = gradient, query, key, value, output, sums, dropout_p, is_causal
            return backward(*given, attn_mask=attn_mask, scale=scale)
        return _backward(gradient, query, key, value, output, _scale(query, scale))

    replace({_NAME: attend, f"{_NAME}_backward": gradients})


def _served(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> bool:
    """Whether a gradient is wanted of float32 tensors of shape `(rows, heads, length, size)`, of one length."""
    same = query.shape[2] == key.shape[2] and key.shape == value.shape and query.dtype is torch.float32
    return torch.is_grad_enabled() and same and query.shape[2] >= _SHORT


def _scale(query: torch.Tensor, scale: float | None) -> float:
    return query.shape[-1] ** -0.5 if scale is None else scale


def _by_key_head(tensor: torch.Tensor, heads: int) -> torch.Tensor:
    """The same of shape `(rows, heads, length · group, size)`: the queries that ask the same head of keys together."""
    rows, _, length, size = tensor.shape
    return tensor.reshape(rows, heads, -1, length, size).transpose(2, 3).reshape(rows, heads, -1, size)


def _by_query_head(tensor: torch.Tensor, length: int) -> torch.Tensor:
    """What `_by_key_head` took, of shape `(rows, all heads, length, size)`; it lies in memory token by token."""
    rows, heads, _, size = tensor.shape
    tokens = tensor.view(rows, heads, length, -1, size).transpose(1, 2)
    return tokens.reshape(rows, length, -1, size).transpose(1, 2)


def _parts(heads: torch.Tensor, length: int) -> Iterator[tuple[int, int, slice, int, int]]:
    """Row, head, the place of some queries, and their first token and end: for each block of queries."""
    group = heads.shape[2] // length
    size = -(-length // -(-length // _BLOCK))  # no block is much smaller than the others
    for row, head in product(range(heads.shape[0]), range(heads.shape[1])):
        for start in range(0, length, size):
            end = min(start + size, length)
            yield row, head, slice(start * group, end * group), start, end


def _weights(asked: torch.Tensor, keys: torch.Tensor, later: torch.Tensor, start: int) -> torch.Tensor:
    """How much each query takes of each key: of shape `(tokens · group, keys)`."""
    scores = matrix_product(asked, keys.t())
    tokens = len(keys) - start
    scores.view(tokens, -1, len(keys))[:, :, start:].add_(later[:tokens, None, :tokens])
    return scores.softmax(-1)


def _later(query: torch.Tensor) -> torch.Tensor:
    """What is added to the scores of a block's own keys: minus infinity for those that come after the query."""
    return query.new_full((_BLOCK, _BLOCK), -torch.inf).triu_(1)


def _forward(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float) -> torch.Tensor:
    length, later = query.shape[2], _later(query)
    asked, key, value = _by_key_head(query, key.shape[1]), key.contiguous() * scale, value.contiguous()
    output = torch.empty_like(asked)
    for row, head, place, start, end in _parts(asked, length):
        weights = _weights(asked[row, head, place], key[row, head, :end], later, start)
        output[row, head, place] = matrix_product(weights, value[row, head, :end])
    return _by_query_head(output, length)


def _backward(
    gradient: torch.Tensor,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    output: torch.Tensor,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    (length, heads), later = (query.shape[2], key.shape[1]), _later(query)
    asked, towards = _by_key_head(query, heads), _by_key_head(gradient, heads)
    key, value = key.contiguous() * scale, value.contiguous()
    common = (towards * _by_key_head(output, heads)).sum(-1, keepdim=True)
    of_asked, of_key, of_value = torch.empty_like(asked), torch.zeros_like(key), torch.zeros_like(value)
    for row, head, place, start, end in _parts(asked, length):
        queries, above = asked[row, head, place], towards[row, head, place]
        keys, values = key[row, head, :end], value[row, head, :end]
        weights = _weights(queries, keys, later, start)
        of_value[row, head, :end] += matrix_product(weights.t(), above)
        of_scores = matrix_product(above, values.t()).sub_(common[row, head, place]).mul_(weights)
        of_asked[row, head, place] = matrix_product(of_scores, keys)
        of_key[row, head, :end] += matrix_product(of_scores.t(), queries)
    return _by_query_head(of_asked, length), of_key.mul_(scale), of_value
