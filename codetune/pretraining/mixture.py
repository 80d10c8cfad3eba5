"""What each optimizer step is shown: documents of all kinds at first; later functions and loops among them, too."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

import torch

from codetune.pretraining.corpus import Stream, documents, shuffled, single_functions
from codetune.pretraining.params import PretrainParams
from codetune.pretraining.repetition import WIDTH, repeat

MakeStream = Callable[[str, Callable[[], list[str]], int], Stream]
"""Makes the stream of a name, out of texts that are asked for where they are needed, with at least so many tokens."""


class Batch(NamedTuple):
    """Rows of tokens; each tensor of shape `(rows, context)`.

    `positions` count from 0 in each document; `periods` tell how many tokens earlier a repeated target stood, and are 0
    in real text.
    """

    ids: torch.Tensor
    targets: torch.Tensor
    positions: torch.Tensor
    periods: torch.Tensor


def _kind(row: int, params: PretrainParams) -> tuple[Literal["functions", "loops", "documents"], int]:
    """What a row of the decay holds, and how many of its kind come before it.

    Each kind is spread evenly: functions over all rows, loops over those that are left.
    """
    functions = params.functions_before(row)
    if params.functions_before(row + 1) > functions:
        return "functions", functions
    rest = row - functions
    loops = params.loops_before(rest)
    return ("loops", loops) if params.loops_before(rest + 1) > loops else ("documents", rest - loops)


def _own(rows: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> Batch:
    """Rows of real text."""
    return Batch(*rows, torch.zeros_like(rows[0]))


@dataclass(frozen=True)
class Mixture:
    """Two streams, and when rows are taken from which.

    Small models keep best what they saw while the learning rate fell (Hu et al., "MiniCPM", 2024, section 4): there,
    descriptions that lead to code get a share of their own.
    """

    documents: Stream
    functions: Stream

    def batch(self, step: int, params: PretrainParams) -> Batch:
        """The rows of an optimizer step."""
        length, count = params.context, params.step_rows
        if step < params.steady_steps:
            return _own(self.documents.rows(step * count * length, count, length))
        steady, first = params.steady_steps * count, (step - params.steady_steps) * count
        found = []
        for row in range(first, first + count):
            kind, before = _kind(row, params)
            if kind == "functions":
                found.append(_own(self.functions.rows(before * length, 1, length)))
            elif kind == "loops":
                found.append(self._loops(before, params))
            else:
                found.append(_own(self.documents.rows((steady + before) * length, 1, length)))
        return Batch(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def _loops(self, index: int, params: PretrainParams) -> Batch:
        """A row of functions that get caught in loops; their texts come after those that are shown whole."""
        width = min(WIDTH, params.context)
        count = params.context // width
        start = (params.function_rows + index) * params.context
        parts = self.functions.rows(start, count, width)
        draw = random.Random(f"{params.seed} {index}")
        loops = [repeat((ids, targets, positions), draw) for ids, targets, positions in zip(*parts, strict=True)]
        return Batch(*(torch.cat(column)[None] for column in zip(*loops, strict=True)))

    def shown(self, params: PretrainParams) -> torch.Tensor:
        """The ids of all real text that the run is shown, of shape `(tokens,)`: documents, then functions; no loops."""
        rows = params.steps * params.step_rows - params.function_rows - params.loop_rows
        parts = ((self.documents, rows), (self.functions, params.function_rows))
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
            (params.function_rows + params.loop_rows) * params.context + 1,
        ),
    )
