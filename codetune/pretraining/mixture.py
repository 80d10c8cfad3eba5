"""What each optimizer step is shown: documents of all kinds at first, and rows of functions among them at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from codetune.pretraining.corpus import Stream
from codetune.pretraining.params import PretrainParams


@dataclass(frozen=True)
class Mixture:
    """Two streams, and when rows are taken from which.

    Small models keep best what they saw while the learning rate fell (Hu et al., "MiniCPM", 2024, section 4): there,
    descriptions that lead to code get a share of their own.
    """

    documents: Stream
    functions: Stream

    def batch(self, step: int, params: PretrainParams) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Inputs, targets and positions of an optimizer step, each of shape `(rows, context)`."""
        length = params.context
        count = params.batch_tokens // length
        if step < params.steady_steps:
            return self.documents.rows(step * count * length, count, length)
        steady, first = params.steady_steps * count, (step - params.steady_steps) * count
        found = []
        for row in range(first, first + count):
            functions = math.floor(row * params.decay_function_share)
            if math.floor((row + 1) * params.decay_function_share) > functions:
                found.append(self.functions.rows(functions * length, 1, length))
            else:
                found.append(self.documents.rows((steady + row - functions) * length, 1, length))
        ids, targets, positions = (torch.cat(parts) for parts in zip(*found, strict=True))
        return ids, targets, positions
