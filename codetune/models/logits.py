"""Logits where they are wanted, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
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
    return _logits(model, input_ids, position_ids, lambda states: states.index_select(0, positions))


def states_at(
    model: Any, input_ids: torch.Tensor, positions: torch.Tensor, position_ids: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the output layer is given at some positions, of shape `(n, hidden size)`, and the logits at the first.

    :param input_ids: with the other parameters, as for `logits_at`.
    """
    kept = []

    def first(states: torch.Tensor) -> torch.Tensor:
        kept.append(states.index_select(0, positions))
        return kept[0][:1]

    logits = _logits(model, input_ids, position_ids, first)
    return kept[0], logits[0]


def _logits(
    model: Any,
    input_ids: torch.Tensor,
    position_ids: torch.Tensor | None,
    select: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """The logits of the states that are selected out of all, which have the shape `(rows · length, hidden size)`."""
    given: list[int] = []

    def selected(_layer: Any, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        chosen = select(arguments[0].flatten(0, 1))
        given.append(len(chosen))
        return (chosen.unsqueeze(0),)

    handle = model.get_output_embeddings().register_forward_pre_hook(selected)
    try:
        logits: torch.Tensor = model(input_ids=input_ids, position_ids=position_ids, use_cache=False).logits
    finally:
        handle.remove()
    if [*logits.shape[:2]] != [1, *given]:
        raise RuntimeError(f"the output layer was given {given} positions and the model {tuple(logits.shape)} logits")
    return logits.squeeze(0)
