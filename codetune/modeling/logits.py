"""Logits where they are wanted, and nowhere else."""

from __future__ import annotations

from typing import Any

import torch


def logits_at(
    model: Any, input_ids: torch.Tensor, positions: torch.Tensor, position_ids: torch.Tensor | None = None
) -> torch.Tensor:
    """The logits at some positions, of shape `(n, vocabulary)`.

    Hidden states are selected before the output layer, which is as large as the vocabulary: with labels on half of
    the positions, half of that work and memory is saved. Whatever a model family does after that layer (soft caps,
    scaling) stays in force.

    :param input_ids: ids of shape `(rows, length)`, padded on the right. No mask is needed: attention is causal.
    :param positions: indices into the flattened ids, of shape `(n,)`.
    :param position_ids: of the shape of the ids, in a single row of texts laid end to end: where they start over, a new
        text begins, and transformers lets no token attend across. None: every row is one text.
    """

    def select(_layer: Any, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (arguments[0].flatten(0, 1).index_select(0, positions).unsqueeze(0),)

    handle = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        logits: torch.Tensor = model(input_ids=input_ids, position_ids=position_ids, use_cache=False).logits
    finally:
        handle.remove()
    if logits.shape[:2] != (1, len(positions)):
        raise RuntimeError(f"the output layer gave {tuple(logits.shape)} logits for {len(positions)} positions")
    return logits.squeeze(0)
