"""Benchmark files in the formats of HumanEval and MBPP, and the rows that match one of their solutions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codetune.core.errors import UserError
from codetune.core.files import given_rows
from codetune.core.paths import project_path
from codetune.data.clean.duplicates import LEAST_CONTAINED, Match, rarest
from codetune.data.clean.fingerprint import Fingerprint, fingerprint
from codetune.data.clean.params import CleanParams
from codetune.data.clean.prefix_filter import least_left, least_left_for_larger
from codetune.data.clean.shingle_hashes import Hashes, jaccards
from codetune.python_source.docstrings import without_docstring
from codetune.python_source.functions import FunctionNode, parse
from codetune.python_source.indentation import dedented
from codetune.python_source.renaming import function_digests, renamed_digest
from codetune.python_source.tokens import lexical_tokens
from codetune.python_source.tree import docstring_of, dump_tree

_REMEDY = (
    "Name a file in the format of HumanEval (prompt, canonical_solution) or MBPP (text, code) in clean.benchmarks."
)


@dataclass(frozen=True)
class Task:
    """One function of a benchmark's solution, as a row's code is: without its docstring.

    :param id: that of the task; a solution of several functions has several tasks of that id.
    """

    id: str
    code: str
    instruction: str = ""


ASKED = Path("data/benchmarks")
"""The folder of the benchmarks that the models are asked, as the stage `benchmarks` writes it."""


def benchmark_files(asked: Path, others: Iterable[str]) -> list[Path]:
    """The benchmarks that train is kept free of: those that are asked, and the files that `clean.benchmarks` names."""
    return [*sorted(asked.glob("*.jsonl")), *map(project_path, others)]


def read_benchmark(path: Path) -> list[Task]:
    """The functions of a benchmark's solutions; a solution that does not parse is one as it stands.

    :raises UserError: when the file is missing, is no JSON, or has neither format; the line is named.
    """
    tasks = [task for place, row in given_rows(path, _REMEDY) for task in _tasks(place, row)]
    if not tasks:
        raise UserError(f"{path} holds no task", _REMEDY)
    return tasks


def _tasks(place: str, task: Any) -> list[Task]:
    try:
        name = str(task["task_id"])
        if "canonical_solution" in task:
            return [Task(name, code) for code in _functions(task["prompt"] + task["canonical_solution"])]
        asked = str(task.get("text") or task.get("prompt") or "")
        return [Task(name, code, asked) for code in _functions(task["code"])]
    except (KeyError, TypeError) as error:
        raise UserError(f"{place} is no benchmark task: {error!r}", _REMEDY) from None


def _functions(solution: str) -> list[str]:
    """The functions of a source, each without its docstring; the source where there is none."""
    tree = parse(solution)
    nodes = [node for node in tree.body if isinstance(node, FunctionNode)] if tree else []
    return [_bare(solution, node) for node in nodes] or [solution]


def _bare(source: str, node: FunctionNode) -> str:
    code = dedented("\n".join(source.split("\n")[node.lineno - 1 : node.end_lineno]))
    tree = parse(code)
    own = tree.body[0] if tree else None
    if not isinstance(own, FunctionNode) or docstring_of(own) is None or len(own.body) == 1:
        return code
    return without_docstring(code, own) or code


def _fingerprint(task: Task) -> Fingerprint:
    tree = parse(task.code)
    try:
        tokens = lexical_tokens(task.code)
    except SyntaxError:
        tokens = tuple(task.code.split())
    text = dump_tree(tree) if tree else task.code
    digests = function_digests(task.code)
    return fingerprint(text, renamed_digest(task.code), task.instruction, tokens, functions=digests)


class ShingleIndex:
    """Sets of hashed shingles with their names, to be looked up by another set that is similar.

    No pair is missed, and what many sets share costs nothing: see `prefix_filter`, which does the same for rows among
    themselves.

    :param threshold: Jaccard from which sets count as similar.
    """

    def __init__(self, sets: Iterable[tuple[str, Hashes]], threshold: float) -> None:
        self._threshold = threshold
        self._sets = list(sets)
        self._frequency = Counter(shingle for _, own in self._sets for shingle in own.tolist())
        self._for_larger: defaultdict[int, list[int]] = defaultdict(list)
        self._for_smaller: defaultdict[int, list[int]] = defaultdict(list)
        for place, (_, own) in enumerate(self._sets):
            for shingle, is_near in self._head(own):
                self._for_smaller[shingle].append(place)
                if is_near:
                    self._for_larger[shingle].append(place)

    def _head(self, own: Hashes) -> Iterator[tuple[int, bool]]:
        """Yield the rarest shingles of a set, by which similar ones are found, and whether larger ones are by each."""
        ordered = sorted(own.tolist(), key=lambda shingle: (self._frequency.get(shingle, 0), shingle))
        for left, shingle in zip(range(len(ordered), 0, -1), ordered, strict=True):
            if left < least_left(len(ordered), self._threshold):
                return
            yield shingle, left >= least_left_for_larger(len(ordered), self._threshold)

    def nearest(self, shingles: Hashes) -> tuple[str, float] | None:
        """The name of the set that is most similar, and the Jaccard; None where that is under the threshold."""
        likely: set[int] = set()
        for shingle, is_near in self._head(shingles):
            likely.update((self._for_smaller if is_near else self._for_larger).get(shingle, ()))
        if not likely:
            return None
        similar = jaccards(shingles, [self._sets[place][1] for place in likely]).tolist()
        best, name = max(zip(similar, (self._sets[place][0] for place in likely), strict=True))
        return (name, round(best, 4)) if best >= self._threshold else None


class ContainedIndex:
    """Sets of hashed shingles with their names, each to be found in a set that holds most of it and more.

    A set that has `threshold` of its shingles in common with another has one of its rarest in common, however many it
    may do without (the prefix filter of Chaudhuri, Ganti and Kaushik, 2006). So only those are looked up: no pair is
    missed, and what many sets share costs nothing.

    :param threshold: the share of a set from which it counts as contained.
    """

    def __init__(self, sets: Iterable[tuple[str, Hashes]], threshold: float) -> None:
        self._threshold = threshold
        self._sets = [(name, own) for name, own in sets if len(own) >= LEAST_CONTAINED]
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        frequency = Counter(shingle for _, own in self._sets for shingle in own.tolist())
        for place, (_, own) in enumerate(self._sets):
            for shingle in rarest(own.tolist(), frequency, threshold):
                self._places[shingle].append(place)

    def nearest(self, shingles: Hashes) -> tuple[str, float] | None:
        """The name of the set of which most is contained, and the share of it; None where no set is."""
        likely = {place for shingle in shingles.tolist() for place in self._places.get(shingle, ())}
        shares = ((float(np.isin(self._sets[place][1], shingles).mean()), self._sets[place][0]) for place in likely)
        best, name = max(shares, default=(0.0, ""))
        return (name, round(best, 4)) if best >= self._threshold else None


class BenchmarkIndex:
    """The functions of benchmarks, to be looked up by code.

    :param threshold: Jaccard from which code counts as near.
    """

    def __init__(self, tasks: list[Task], threshold: float) -> None:
        self.threshold = threshold
        found = [(task.id, _fingerprint(task)) for task in tasks]
        self._equal: dict[bytes, str] = {}
        for name, marks in found:
            for digest in filter(None, (marks.tree, marks.renamed, *marks.functions)):
                self._equal.setdefault(digest, name)
        self._near = ShingleIndex(((name, marks.shingles) for name, marks in found), threshold)
        self._contained = ContainedIndex(((name, marks.shingles) for name, marks in found), threshold)

    def match(self, marks: Fingerprint) -> tuple[str, float] | None:
        """The task that a row's code or one of its functions is, or that it holds most of, and how similar.

        That is 1 for the same tree, renamed or not; else the Jaccard, or the share of the task that the code holds.
        """
        for digest in (marks.tree, marks.renamed, *marks.functions):
            if digest in self._equal:
                return self._equal[digest], 1.0
        return self._contained.nearest(marks.shingles) or self._near.nearest(marks.shingles)


class ProblemIndex:
    """Rows of val and test, to be looked up by the function that they ask for, and by what held-out ones say.

    :param rows: ids and fingerprints.
    :param held_out: ids of the rows whose instructions count as well.
    :param params: the share of a row's code that gives it away, and the Jaccard from which instructions count as near,
        whatever the code: the answer would be known.
    """

    def __init__(self, rows: Sequence[tuple[str, Fingerprint]], held_out: Container[str], params: CleanParams) -> None:
        self._least_asked = params.near_duplicate_instruction
        self._least_code = params.near_duplicate
        # The last function of an answer is the one that is asked for, those before are its helpers.
        self._functions = {marks.functions[-1]: name for name, marks in rows if marks.functions}
        self._contained = ContainedIndex(((name, marks.shingles) for name, marks in rows), self._least_code)
        asked = ((name, marks.wording) for name, marks in rows if name in held_out)
        self._asked = ShingleIndex(asked, self._least_asked)

    def match(self, marks: Fingerprint) -> tuple[Match, float] | None:
        """The problem that a row gives away, how similar it is, and the threshold of that."""
        for digest in marks.functions:
            if digest in self._functions:
                return Match(self._functions[digest], 1.0), self._least_code
        if found := self._contained.nearest(marks.shingles):
            return Match(*found), self._least_code
        asked = self._asked.nearest(marks.wording)
        return (Match(*asked), self._least_asked) if asked else None
