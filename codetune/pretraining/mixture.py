"""What each optimizer step is shown: documents of all kinds at first, and rows of functions among them at the end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from codetune.pretraining.corpus import Stream, documents, shuffled, single_functions
from codetune.pretraining.params import PretrainParams

MakeStream = Callable[[str, Callable[[], list[str]], int], Stream]
"""Makes the stream of a name, out of texts that are asked for where they are needed, with at least so many tokens."""


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
        length, count = params.context, params.step_rows
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

    def shown(self, params: PretrainParams) -> torch.Tensor:
        """The ids of all that the whole run is shown, of shape `(tokens,)`: the documents, then the functions."""
        rows = params.steps * params.step_rows
        parts = ((self.documents, rows - params.function_rows), (self.functions, params.function_rows))
        return torch.cat([stream.rows(0, count, params.context)[0].flatten() for stream, count in parts if count])


def make_mixture(files: list[dict[str, Any]], params: PretrainParams, make: MakeStream) -> Mixture:
    """The mixture of a recipe, drawn from the training files of a corpus."""
    functions = cache(lambda: single_functions(files, params.function_chars))
    return Mixture(
        documents=make(
            "stream",
            lambda: documents(files, functions(), params.seed, params.function_share),
            params.steps * params.batch_tokens + 1,
        ),
        functions=make(
            "functions",
            lambda: shuffled(functions(), params.seed),
            params.function_rows * params.context + 1,
        ),
    )
