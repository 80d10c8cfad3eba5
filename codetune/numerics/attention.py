"""Causal attention in training, from products of oneDNN: torch's own takes its products from MKL, slow in `portable`.

Rows, and blocks of queries in them, are taken one after the other, so that scores stay in the processor's cache, and
none are computed for keys after a block's end. Scores are computed again for the gradient. Without gradients torch's
own is left at work: there an answer has the same bits in any company.
"""

from __future__ import annotations

from typing import Any

import torch

from codetune.numerics.replacing import replace, torchs_own
from codetune.numerics.sharing import OPERATORS, limited

_NAME = "_scaled_dot_product_flash_attention_for_cpu"
_BLOCK = 128  # queries: with fewer, products take longer; with more, more scores are computed in vain
_SHORT = 32  # tokens: texts that are shorter gain nothing


def install() -> None:
    """Have attention computed so, for as long as the process lasts; what is not served here is left to torch's own."""
    forward = torchs_own(_NAME)
    backward = limited(torchs_own(f"{_NAME}_backward"), OPERATORS[f"{_NAME}_backward"])

    def attend(
        query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout_p: float = 0.0, is_causal: bool = False,
        *, attn_mask: torch.Tensor | None = None, scale: float | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
        if dropout_p or not is_causal or attn_mask is not None or not _served(query, key, value):
            output, sums = forward(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)
            return output, sums
        # No sums tell the gradient that the output came from here.
        return _forward(query, key, value, _scale(query, scale)), query.new_empty(0)

    def gradients(
        gradient: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, output: torch.Tensor,
        sums: torch.Tensor, dropout_p: float, is_causal: bool, *, attn_mask: torch.Tensor | None = None,
        scale: float | None = None,
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


def _grouped(tensor: torch.Tensor, row: int, start: int, end: int, heads: int) -> torch.Tensor:
    """Some tokens of a row, of shape `(heads, tokens · group, size)`: those that ask the same head of keys together."""
    part = tensor[row, :, start:end].unflatten(0, (heads, -1)).transpose(1, 2)
    return part.reshape(heads, -1, tensor.shape[-1])


def _ungroup(part: torch.Tensor, tokens: int) -> torch.Tensor:
    """What `_grouped` took, of shape `(tokens, all heads, size)`."""
    return part.unflatten(1, (tokens, -1)).transpose(0, 1).flatten(1, 2)


def _blocks(query: torch.Tensor) -> list[tuple[int, int, int]]:
    """Row, first token and end of each block of queries."""
    length = query.shape[2]
    return [
        (row, start, min(start + _BLOCK, length)) for row in range(len(query)) for start in range(0, length, _BLOCK)
    ]


def _weights(asked: torch.Tensor, key: torch.Tensor, later: torch.Tensor, start: int) -> torch.Tensor:
    """How much each query takes of each key: of shape `(heads, tokens · group, keys)`."""
    scores = torch.bmm(asked, key.transpose(1, 2))
    tokens = key.shape[1] - start
    scores[:, :, start:].unflatten(1, (tokens, -1)).add_(later[:tokens, None, :tokens])
    return scores.softmax(-1)


def _later(query: torch.Tensor) -> torch.Tensor:
    """What is added to the scores of a block's own keys: minus infinity for those that come after the query."""
    return query.new_full((_BLOCK, _BLOCK), -torch.inf).triu_(1)


def _forward(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float) -> torch.Tensor:
    output = torch.empty_like(query.transpose(1, 2), memory_format=torch.contiguous_format)
    later, heads = _later(query), key.shape[1]
    for row, start, end in _blocks(query):
        weights = _weights(
            _grouped(query, row, start, end, heads).mul_(scale), key[row, :, :end], later, start
        )
        output[row, start:end] = _ungroup(torch.bmm(weights, value[row, :, :end]), end - start)
    return output.transpose(1, 2)


def _backward(
    gradient: torch.Tensor,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    output: torch.Tensor,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    of_query, of_key, of_value = (
        torch.zeros_like(tensor.transpose(1, 2), memory_format=torch.contiguous_format).transpose(1, 2)
        for tensor in (query, key, value)
    )
    later, heads = _later(query), key.shape[1]
    for row, start, end in _blocks(query):
        keys, values = key[row, :, :end], value[row, :, :end]
        asked = _grouped(query, row, start, end, heads).mul_(scale)
        towards = _grouped(gradient, row, start, end, heads)
        common = (towards * _grouped(output, row, start, end, heads)).sum(-1, keepdim=True)
        weights = _weights(asked, keys, later, start)
        of_value[row, :, :end] += torch.bmm(weights.transpose(1, 2), towards)
        of_scores = torch.bmm(towards, values.transpose(1, 2)).sub_(common).mul_(weights)
        of_query[row, :, start:end] = _ungroup(torch.bmm(of_scores, keys).mul_(scale), end - start).transpose(0, 1)
        of_key[row, :, :end] += torch.bmm(of_scores.transpose(1, 2), asked)
    return of_query, of_key, of_value
