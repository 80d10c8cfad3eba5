"""Attention within packed documents: no score is computed that the border of a document, or time, would hide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface

ATTENTION = "packed_documents"
_QUERIES = 128


@dataclass(frozen=True)
class Block:
    """A few queries of one row and the keys that any of them may see.

    `hidden` of shape `(queries, keys)` is added to the scores.
    """

    row: int
    queries: slice
    keys: slice
    hidden: torch.Tensor


def blocks_of(positions: torch.Tensor) -> list[Block]:
    """The blocks that cover all rows, on the device of the positions.

    :param positions: of shape `(rows, length)`, counting from 0 in each document.
    """
    device, positions = positions.device, positions.cpu()
    length = positions.shape[1]
    columns = torch.arange(length)
    blocks = []
    for row, firsts in enumerate(columns - positions):
        for start in range(0, length, _QUERIES):
            end = min(start + _QUERIES, length)
            begin = int(firsts[start])
            seen = columns[begin:end]
            masked = (seen > columns[start:end, None]) | (seen < firsts[start:end, None])
            hidden = torch.zeros(masked.shape).masked_fill_(masked, float("-inf")).to(device)
            blocks.append(Block(row, slice(start, end), slice(begin, end), hidden))
    return blocks


class _PackedAttention(torch.autograd.Function):
    """Attention block by block; the probabilities of each block are kept for the way back."""

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, blocks: list[Block], scaling: float
    ) -> torch.Tensor:
        """Of the query's shape `(rows, heads, length, head size)`; key and value may have fewer heads."""
        query, key, value = query.contiguous(), key.contiguous(), value.contiguous()
        rows, heads, length, size = query.shape
        shared = key.shape[1]
        output = torch.empty_like(query)
        grouped = (rows, shared, heads // shared, length, size)
        asked, answered = query.view(grouped), output.view(grouped)
        kept = []
        for block in blocks:
            part = asked[block.row, :, :, block.queries].flatten(1, 2)
            scores = torch.bmm(part, key[block.row, :, block.keys].mT).mul_(scaling)
            scores.view(shared, -1, *block.hidden.shape).add_(block.hidden)
            kept.append(torch.softmax(scores, dim=-1))
            found = torch.bmm(kept[-1], value[block.row, :, block.keys])
            answered[block.row, :, :, block.queries] = found.view(shared, heads // shared, -1, size)
        ctx.save_for_backward(query, key, value, *kept)
        ctx.blocks, ctx.scaling, ctx.grouped = blocks, scaling, grouped
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None, None]:
        """Gradients of query, key and value."""
        query, key, value, *kept = ctx.saved_tensors
        to_query, to_key, to_value = torch.empty_like(query), torch.zeros_like(key), torch.zeros_like(value)
        shared, groups, _, size = ctx.grouped[1:]
        asked, wanted = query.view(ctx.grouped), gradients[0].contiguous().view(ctx.grouped)
        asking = to_query.view(ctx.grouped)
        for block, probabilities in zip(ctx.blocks, kept, strict=True):
            keys = (block.row, slice(None), block.keys)
            part = asked[block.row, :, :, block.queries].flatten(1, 2)
            change = wanted[block.row, :, :, block.queries].flatten(1, 2)
            to_value[keys] += torch.bmm(probabilities.mT, change)
            change = torch.bmm(change, value[keys].mT)
            scores = torch._softmax_backward_data(change, probabilities, -1, change.dtype).mul_(ctx.scaling)  # noqa: SLF001
            to_key[keys] += torch.bmm(scores.mT, part)
            asking[block.row, :, :, block.queries] = torch.bmm(scores, key[keys]).view(shared, groups, -1, size)
        return to_query, to_key, to_value, None, None


def _attend(
    _module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, _mask: torch.Tensor | None,
    *, blocks: list[Block], scaling: float, **_: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """What transformers calls in each layer, with the `blocks` that the model was called with."""
    # The rotation by positions leaves queries and keys in float32, whatever the precision of products.
    query, key = query.to(value.dtype), key.to(value.dtype)
    with torch.autocast(value.device.type, enabled=False):
        output: torch.Tensor = _PackedAttention.apply(query, key, value, blocks, scaling)  # type: ignore[no-untyped-call]
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register(ATTENTION, _attend)
