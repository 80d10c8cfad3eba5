"""The verdict on every raw row: filters in parallel, then duplicates over the whole, then the split.

A verdict holds no text, so that those on a million rows fit in memory: the texts are spooled (`spool`).
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
from codetune.core.workers import stream_in_processes, uncollected
from codetune.data.clean.benchmarks import BenchmarkIndex, ProblemIndex
from codetune.data.clean.duplicates import Likeness, Match, exact_duplicates, near_duplicates
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
# Where a row stands; the part of a raw row that the ledger repeats.
PLACE = LEDGER.columns[: LEDGER.columns.index("verdict")]
BENCHMARK = "benchmark"
# Passes whose duplicates have the same code, so that two groups with many of them are one source.
_SAME_CODE = frozenset({"exact_duplicate", "renamed_duplicate", "near_duplicate"})
# Fewer are the small helpers that every project has.
_LEAST_SHARED = 10
# Rows that a process takes at a time.
CHUNK_ROWS = 500


class Lengths(NamedTuple):
    """How long a candidate is."""

    code_lines: int
    code_tokens: int
    instruction_words: int


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What became of one raw row: kept, or dropped and, for a duplicate, with the row it matched.

    A duplicate keeps its lengths and its fingerprint; a row that the filters drop has neither.

    :param record: the number of the row's texts in the spool.
    :param source: as `ingest.sources` names it.
    :param held_out: whether its source is test as a whole.
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
        """Whether the row survives."""
        return self.drop is None

    @property
    def reason(self) -> str:
        """Why it was dropped, or `keep`."""
        return self.drop.reason if self.drop else KEEP


@dataclass(frozen=True)
class Pass:
    """One look at all rows that are left, for duplicates of one kind.

    :param find: the duplicates among rows, given with their fingerprints, representatives first.
    :param threshold: the least similarity that makes a duplicate, where it is measured.
    """

    reason: str
    find: Callable[[list[tuple[str, Fingerprint]]], dict[str, Match]]
    threshold: float | None = None


def judged(
    row: dict[str, Any], params: CleanParams, record: int, text: str = "", review: Review | None = None
) -> tuple[Verdict, bytes]:
    """The verdict of the filters on a raw row, and what is spooled of it: its place, and the texts of a candidate.

    :param text: as of `judge`; `review` likewise.
    """
    result = judge_row(row, params, text, review)
    # Interned: the name of a group, which thousands of rows share, is in memory once.
    verdict = Verdict(row["id"], sys.intern(row["group"]), sys.intern(row["license"]), record)
    source = sys.intern(row["source"])
    verdict = replace(verdict, source=source, held_out=source in params.held_out)
    place = {key: row.get(key) for key in PLACE}
    if isinstance(result, Drop):
        return replace(verdict, drop=result), encode(place)
    lengths = Lengths(line_count(result.completion), result.code_tokens, len(result.instruction.split()))
    texts = {"instruction": result.instruction, "completion": result.completion, "examples": result.examples}
    return replace(verdict, lengths=lengths, fingerprint=result.fingerprint), encode(place | texts)


class _Chunk(NamedTuple):
    """Rows on their way to a process, the number of the first, the files that they stand in, and their reviews."""

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
        # Serialised here: pickling a slice takes along all that it is a slice of.
        read = {row: reviews[row] for row in batch["id"].to_pylist() if row in reviews}
        yield _Chunk(batch.serialize(), batch.schema, first, found, read)
        first += batch.num_rows


def _judge_chunk(params: CleanParams, chunk: _Chunk) -> list[tuple[Verdict, bytes]]:
    rows = pa.ipc.read_record_batch(chunk.rows, chunk.schema).to_pylist()
    with uncollected():
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
) -> list[Verdict]:
    """One verdict per row from the filters alone, by row id, whatever the number of workers and the order of rows.

    :param total: how many rows there are, for the number of processes and the progress.
    :param spool: where the texts go.
    :param texts: the files that functions stand in, where rows must be self-contained.
    :param reviews: by row id.
    """
    chunks = -(-total // CHUNK_ROWS)
    work = partial(_judge_chunk, params)
    verdicts: list[Verdict] = []
    given = _chunks(batches, texts, reviews)
    for results in track(stream_in_processes(work, given, chunks, params.workers), chunks, "filtering rows"):
        for verdict, record in results:
            spool.append(record)
            verdicts.append(verdict)
    return sorted(verdicts, key=attrgetter("id"))


def _equal(key: str) -> Callable[[list[tuple[str, Fingerprint]]], dict[str, Match]]:
    """Duplicates whose fingerprints have the same `key`; one that is empty is nobody's."""

    def find(rows: list[tuple[str, Fingerprint]]) -> dict[str, Match]:
        keys = ((row, getattr(fingerprint, key)) for row, fingerprint in rows)
        return exact_duplicates([(row, digest) for row, digest in keys if digest])

    return find


def passes(params: CleanParams) -> tuple[Pass, ...]:
    """The ways in which duplicates are found, in order: each sees what those before it have left."""

    def near_code(rows: list[tuple[str, Fingerprint]]) -> dict[str, Match]:
        return near_duplicates([row for row, _ in rows], Likeness([it.shingles for _, it in rows], code))

    def near_instruction(rows: list[tuple[str, Fingerprint]]) -> dict[str, Match]:
        asked = [(row, it) for row, it in rows if it.wording.size]
        wording = Likeness([it.wording for _, it in asked], instruction)
        similar = Likeness([it.shingles for _, it in asked], params.near_duplicate_instruction_code)
        return near_duplicates([row for row, _ in asked], wording, similar)

    code, instruction = params.near_duplicate, params.near_duplicate_instruction
    return (
        Pass("exact_duplicate", _equal("tree")),
        Pass("renamed_duplicate", _equal("renamed")),
        Pass("duplicate_instruction", _equal("instruction")),
        Pass("near_duplicate", near_code, code),
        Pass("near_duplicate_instruction", near_instruction, instruction),
    )


def deduplicated(verdicts: list[Verdict], params: CleanParams) -> list[Verdict]:
    """`verdicts` with duplicates dropped, in the same order: of two that are alike the first one stays.

    Held-out rows come before all others: of a copy that is in both, the one in train goes.

    :param verdicts: by row id, so that the order of the raw rows does not show.
    """
    for each in passes(params):
        first = sorted(verdicts, key=lambda verdict: not verdict.held_out)
        rows = [(verdict.id, verdict.fingerprint) for verdict in first if verdict.kept and verdict.fingerprint]
        matches = each.find(rows)
        verdicts = [_matched(verdict, matches.get(verdict.id), each) for verdict in verdicts]
    return verdicts


def _matched(verdict: Verdict, match: Match | None, found: Pass) -> Verdict:
    if match is None:
        return verdict
    measured = () if found.threshold is None else ("similarity", match.similarity, found.threshold)
    return replace(verdict, drop=Drop(found.reason, *measured), match=match)


def joined_groups(verdicts: list[Verdict], params: CleanParams) -> dict[str, str]:
    """The group that stands for each, where two share so many duplicates that they are one source."""
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


def splits_of(verdicts: list[Verdict], joined: dict[str, str], params: CleanParams) -> dict[str, Split]:
    """The split of every group that has a raw row.

    :param joined: as of `joined_groups`.
    """
    sizes = Counter(dict.fromkeys(joined.values(), 0))
    sizes.update(joined[verdict.group] for verdict in verdicts if verdict.kept)
    held_out = frozenset(joined[verdict.group] for verdict in verdicts if verdict.held_out)
    splits = split_groups(sizes, params.seed, params.test_share, params.val_share, held_out)
    return {group: splits[cluster] for group, cluster in joined.items()}


def limited(verdicts: list[Verdict], splits: dict[str, Split], params: CleanParams) -> list[Verdict]:
    """`verdicts` with rows dropped of packages that have more than their share of train: the smallest ids stay.

    The share is of what stays: packages are cut to the largest number of rows for which it holds.
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
    verdicts: list[Verdict], splits: dict[str, Split], index: BenchmarkIndex, params: CleanParams
) -> list[Verdict]:
    """`verdicts` with the train rows dropped that give away a benchmark or a row of val or test; the splits stay."""
    kept = [(it, it.fingerprint) for it in verdicts if it.kept and it.fingerprint]
    measured = [(it.id, marks) for it, marks in kept if splits[it.group] != "train"]
    problems = ProblemIndex(measured, {it.id for it, _ in kept if it.held_out}, params)

    def judged(verdict: Verdict) -> Verdict:
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
