"""Measure the library's part of the pages Compare and Experiments, with 200 commits and 100 experiments, in seconds.

Cold is a new process, with its imports. Warm is the next revision in the same process, whose reports are not read yet.
The times of Streamlit and the browser are not included.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import history, timing

_ROUNDS = 5
_TARGETS = {"cold": 2.0, "warm": 0.5}


def _compare(root: Path) -> dict[str, float]:
    start = time.perf_counter()
    from codetune.compare.comparison import compare
    from codetune.history.listing import default_pair, list_revisions
    from codetune.history.reading import load_reports
    from codetune.history.repository import Repository

    repository = Repository(root)
    listed = list_revisions(repository)
    baseline = load_reports(repository, default_pair(repository, listed)[0])
    compare(baseline, load_reports(repository, default_pair(repository, listed)[1]))
    cold, rounds = time.perf_counter() - start, []
    for revision in listed[20 : 20 + _ROUNDS]:
        start = time.perf_counter()
        list_revisions(repository)
        compare(baseline, load_reports(repository, revision))
        rounds.append(time.perf_counter() - start)
    return {"cold": cold, "warm": statistics.median(rounds)}


def _experiments(root: Path) -> dict[str, float]:
    start = time.perf_counter()
    from codetune.compare.coordinates import parallel, points
    from codetune.compare.figures import Figures, load_rows, matching
    from codetune.compare.quantities import default_columns, metrics, parameters, ways_of
    from codetune.history.listing import Kind, list_revisions
    from codetune.history.repository import Repository

    repository = Repository(root)
    known: dict[str, Figures] = {}

    def show(text: str) -> None:
        rows = load_rows(repository, list_revisions(repository), known)
        across, up = parameters(rows), metrics(rows)
        shown = matching(rows, text, Kind)
        axes = [*default_columns(across), *default_columns(up)]
        _, names = ways_of(shown, axes)
        points(shown, across[0], up[0], names)
        parallel(shown, axes, names)

    show("")
    cold, rounds = time.perf_counter() - start, []
    for number in range(_ROUNDS):
        start = time.perf_counter()
        show(f"rank={number}")
        rounds.append(time.perf_counter() - start)
    return {"cold": cold, "warm": statistics.median(rounds)}


_MEASURES = {"Compare": _compare, "Experiments": _experiments}


def _output_of_a_commit() -> None:
    """Compare reading an output of HEAD from the DVC cache with DVCFileSystem."""
    from dvc.api import DVCFileSystem

    from codetune.history.listing import require_revision
    from codetune.history.outputs import cache_path, locked_output
    from codetune.history.repository import Repository

    root, path = Path.cwd(), "data/clean/train.jsonl"
    repository = Repository(root)

    def ours() -> bytes:
        entry = locked_output(repository, require_revision(repository, "HEAD"), path)
        return cache_path(root, entry).read_bytes() if entry else b""

    def plain() -> bytes:
        found: bytes = DVCFileSystem(str(root), rev="HEAD").read_bytes(path)
        return found

    if ours() != plain():
        raise AssertionError(f"{path} of HEAD differs")
    timing.compare("output of a commit against DVCFileSystem", ours, plain)


def _measured(page: str, root: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.revisions", page, str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def revisions() -> None:
    """Measure both pages, each in its own process, and how an output of a commit is read."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        history.build(Path(folder))
        made = f"{history.COMMITS} commits and {history.EXPERIMENTS} experiments"
        print(f"{made}, written in {time.perf_counter() - start:.0f} s:")
        for page in _MEASURES:
            found = _measured(page, Path(folder))
            told = (f"{kind} {found[kind]:.2f} s (target {limit:g} s)" for kind, limit in _TARGETS.items())
            print(f"    {page}: {', '.join(told)}", flush=True)
    _output_of_a_commit()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_MEASURES[sys.argv[1]](Path(sys.argv[2]))))
    else:
        revisions()
