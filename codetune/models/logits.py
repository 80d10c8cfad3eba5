"""Compute logits at selected positions only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def logits_at(
    model: Any, input_ids: torch.Tensor, positions: torch.Tensor, position_ids: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the logits at some positions, of shape `(n, vocabulary)`.

    Hidden states are selected before the output layer, which is as large as the vocabulary. If half of the positions
    have labels, this saves half of the work and memory of that layer. Operations that a model family applies after the
    output layer (soft caps, scaling) are still applied.

    :param input_ids: ids of shape `(rows, length)`, padded on the right. Causal attention needs no mask.
    :param positions: indices into the flattened ids, of shape `(n,)`.
    :param position_ids: for packed texts in a single row, of the shape of `input_ids`. Positions restart at 0 where a
        new text begins; transformers then lets no token attend to another text. None: each row is one text.
    """
    return _logits(model, input_ids, position_ids, lambda states: states.index_select(0, positions))


def hidden_states_at(
    model: Any, input_ids: torch.Tensor, positions: torch.Tensor, position_ids: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the inputs of the output layer at some positions, and the logits at the first of these positions.

    :param input_ids: as for `logits_at`.
    :param positions: as for `logits_at`.
    :param position_ids: as for `logits_at`.
    :returns: hidden states of shape `(n, hidden size)`, and logits of shape `(vocabulary,)`.
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
    """Return the logits of the selected states, of shape `(selected, vocabulary)`.

    :param select: chooses rows of the hidden states, which have the shape `(rows · length, hidden size)`.
    """
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
        raise RuntimeError(
            f"the output layer got {given} positions, but the model returned logits of shape {tuple(logits.shape)}"
        )
    return logits.squeeze(0)
