"""The prompts of the parity test: those that the stage `generate` asks, from each test set in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from codetune.evaluation.problems.prompts import Selection
from codetune.evaluation.problems.reading import Problem
from codetune.evaluation.problems.sets import ProblemSet


@dataclass(frozen=True)
class Question:
    """A prompt of the parity test.

    :param set: the name of its test set.
    :param id: its id in this set.
    :param instruction: the task in words.
    :param reference: the correct answer that metrics compare with.
    :param problem: the problem with its tests; None if there are none.
    :param ids: the token ids of the prompt.
    """

    set: str
    id: str
    instruction: str
    reference: str
    problem: Problem | None
    ids: list[int]


def held_out_questions(selection: Selection, problems: ProblemSet) -> list[Question]:
    """Return the questions of test rows.

    :param selection: prompts made from test rows.
    :param problems: the held-out problems; a row that is none of them has no tests.
    """
    known = {each.id: each for each in problems.problems}
    rows = [(prompt.row, prompt.ids) for prompt in selection.prompts]
    return [
        Question(problems.name, row["id"], row["instruction"], row["completion"], known.get(row["id"]), ids)
        for row, ids in rows
    ]


def benchmark_questions(selection: Selection, problems: ProblemSet) -> list[Question]:
    """Return the questions of a benchmark.

    :param selection: prompts made from its problems.
    :param problems: the benchmark.
    """
    known = {each.id: each for each in problems.problems}
    found = [(known[prompt.row["id"]], prompt.ids) for prompt in selection.prompts]
    return [Question(problems.name, each.id, each.question, each.reference, each, ids) for each, ids in found]


def spread(sets: Mapping[str, Sequence[Question]], count: int) -> list[Question]:
    """Return the first questions of each set, one of each in turn.

    :param sets: the questions by the name of their set.
    :param count: the largest number of questions.
    """
    turns = chain.from_iterable(zip_longest(*sets.values()))
    return [question for question in turns if question is not None][:count]
