"""The verdict on every raw row: filters in parallel, then duplicates over the whole, then the split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from codetune.cleaning.duplicates import Match, exact_duplicates, near_duplicates
from codetune.cleaning.filters import Candidate, Drop
from codetune.cleaning.pairs import judge_row
from codetune.cleaning.params import CleanParams
from codetune.cleaning.split import Split, split_groups
from codetune.progress import track
from codetune.workers import map_in_processes

KEEP = "keep"
_CHUNK_ROWS = 500


@dataclass(frozen=True)
class Verdict:
    """What became of one raw row: kept with its candidate, or dropped and, for a duplicate, with the row it matched.

    A duplicate keeps its candidate, which says how long it is.
    """

    row: dict[str, Any]
    candidate: Candidate | None
    drop: Drop | None = None
    match: Match | None = None

    @property
    def kept(self) -> bool:
        """Whether the row survives."""
        return self.drop is None

    @property
    def reason(self) -> str:
        """Why it was dropped, or `keep`."""
        return self.drop.reason if self.drop else KEEP


def _judge_chunk(params: CleanParams, rows: list[dict[str, Any]]) -> list[Candidate | Drop]:
    return [judge_row(row, params) for row in rows]


def _chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK_ROWS)):
        yield chunk


def filtered(rows: list[dict[str, Any]], params: CleanParams, workers: int) -> list[Verdict]:
    """One verdict per row from the filters alone, in the order of `rows`, whatever the number of workers."""
    chunks = list(_chunks(rows))
    judged = track(map_in_processes(partial(_judge_chunk, params), chunks, workers), len(chunks), "filtering rows")
    results = [result for chunk in judged for result in chunk]
    return [
        Verdict(row, None, result) if isinstance(result, Drop) else Verdict(row, result)
        for row, result in zip(rows, results, strict=True)
    ]


def _without(
    verdicts: list[Verdict], reason: str, matches: dict[str, Match], threshold: float | None = None
) -> list[Verdict]:
    """`verdicts` with the rows of `matches` dropped.

    :param threshold: the least similarity that makes a duplicate, where it was measured.
    """

    def judged(verdict: Verdict) -> Verdict:
        match = matches.get(verdict.row["id"])
        if match is None:
            return verdict
        measured = () if threshold is None else ("similarity", match.similarity, threshold)
        return replace(verdict, drop=Drop(reason, *measured), match=match)

    return [judged(verdict) for verdict in verdicts]


def _kept(verdicts: list[Verdict]) -> Iterable[tuple[str, Candidate]]:
    for verdict in verdicts:
        if verdict.kept and verdict.candidate is not None:
            yield verdict.row["id"], verdict.candidate


def deduplicated(verdicts: list[Verdict], threshold: float) -> list[Verdict]:
    """`verdicts` with duplicates dropped; representatives are the rows with the smallest ids.

    Four passes: equal syntax trees, trees that are equal but for names and constants, equal instructions, then
    near-duplicate code.
    """
    ordered = sorted(verdicts, key=lambda verdict: str(verdict.row["id"]))
    trees = exact_duplicates([(row, candidate.tree) for row, candidate in _kept(ordered)])
    ordered = _without(ordered, "exact_duplicate", trees)
    renamed = exact_duplicates([(row, candidate.renamed) for row, candidate in _kept(ordered) if candidate.renamed])
    ordered = _without(ordered, "renamed_duplicate", renamed)
    wordings = exact_duplicates([(row, candidate.instruction) for row, candidate in _kept(ordered)])
    ordered = _without(ordered, "duplicate_instruction", wordings)
    remaining = [(row, candidate.tokens) for row, candidate in _kept(ordered)]
    near = near_duplicates(iter(remaining), len(remaining), threshold)
    return _without(ordered, "near_duplicate", near, threshold)


def splits_of(verdicts: list[Verdict], params: CleanParams) -> dict[str, Split]:
    """The split of every group that has a raw row."""
    sizes = Counter({verdict.row["group"]: 0 for verdict in verdicts})
    sizes.update(verdict.row["group"] for verdict in verdicts if verdict.kept)
    return split_groups(sizes, params.seed, params.test_share, params.val_share)


def leaking_files(verdicts: list[Verdict], splits: dict[str, Split]) -> set[tuple[str, str]]:
    """Package and path of every file with a row that duplicates a row of val or test, or is duplicated by one."""
    by_id = {verdict.row["id"]: verdict.row for verdict in verdicts}
    leaking: set[tuple[str, str]] = set()
    for verdict in verdicts:
        if verdict.match is None:
            continue
        pair = (verdict.row, by_id[verdict.match.id])
        if any(splits[row["group"]] != "train" for row in pair):
            leaking.update((row["package"], row["path"]) for row in pair)
    return leaking
