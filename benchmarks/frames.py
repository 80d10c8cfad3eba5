"""Measure `clean`, and the search for near-duplicates, on rows that share a large common part (a frame).

`python -m benchmarks.frames 2000 4000 8000` runs `clean` on 2000, 4000 and 8000 rows. `sets 1000000` searches for
near-duplicates among a million sets of shingles. In both, one row in twenty is planted: a slightly changed copy of the
row before it. `recall` counts how many planted pairs are found at each Jaccard similarity.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.growth import measure_clean
from codetune.core.tables import stream_table
from codetune.data.clean.duplicates import SimilarityRule, near_duplicates
from codetune.data.clean.shingle_hashes import Hashes
from codetune.python_source.functions import row_id
from codetune.schemas.raw import RAW_FILES, RAW_ROWS

PERIOD = 20
_FRAME = """\
    if not isinstance(source, dict):
        raise TypeError('expected a mapping of names to values')
    logger.debug('reading %s', source.get('name'))
    try:
        version = int(source.get('version', 1))
    except (TypeError, ValueError):
        version = 1
"""
_GROUPS = 50
_THRESHOLD = 0.7
# Number of shingles in a set, and in its frame. Two sets with the same frame have a Jaccard similarity of 0.5 or 0.6.
_SET, _FRAMES = 60, (40, 45)
_CHANGED = 4


def planted(number: int) -> bool:
    """Return whether a row is a changed copy of the row before it."""
    return number % PERIOD == 1


def _row(number: int) -> dict[str, Any]:
    own = number - planted(number)
    last = f"found.as_{own}(version)" if own == number else f"found.as_{own}(version).copy()"
    code = f"def load_{own}(source):\n{_FRAME}    found = api_{own}.fetch_{own}(source, version)\n    return {last}"
    asked = " ".join(f"w{number}_{place}" for place in range(9))
    group = f"group{number % _GROUPS}"
    return {
        "id": row_id(group, "table", asked, code, number), "source": "frames", "group": group, "package": "frames",
        "version": "1", "license": "MIT", "license_evidence": "", "path": "table", "kind": "pair", "qualname": "row",
        "start_line": number + 1, "end_line": number + 1, "signature": "", "docstring": "", "code": "",
        "instruction": asked, "completion": code,
    }  # fmt: skip


def write(folder: Path, count: int) -> None:
    """Write rows.parquet and an empty files.parquet of `count` framed rows."""
    stream_table(folder / "rows.parquet", map(_row, range(count)), RAW_ROWS.arrow)
    stream_table(folder / "files.parquet", iter(()), RAW_FILES.arrow)


def framed_rows(sizes: list[int]) -> None:
    """Measure `clean` on growing numbers of rows with a frame."""
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=".") as name:
            write(Path(name), size)
            found = measure_clean(Path(name))
        near = found["dropped"].get("near_duplicate", 0) + found["dropped"].get("renamed_duplicate", 0)
        print(
            f"clean, {size} framed rows: {found['processor_s']:.1f} s of processor, "
            f"{found['peak'] / 2**30:.2f} GiB at most; found {near} of {size // PERIOD} planted",
            flush=True,
        )


def _sets(count: int) -> Iterator[Hashes]:
    """Yield sets that contain the frames in turn; a planted set has a Jaccard of 0.87 with the set before it."""
    draw = np.random.default_rng(1)
    frames = [draw.integers(2**63, size=size, dtype=np.uint64) for size in _FRAMES]
    before = frames[0]
    for number in range(count):
        if planted(number):
            own = np.concatenate([before[_CHANGED:], draw.integers(2**63, size=_CHANGED, dtype=np.uint64)])
        else:
            frame = frames[number // PERIOD % len(frames)]
            own = np.concatenate([frame, draw.integers(2**63, size=_SET - len(frame), dtype=np.uint64)])
        own.sort()
        before = own
        yield own


def framed_sets(count: int) -> None:
    """Search for near-duplicates among `count` sets; print time, memory, and how many planted ones were found."""
    sets = list(_sets(count))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    found = near_duplicates([str(number) for number in range(count)], SimilarityRule(sets, _THRESHOLD))
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    right = sum(planted(int(row)) and int(match.id) == int(row) - 1 for row, match in found.items())
    print(
        f"{count} framed sets: {seconds:.1f} s of processor, {peak / 2**20:.2f} GiB at most, "
        f"{held / 2**20:.2f} of them the sets;\n"
        f"    found {right} of {sum(map(planted, range(count)))} planted and {len(found) - right} others"
    )


def recall(count: int = 2000) -> None:
    """Print how many of `count` pairs are found at each Jaccard similarity; all pairs share one frame."""
    draw = np.random.default_rng(1)
    frame = draw.integers(2**63, size=_FRAMES[0], dtype=np.uint64)
    for common in range(50, 60):
        sets: list[Hashes] = []
        for _ in range(count):
            own = draw.integers(2**63, size=_SET - _FRAMES[0], dtype=np.uint64)
            one = np.concatenate([frame, own])
            kept = draw.permutation(_SET)[:common]
            other = np.concatenate([one[kept], draw.integers(2**63, size=_SET - common, dtype=np.uint64)])
            sets += [np.unique(one), np.unique(other)]
        similarity = common / (2 * _SET - common)
        names = [str(number) for number in range(len(sets))]
        found = near_duplicates(names, SimilarityRule(sets, _THRESHOLD))
        right = sum(str(2 * pair + 1) in found for pair in range(count))
        print(f"pairs of Jaccard {similarity:.3f}: {right} of {count} found")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sets", number]:
            framed_sets(int(number))
        case ["recall"]:
            recall()
        case numbers:
            framed_rows([int(number) for number in numbers])
