"""Decide on every raw row: filter in parallel, then drop duplicates among all rows, then split.

A verdict contains no text, so that the verdicts on a million rows fit in memory. The texts are on disk (`spool`).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from codetune.core.progress import track
from codetune.core.workers import gc_paused, map_in_processes
from codetune.data.clean.benchmarks import BenchmarkIndex, ProblemIndex
from codetune.data.clean.duplicates import Match, SimilarityRule, exact_duplicates, near_duplicates
from codetune.data.clean.filters import line_count
from codetune.data.clean.fingerprint import Fingerprint
from codetune.data.clean.pairs import judge_row
from codetune.data.clean.params import CleanParams
from codetune.data.clean.reasons import Drop
from codetune.data.clean.split import Split, clusters, split_groups
from codetune.data.clean.spool import FILE_KEY, FileKey, FileTexts, Spool, encode, file_key
from codetune.schemas.ledger import LEDGER
from codetune.schemas.reviews import Review

KEEP = "keep"
# The columns of a raw row that the ledger repeats: id, origin and position.
PLACE = LEDGER.columns[: LEDGER.columns.index("verdict")]
BENCHMARK = "benchmark"
# Passes that compare code. If two groups share many such duplicates, they have one source.
_SAME_CODE = frozenset({"exact_duplicate", "renamed_duplicate", "near_duplicate"})
# Fewer shared rows are likely to be small helpers that every project has.
_LEAST_SHARED = 10
# Number of rows that a worker process gets at a time.
CHUNK_ROWS = 500


class Lengths(NamedTuple):
    """The lengths of a candidate: lines and lexical tokens of the completion, words of the instruction."""

    code_lines: int
    code_tokens: int
    instruction_words: int


@dataclass(frozen=True, slots=True, eq=False)
class RowDecision:
    """The decision on one raw row: kept, or dropped with the reason and, for a duplicate, the row it matched.

    A duplicate has lengths and a fingerprint; a row that the filters drop has neither.

    :param record: number of the row's record in the spool.
    :param source: name of the source in `ingest.sources`.
    :param held_out: whether all rows of its source go to test.
    """

    id: str
    group: str
    license: str
    record: int
    lengths: Lengths | None = None
    fingerprint: Fingerprint | None = None
    drop: Drop | None = None
    match: Match | None = None
    source: str = ""
    held_out: bool = False

    @property
    def kept(self) -> bool:
        """Whether the row is kept."""
        return self.drop is None

    @property
    def reason(self) -> str:
        """The reason for the drop, or `keep`."""
        return self.drop.reason if self.drop else KEEP


@dataclass(frozen=True)
class DuplicateSearch:
    """One search for duplicates of one kind among all rows that are still kept.

    :param reason: the reason with which duplicates are dropped.
    :param find: returns the duplicates among rows, which are given with their fingerprints, representatives first.
    :param threshold: smallest similarity of a duplicate; None if duplicates are equal.
    """

    reason: str
    find: Callable[[list[tuple[str, Fingerprint]]], dict[str, Match]]
    threshold: float | None = None


def judged(
    row: dict[str, Any], params: CleanParams, record: int, text: str = "", review: Review | None = None
) -> tuple[RowDecision, bytes]:
    """Filter one raw row.

    :param record: number that the row's record gets in the spool.
    :param text: the file that contains the row; see `judge`.
    :param review: the result of a reviewer who read the row.
    :returns: the verdict, and the encoded record: the position of the row, and the texts if it is a candidate.
    """
    result = judge_row(row, params, text, review)
    # Interned strings: thousands of rows share the name of a group, which is then in memory only once.
    verdict = RowDecision(row["id"], sys.intern(row["group"]), sys.intern(row["license"]), record)
    source = sys.intern(row["source"])
    verdict = replace(verdict, source=source, held_out=source in params.held_out)
    place = {key: row.get(key) for key in PLACE}
    if isinstance(result, Drop):
        return replace(verdict, drop=result), encode(place)
    lengths = Lengths(line_count(result.completion), result.code_tokens, len(result.instruction.split()))
    texts = {"instruction": result.instruction, "completion": result.completion, "examples": result.examples}
    return replace(verdict, lengths=lengths, fingerprint=result.fingerprint), encode(place | texts)


class _Chunk(NamedTuple):
    """Rows for a worker process, the number of the first row, the texts of their files, and their reviews."""

    rows: pa.Buffer
    schema: pa.Schema
    first: int
    texts: dict[FileKey, str]
    reviews: Mapping[str, Review]


def _chunks(
    batches: Iterable[pa.RecordBatch], texts: FileTexts | None, reviews: Mapping[str, Review]
) -> Iterator[_Chunk]:
    first = 0
    for batch in batches:
        found = {} if texts is None else texts.of(batch.select([*FILE_KEY, "kind"]).to_pylist())
        # Serialize here, because pickling a slice copies the whole table that it belongs to.
        read = {row: reviews[row] for row in batch["id"].to_pylist() if row in reviews}
        yield _Chunk(batch.serialize(), batch.schema, first, found, read)
        first += batch.num_rows


def _judge_chunk(params: CleanParams, chunk: _Chunk) -> list[tuple[RowDecision, bytes]]:
    rows = pa.ipc.read_record_batch(chunk.rows, chunk.schema).to_pylist()
    with gc_paused():
        return [
            judged(row, params, number, chunk.texts.get(file_key(row), ""), chunk.reviews.get(row["id"]))
            for number, row in enumerate(rows, start=chunk.first)
        ]


def filtered(
    batches: Iterable[pa.RecordBatch],
    total: int,
    params: CleanParams,
    spool: Spool,
    texts: FileTexts | None = None,
    reviews: Mapping[str, Review] = MappingProxyType({}),
) -> list[RowDecision]:
    """Filter all rows in parallel; the result does not depend on the number of workers or the order of the rows.

    :param batches: raw rows.
    :param total: number of rows, from which the number of processes and the progress are computed.
    :param spool: receives the records of the rows.
    :param texts: the files that contain the rows; None if no row must be self-contained.
    :param reviews: by row id.
    :returns: one verdict per row, sorted by row id.
    """
    chunks = -(-total // CHUNK_ROWS)
    work = partial(_judge_chunk, params)
    verdicts: list[RowDecision] = []
    given = _chunks(batches, texts, reviews)
    for results in track(map_in_processes(work, given, chunks, params.workers), chunks, "filtering rows"):
        for verdict, record in results:
            spool.append(record)
            verdicts.append(verdict)
    return sorted(verdicts, key=attrgetter("id"))


def _equal(key: str) -> Callable[[list[tuple[str, Fingerprint]]], dict[str, Match]]:
    """Return a search for rows whose fingerprints have the same value of `key`; empty values never match."""

    def find(rows: list[tuple[str, Fingerprint]]) -> dict[str, Match]:
        keys = ((row, getattr(fingerprint, key)) for row, fingerprint in rows)
        return exact_duplicates([(row, digest) for row, digest in keys if digest])

    return find


def duplicate_searches(params: CleanParams) -> tuple[DuplicateSearch, ...]:
    """Return the searches for duplicates, in order; each sees only the rows that those before it kept."""

    def near_code(rows: list[tuple[str, Fingerprint]]) -> dict[str, Match]:
        return near_duplicates([row for row, _ in rows], SimilarityRule([it.shingles for _, it in rows], code))

    def near_instruction(rows: list[tuple[str, Fingerprint]]) -> dict[str, Match]:
        asked = [(row, it) for row, it in rows if it.wording.size]
        wording = SimilarityRule([it.wording for _, it in asked], instruction)
        similar = SimilarityRule([it.shingles for _, it in asked], params.near_duplicate_instruction_code)
        return near_duplicates([row for row, _ in asked], wording, similar)

    code, instruction = params.near_duplicate, params.near_duplicate_instruction
    return (
        DuplicateSearch("exact_duplicate", _equal("tree")),
        DuplicateSearch("renamed_duplicate", _equal("renamed")),
        DuplicateSearch("duplicate_instruction", _equal("instruction")),
        DuplicateSearch("near_duplicate", near_code, code),
        DuplicateSearch("near_duplicate_instruction", near_instruction, instruction),
    )


def deduplicated(verdicts: list[RowDecision], params: CleanParams) -> list[RowDecision]:
    """Drop duplicates; of two similar rows the first one is kept.

    Held-out rows come before all others: if a row is in both a held-out source and another, the other one is dropped.

    :param verdicts: sorted by row id, so that the order of the raw rows does not matter.
    :returns: the verdicts in the same order.
    """
    for each in duplicate_searches(params):
        first = sorted(verdicts, key=lambda verdict: not verdict.held_out)
        rows = [(verdict.id, verdict.fingerprint) for verdict in first if verdict.kept and verdict.fingerprint]
        matches = each.find(rows)
        verdicts = [_matched(verdict, matches.get(verdict.id), each) for verdict in verdicts]
    return verdicts


def _matched(verdict: RowDecision, match: Match | None, found: DuplicateSearch) -> RowDecision:
    if match is None:
        return verdict
    measured = () if found.threshold is None else ("similarity", match.similarity, found.threshold)
    return replace(verdict, drop=Drop(found.reason, *measured), match=match)


def joined_groups(verdicts: list[RowDecision], params: CleanParams) -> dict[str, str]:
    """Merge groups that share so many duplicates that they have one source, such as a fork and its origin.

    :returns: for each group the alphabetically first group of its cluster.
    """
    groups = {verdict.id: verdict.group for verdict in verdicts}
    candidates = Counter(verdict.group for verdict in verdicts if verdict.fingerprint)
    shared = Counter(
        tuple(sorted((verdict.group, groups[verdict.match.id])))
        for verdict in verdicts
        if verdict.match and verdict.reason in _SAME_CODE
    )
    pairs = [
        (left, right)
        for (left, right), count in shared.items()
        if left != right and count >= max(_LEAST_SHARED, params.join_groups * min(candidates[left], candidates[right]))
    ]
    return clusters(set(groups.values()), pairs)


def splits_of(verdicts: list[RowDecision], joined: dict[str, str], params: CleanParams) -> dict[str, Split]:
    """Return the split of every group that has a raw row.

    :param joined: the result of `joined_groups`.
    """
    sizes = Counter(dict.fromkeys(joined.values(), 0))
    sizes.update(joined[verdict.group] for verdict in verdicts if verdict.kept)
    held_out = frozenset(joined[verdict.group] for verdict in verdicts if verdict.held_out)
    splits = split_groups(sizes, params.seed, params.test_share, params.val_share, held_out)
    return {group: splits[cluster] for group, cluster in joined.items()}


def limit_package_share(
    verdicts: list[RowDecision], splits: dict[str, Split], params: CleanParams
) -> list[RowDecision]:
    """Drop rows of packages that exceed their largest share of train; the rows with the smallest ids are kept.

    The share is relative to the rows that are left: the limit is the largest number of rows per package at which no
    package exceeds the share.

    :param splits: the split of every group.
    """
    share = params.max_package_share
    train = [verdict for verdict in verdicts if verdict.kept and splits[verdict.group] == "train"]
    sizes = Counter(verdict.group for verdict in train)
    limit = max(sizes.values(), default=0)
    while limit > 1 and limit > share * sum(min(size, limit) for size in sizes.values()):
        limit -= 1
    over: set[str] = set()
    for group in (group for group, size in sizes.items() if size > limit):
        over |= set(sorted(verdict.id for verdict in train if verdict.group == group)[limit:])
    return [
        replace(verdict, drop=Drop("package_share", "package_rows", sizes[verdict.group], limit))
        if verdict.id in over
        else verdict
        for verdict in verdicts
    ]


def decontaminated(
    verdicts: list[RowDecision], splits: dict[str, Split], index: BenchmarkIndex, params: CleanParams
) -> list[RowDecision]:
    """Drop train rows that give away a benchmark solution or a row of val or test; the splits do not change.

    :param splits: the split of every group.
    :param index: the benchmark solutions.
    """
    kept = [(it, it.fingerprint) for it in verdicts if it.kept and it.fingerprint]
    measured = [(it.id, marks) for it, marks in kept if splits[it.group] != "train"]
    problems = ProblemIndex(measured, {it.id for it, _ in kept if it.held_out}, params)

    def judged(verdict: RowDecision) -> RowDecision:
        if not verdict.kept or splits[verdict.group] != "train" or verdict.fingerprint is None:
            return verdict
        if task := index.match(verdict.fingerprint):
            return replace(verdict, drop=Drop(BENCHMARK, "similarity", task[1], index.threshold, task[0]))
        if problem := problems.match(verdict.fingerprint):
            match, threshold = problem
            found = Drop("held_out_problem", "similarity", match.similarity, threshold)
            return replace(verdict, drop=found, match=match)
        return verdict

    return [judged(verdict) for verdict in verdicts]
