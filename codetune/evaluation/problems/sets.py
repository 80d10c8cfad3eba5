"""The sets of problems that the models of the pipeline answer: held-out functions, and benchmarks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from codetune.core.files import JsonObject, digest_bytes, dump_json, stable_seed
from codetune.evaluation.problems.reading import Problem, held_out_problem, read_problems

HELD_OUT = "held_out"
"""The name of the set of held-out functions; its problems have the ids of the test rows."""


@dataclass(frozen=True)
class ProblemSet:
    """A named list of problems. Results on two sets may be compared only if the sets have the same digest."""

    name: str
    problems: list[Problem]

    @property
    def digest(self) -> str:
        """A digest of the questions and tests of all problems: 16 hexadecimal digits."""
        asked = [[each.id, each.start, each.question, asdict(each.tests)] for each in self.problems]
        return digest_bytes(dump_json(asked).encode())[:16]

    def only(self, ids: Iterable[str]) -> ProblemSet:
        """Return a set of the problems with these ids, in the order of this set."""
        wanted = set(ids)
        return ProblemSet(self.name, [problem for problem in self.problems if problem.id in wanted])

    def drawn(self, count: int, seed: int) -> ProblemSet:
        """Return a pseudo-random sample of the problems, in the order of this set.

        :param count: the maximal number of problems; 0: all.
        :param seed: the sample depends only on it and the ids.
        """
        order = sorted(self.problems, key=lambda each: (stable_seed(seed, "problem", each.id), each.id))
        return self.only(each.id for each in order[: count or None])


def held_out_set(candidates: Iterable[JsonObject], verified: Iterable[JsonObject]) -> ProblemSet:
    """Return the held-out problems whose reference passed their examples, in the order of the candidates.

    :param candidates: rows of data/clean/problems.jsonl.
    :param verified: rows of data/problems.jsonl; a row whose digest differs from the candidate's is ignored.
    """
    digests = {row["id"]: row["digest"] for row in verified}
    return ProblemSet(
        HELD_OUT, [held_out_problem(row) for row in candidates if digests.get(row["id"]) == row["digest"]]
    )


def benchmark_sets(folder: Path) -> list[ProblemSet]:
    """Read the benchmarks that the stage `benchmarks` wrote, sorted by name.

    :param folder: the folder with one file for each benchmark.
    :raises UserError: when a file cannot be read or has the wrong format.
    """
    return [ProblemSet(path.stem, read_problems(path)) for path in sorted(folder.glob("*.jsonl"))]


def pack_answer(answer: str, problem: Problem) -> JsonObject:
    """Convert an answer to the form in which it is published, without the texts of the benchmark.

    :param answer: the text of the answer.
    :param problem: the problem that it answers.
    :returns: `problem_sha256`, the digest of question and reference; and `answer`, a list of lines in which a line
        that the problem contains is replaced by its line number in the problem.
    """
    text = _text(problem)
    numbers = {line: number for number, line in reversed(list(enumerate(text.split("\n")))) if line.strip()}
    packed = [numbers.get(line, line) for line in answer.split("\n")]
    return {"problem_sha256": digest_bytes(text.encode()), "answer": packed}


def unpack_answer(row: JsonObject, problem: Problem) -> str | None:
    """Convert the result of `pack_answer` back to the answer.

    :param row: `problem_sha256` and `answer`.
    :param problem: the problem that the answer belongs to.
    :returns: the text of the answer; None when it answers another problem.
    """
    text = _text(problem)
    if row["problem_sha256"] != digest_bytes(text.encode()):
        return None
    lines = text.split("\n")
    return "\n".join(lines[each] if isinstance(each, int) else each for each in row["answer"])


def _text(problem: Problem) -> str:
    return f"{problem.question}\n{problem.reference}"
