"""The problems that the pipeline's models are asked: held-out functions with their examples, and benchmarks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from codetune.core.files import JsonObject, digest_bytes, dump_json, stable_seed
from codetune.evaluation.problems.reading import Problem, held_out_problem, read_problems

HELD_OUT = "held_out"
"""The name of the set of held-out functions, whose ids are those of the test rows."""


@dataclass(frozen=True)
class ProblemSet:
    """Some problems under one name; figures of two sets with the same digest may be compared."""

    name: str
    problems: list[Problem]

    @property
    def digest(self) -> str:
        """Of all that is asked and of all that is tested."""
        asked = [[each.id, each.start, each.question, asdict(each.tests)] for each in self.problems]
        return digest_bytes(dump_json(asked).encode())[:16]

    def only(self, ids: Iterable[str]) -> ProblemSet:
        """The problems with these ids, in the order of the set."""
        wanted = set(ids)
        return ProblemSet(self.name, [problem for problem in self.problems if problem.id in wanted])

    def drawn(self, count: int, seed: int) -> ProblemSet:
        """At most `count` of the problems, drawn from a seed and their ids; all of them where it is 0."""
        order = sorted(self.problems, key=lambda each: (stable_seed(seed, "problem", each.id), each.id))
        return self.only(each.id for each in order[: count or None])


def held_out_set(candidates: Iterable[JsonObject], verified: Iterable[JsonObject]) -> ProblemSet:
    """The held-out problems whose reference has passed their examples, in the order of the candidates.

    :param candidates: rows of data/clean/problems.jsonl.
    :param verified: rows of data/problems.jsonl; one whose digest is not that of the candidate counts for nothing.
    """
    digests = {row["id"]: row["digest"] for row in verified}
    return ProblemSet(
        HELD_OUT, [held_out_problem(row) for row in candidates if digests.get(row["id"]) == row["digest"]]
    )


def benchmark_sets(folder: Path) -> list[ProblemSet]:
    """The benchmarks that the stage `benchmarks` wrote, by name.

    :raises UserError: when a file is not what it should be.
    """
    return [ProblemSet(path.stem, read_problems(path)) for path in sorted(folder.glob("*.jsonl"))]


def pack_answer(answer: str, problem: Problem) -> JsonObject:
    """An answer as it is published, without the texts of a benchmark.

    :returns: `problem_sha256`, of question and reference, and `answer`, line by line, with the number of a line of the
        problem in place of a line that repeats it.
    """
    text = _text(problem)
    numbers = {line: number for number, line in reversed(list(enumerate(text.split("\n")))) if line.strip()}
    packed = [numbers.get(line, line) for line in answer.split("\n")]
    return {"problem_sha256": digest_bytes(text.encode()), "answer": packed}


def unpack_answer(row: JsonObject, problem: Problem) -> str | None:
    """The answer that `pack_answer` was given; None where it is the answer to another problem."""
    text = _text(problem)
    if row["problem_sha256"] != digest_bytes(text.encode()):
        return None
    lines = text.split("\n")
    return "\n".join(lines[each] if isinstance(each, int) else each for each in row["answer"])


def _text(problem: Problem) -> str:
    return f"{problem.question}\n{problem.reference}"
