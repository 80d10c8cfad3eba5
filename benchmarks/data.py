"""Benchmarks of the data stages: extraction of functions, and near-duplicates compared with datasketch."""

from __future__ import annotations

import ast
import contextlib
import sys
import sysconfig
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from datasketch import MinHash, MinHashLSH

from benchmarks.growth import growth
from benchmarks.timing import ROUNDS, compare
from codetune.data.clean.duplicates import SimilarityRule, jaccard, near_duplicates, shingles
from codetune.data.clean.shingle_hashes import hashed
from codetune.data.ingest.folder import FolderReader, list_folder
from codetune.data.ingest.harvest import Member, Origin, chunked, read_chunk
from codetune.data.ingest.licenses import License
from codetune.python_source.tokens import lexical_tokens

ROWS, FILES = Path("data/raw/rows.parquet"), Path("data/raw/files.parquet")
_ROWS, _THRESHOLD = 10_000, 0.7
_PERMUTATIONS = 128  # default of datasketch
_MAX_FILE_BYTES, _SOURCE_BYTES = 1 << 20, 20_000_000


def _processor_s(action: Callable[[], object]) -> float:
    """Return the processor time of the fastest round, in seconds; other work on the machine only adds to it."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        action()
        rounds.append(time.process_time() - start)
    return min(rounds)


def _parse_all(root: Path, members: Sequence[Member]) -> None:
    for member in members:
        with contextlib.suppress(SyntaxError, ValueError):
            ast.parse((root / member.path).read_bytes())


def _stdlib() -> tuple[Path, list[Member]]:
    """Return the folder of the standard library, and some of its files."""
    root = Path(sysconfig.get_path("stdlib"))
    members, size = [], 0
    for path, file_bytes in list_folder(root, Counter()):
        if file_bytes <= _MAX_FILE_BYTES and size < _SOURCE_BYTES:
            members.append(Member(path, file_bytes, "stdlib"))
            size += file_bytes
    return root, members


def _default_sources(folder: Path) -> list[Member]:
    """Write some files of the default packages into `folder`, ordered by digest, and return their list."""
    columns = ["sha256", "text"]
    drawn = sorted(
        (file["sha256"], file["text"])
        for batch in pq.ParquetFile(FILES).iter_batches()
        for file in batch.select(columns).to_pylist()
    )
    members, size = [], 0
    for digest, text in drawn:
        content = text.encode()
        if size >= _SOURCE_BYTES:
            break
        (folder / f"{digest}.py").write_bytes(content)
        members.append(Member(f"{digest}.py", len(content), "default"))
        size += len(content)
    return members


def extraction() -> None:
    """Measure the extraction of functions (reading, decoding, parsing, cutting out) in this process alone.

    The standard library has fewer comments and docstrings than most code, so each megabyte takes longer to parse.
    Python's own parser needs most of the time. So the build of Python matters: one compiled with default options,
    without --enable-optimizations, is much slower than those of distributions.
    """
    warnings.simplefilter("ignore", SyntaxWarning)
    print(f"Python {' '.join(sys.version.split())}, configured with {sysconfig.get_config_var('CONFIG_ARGS')}")
    _extraction("the standard library", *_stdlib())
    with TemporaryDirectory() as folder:
        _extraction("the default packages", Path(folder), _default_sources(Path(folder)))


def _extraction(name: str, root: Path, members: list[Member]) -> None:
    size = sum(member.size for member in members)
    origin = Origin("bench", "bench", "1", License("MIT", ""))
    chunks = list(chunked(origin, FolderReader(root), members, _MAX_FILE_BYTES))
    ours_s = sum(_processor_s(partial(read_chunk, each)) for each in chunks)
    plain_s = sum(_processor_s(partial(_parse_all, root, each.members)) for each in chunks)
    print(f"extraction from {name}: {size / 1e6 / ours_s:.1f} MB of source per second and core;")
    print(f"    {plain_s / ours_s:.2f} times as fast as ast.parse alone, which reads {size / 1e6 / plain_s:.1f} MB")


def _token_rows() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for batch in pq.ParquetFile(ROWS).iter_batches():
        for code in batch["code"].to_pylist():
            try:
                rows.append(lexical_tokens(code))
            except SyntaxError:
                continue
        if len(rows) >= _ROWS:
            break
    return rows[:_ROWS]


def _ours(rows: Sequence[Sequence[str]]) -> dict[int, int]:
    """Return the dropped rows, each with the row that it matched."""
    sets = [hashed(shingles(tokens)) for tokens in rows]
    found = near_duplicates(list(map(str, range(len(rows)))), SimilarityRule(sets, _THRESHOLD))
    return {int(row): int(match.id) for row, match in found.items()}


def _datasketch(rows: Sequence[Sequence[str]]) -> dict[int, int]:
    """Return the same with datasketch, used in the plain way: every candidate counts as a duplicate.

    Each dropped row is paired with its most similar candidate.
    """
    index = MinHashLSH(threshold=_THRESHOLD, num_perm=_PERMUTATIONS)
    found: dict[int, int] = {}
    kept: dict[int, MinHash] = {}
    for row, tokens in enumerate(rows):
        signature = MinHash(num_perm=_PERMUTATIONS)
        signature.update_batch([shingle.encode() for shingle in shingles(tokens)])
        if others := index.query(signature):
            found[row] = max(sorted(others), key=lambda other: signature.jaccard(kept[other]))
        else:
            index.insert(row, signature)
            kept[row] = signature
    return found


def _false(rows: Sequence[Sequence[str]], found: dict[int, int]) -> int:
    """Return how many rows were dropped because of a row that is not similar."""
    pairs = ((shingles(rows[row]), shingles(rows[other])) for row, other in found.items())
    return sum(jaccard(*pair) < _THRESHOLD for pair in pairs)


def near_duplicate_rows() -> None:
    """Compare near-duplicates of raw code rows, with the same shingles and threshold on both sides."""
    rows = _token_rows()
    ours, plain = _ours(rows), _datasketch(rows)
    compare(f"near-duplicates of {len(rows)} rows, against datasketch", lambda: _ours(rows), lambda: _datasketch(rows))
    for name, found in (("ours", ours), ("datasketch", plain)):
        print(f"    {name}: {len(found)} rows dropped, {_false(rows, found)} of them because of a dissimilar row")


def data() -> None:
    """Run all benchmarks of this file, and the growth of `clean`."""
    for measure in (extraction, near_duplicate_rows, growth):
        measure()


if __name__ == "__main__":
    data()
