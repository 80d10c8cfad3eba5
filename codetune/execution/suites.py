"""The problems that the pipeline's models are given: functions of the test set with their examples, and files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from codetune.errors import UserError
from codetune.execution.params import ExecuteParams
from codetune.execution.problems import Problem, doctest_problem, read_problems
from codetune.files import JsonObject, digest_bytes, dump_json, stable_seed

DOCTESTS = "doctests"


@dataclass(frozen=True)
class ProblemSet:
    """Some problems under one name; figures of two sets with the same digest may be compared."""

    name: str
    problems: list[Problem]

    @property
    def digest(self) -> str:
        """Of all that is asked and of all that is tested."""
        asked = [[each.id, each.start, each.question, each.tests.preamble, each.tests.tests] for each in self.problems]
        return digest_bytes(dump_json(asked).encode())[:16]


def problem_sets(params: ExecuteParams, held_out: Iterable[JsonObject], raw: Iterable[JsonObject]) -> list[ProblemSet]:
    """What the parameters ask for, in order; nothing where they ask for nothing.

    :param held_out: test rows, with `id` and `instruction`.
    :param raw: all rows as they were found, with `id` and `code`; read for the docstrings, which test rows have lost.
    :raises UserError: when a file is not what it should be, two files have one name, or no function can be used.
    """
    found: dict[str, ProblemSet] = {}
    if params.doctests:
        found[DOCTESTS] = ProblemSet(DOCTESTS, _functions(params, held_out, raw))
    for path in map(Path, params.problems):
        name = path.name.removesuffix(".gz").removesuffix(".jsonl")
        if name in found:
            raise UserError(f"execute.problems: two sets are named {name}", "Rename one of the files.")
        found[name] = ProblemSet(name, read_problems(path))
    return list(found.values())


def _functions(params: ExecuteParams, held_out: Iterable[JsonObject], raw: Iterable[JsonObject]) -> list[Problem]:
    asked = {row["id"]: row["instruction"] for row in held_out}
    known = {row["id"]: row["code"] for row in raw if row["id"] in asked and ">>>" in row["code"]}
    problems = [doctest_problem(identity, code, asked[identity]) for identity, code in known.items()]
    usable = sorted(
        (problem for problem in problems if problem is not None),
        key=lambda problem: (stable_seed(params.seed, "doctests", problem.id), problem.id),
    )
    if not usable:
        raise UserError(
            f"execute.doctests: of {len(known)} held-out functions with examples none stands alone",
            "Set execute.doctests: 0, or add packages to ingest.",
        )
    return usable[: params.doctests]
