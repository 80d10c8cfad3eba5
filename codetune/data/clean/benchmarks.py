"""Read benchmark files in the formats of HumanEval and MBPP, and find rows that match one of their solutions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from codetune.core.errors import UserError
from codetune.core.files import read_user_rows
from codetune.core.paths import project_path
from codetune.data.clean.duplicates import LEAST_CONTAINED, Match, frame_limit, rarest
from codetune.data.clean.fingerprint import Fingerprint, fingerprint
from codetune.data.clean.params import CleanParams
from codetune.data.clean.prefix_filter import min_remaining, min_remaining_for_larger
from codetune.data.clean.shingle_hashes import Hashes, contained_shares, jaccards
from codetune.python_source.docstrings import without_docstring
from codetune.python_source.functions import FunctionNode, parse
from codetune.python_source.indentation import dedented
from codetune.python_source.renaming import function_digests, renamed_digest
from codetune.python_source.tokens import lexical_tokens
from codetune.python_source.tree import docstring_of, dump_tree

_REMEDY = (
    "In clean.benchmarks, list files in the format of HumanEval (prompt, canonical_solution) or MBPP (text, code)."
)
# Number of sets that a row is compared with at a time.
_COMPARED = 256


@dataclass(frozen=True)
class Task:
    """One function of a benchmark solution; like the code of a row, it has no docstring.

    :param id: the task id; a solution with several functions gives several tasks with the same id.
    :param instruction: the task in words; empty for HumanEval.
    """

    id: str
    code: str
    instruction: str = ""


EVALUATED_BENCHMARKS = Path("data/benchmarks")
"""The folder with the benchmarks that the models are evaluated on; the stage `benchmarks` writes it."""


def benchmark_files(asked: Path, others: Iterable[str]) -> list[Path]:
    """Return the benchmark files whose solutions are removed from train.

    :param asked: folder of the benchmarks that the models are evaluated on.
    :param others: further files, from `clean.benchmarks`.
    """
    return [*sorted(asked.glob("*.jsonl")), *map(project_path, others)]


def read_benchmark(path: Path) -> list[Task]:
    """Return the functions of the solutions in a benchmark file.

    :returns: one task per function; a solution without functions, or one that cannot be parsed, is one task.
    :raises UserError: if the file is missing, contains no task, is not JSON, or has neither format; names the line.
    """
    tasks = [task for place, row in read_user_rows(path, _REMEDY) for task in _tasks(place, row)]
    if not tasks:
        raise UserError(f"{path} contains no task", _REMEDY)
    return tasks


def _tasks(place: str, task: Any) -> list[Task]:
    if not isinstance(task, dict):
        raise UserError(f"{place} is not a benchmark task: found {task!r:.40}, expected an object", _REMEDY)
    try:
        name = str(task["task_id"])
        if "canonical_solution" in task:
            return [Task(name, code) for code in _functions(task["prompt"] + task["canonical_solution"])]
        asked = str(task.get("text") or task.get("prompt") or "")
        return [Task(name, code, asked) for code in _functions(task["code"])]
    except KeyError as error:
        raise UserError(f"{place} is not a benchmark task: it has no key {error}", _REMEDY) from None
    except TypeError as error:
        raise UserError(f"{place} is not a benchmark task: {error}", _REMEDY) from None


def _functions(solution: str) -> list[str]:
    """Return the functions of a source, each without its docstring, or the whole source if it has none."""
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
    """Index of named sets of hashed shingles that finds the set most similar to a given one.

    The lookup is exact and does not read shingles that most sets share. See `prefix_filter`, which compares rows with
    each other in the same way.

    :param sets: pairs of name and set.
    :param threshold: smallest Jaccard similarity of a match.
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
        """Yield the rarest shingles of a set, under which it is indexed and looked up.

        With each shingle comes whether it is also needed to match the set with a larger one.
        """
        ordered = sorted(own.tolist(), key=lambda shingle: (self._frequency.get(shingle, 0), shingle))
        for left, shingle in zip(range(len(ordered), 0, -1), ordered, strict=True):
            if left < min_remaining(len(ordered), self._threshold):
                return
            yield shingle, left >= min_remaining_for_larger(len(ordered), self._threshold)

    def nearest(self, shingles: Hashes) -> tuple[str, float] | None:
        """Return the name of the most similar set and its Jaccard similarity, or None if it is below the threshold.

        If very many sets are similar, it is one of the first that were found.
        """
        near, far = self._for_smaller, self._for_larger
        places = ((near if is_near else far).get(shingle, ()) for shingle, is_near in self._head(shingles))
        return _nearest(places, self._sets, lambda sets: jaccards(shingles, sets).tolist(), self._threshold)


class ContainedIndex:
    """Index of named sets of hashed shingles that finds a set of which a given set contains the largest share.

    If a set contains the share `threshold` of an indexed set, it contains at least one of the rarest shingles of that
    set, however large it is (the prefix filter of Chaudhuri, Ganti and Kaushik, 2006). Only those shingles are looked
    up: the result is exact, and shingles that many sets share are not read.

    :param sets: pairs of name and set; sets of fewer than `LEAST_CONTAINED` shingles are left out.
    :param threshold: smallest share of an indexed set that counts as contained.
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
        """Find the indexed set of which the given set contains the largest share; of very many, one of the first.

        :returns: its name and the contained share, or None if no set reaches the threshold.
        """
        found = [self._places[shingle] for shingle in shingles.tolist() if shingle in self._places]
        places = sorted(found, key=len)
        return _nearest(places, self._sets, lambda sets: contained_shares(shingles, sets).tolist(), self._threshold)


def _nearest(
    places: Iterable[Sequence[int]],
    sets: Sequence[tuple[str, Hashes]],
    similarities: Callable[[list[Hashes]], list[float]],
    threshold: float,
) -> tuple[str, float] | None:
    """Return the most similar of the likely sets.

    The sets are compared in portions, and the portions after one with a match are not read. So a row that is similar to
    thousands of sets, because all of them share a frame, is not compared with all.

    :param places: numbers of likely sets, with repetitions; the most likely ones first.
    :param sets: pairs of name and set.
    :param similarities: computes the similarity of the row with each of several sets.
    :param threshold: smallest similarity of a match.
    """
    likely = _once(chain.from_iterable(places))
    while portion := list(islice(likely, _COMPARED)):
        similar = similarities([sets[place][1] for place in portion])
        best, name = max(zip(similar, (sets[place][0] for place in portion), strict=True))
        if best >= threshold:
            return name, round(best, 4)
    return None


def _once(places: Iterable[int]) -> Iterator[int]:
    """Yield each number once, in order of first occurrence."""
    seen: set[int] = set()
    for place in places:
        if place not in seen:
            seen.add(place)
            yield place


class BenchmarkIndex:
    """Index of the functions of benchmarks, searched by code.

    :param tasks: the functions.
    :param threshold: smallest Jaccard similarity, or contained share, of a match.
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
        """Find the benchmark task that a row's code, one of its functions, or a part of it matches.

        :param marks: the fingerprint of the row.
        :returns: the task id and the similarity, or None. The similarity is 1 for an equal syntax tree (also after
            renaming), otherwise the share of the task that the code contains, or the Jaccard similarity.
        """
        for digest in (marks.tree, marks.renamed, *marks.functions):
            if digest in self._equal:
                return self._equal[digest], 1.0
        return self._contained.nearest(marks.shingles) or self._near.nearest(marks.shingles)


def _frame(rows: Sequence[Hashes]) -> Hashes:
    """Return the shingles that many of the rows share, such as those of a common beginning, shape (n,)."""
    values, counts = np.unique(np.concatenate([np.array([], np.uint64), *rows]), return_counts=True)
    return values[counts > frame_limit(len(rows))]


class ProblemIndex:
    """Index of rows of val and test, searched by their functions and by the text of held-out instructions.

    :param rows: ids and fingerprints.
    :param held_out: ids of the rows whose instructions are compared as well.
    :param params: `near_duplicate` is the smallest contained share of a row's code, and `near_duplicate_instruction`
        the smallest Jaccard similarity of instructions. Similar instructions match whatever the code is, because a
        model that was trained on one would know the answer to the other.
    """

    def __init__(self, rows: Sequence[tuple[str, Fingerprint]], held_out: Container[str], params: CleanParams) -> None:
        self._least_asked = params.near_duplicate_instruction
        self._least_code = params.near_duplicate
        # The last function of an answer is the one that the instruction asks for; those before are its helpers.
        self._functions = {marks.functions[-1]: name for name, marks in rows if marks.functions}
        frame = _frame([marks.shingles for _, marks in rows])
        own = ((name, marks.shingles[~np.isin(marks.shingles, frame)]) for name, marks in rows)
        self._contained = ContainedIndex(own, self._least_code)
        asked = ((name, marks.wording) for name, marks in rows if name in held_out)
        self._asked = ShingleIndex(asked, self._least_asked)

    def match(self, marks: Fingerprint) -> tuple[Match, float] | None:
        """Find the row of val or test that a row of train gives away.

        :param marks: the fingerprint of the train row.
        :returns: the matched row with its similarity, and the threshold that applied; None if there is no match.
        """
        for digest in marks.functions:
            if digest in self._functions:
                return Match(self._functions[digest], 1.0), self._least_code
        if found := self._contained.nearest(marks.shingles):
            return Match(*found), self._least_code
        asked = self._asked.nearest(marks.wording)
        return (Match(*asked), self._least_asked) if asked else None
