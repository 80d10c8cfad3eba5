"""Measure time and memory of `clean` on growing numbers of synthetic rows, and compare the time with n log n.

Each size runs in its own process, so that it does not inherit memory of another one.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks import synthetic
from codetune.core.config import load_section
from codetune.data.clean.params import CleanParams
from stages import clean

_SIZES = (10_000, 100_000)
# A million rows take most of an hour, so they run only on request: BENCH_ROWS=1000000 make bench
_LARGEST = "BENCH_ROWS"
_SAMPLE_S = 0.2


def _resident(process: psutil.Process) -> int:
    """Return the memory of a process and its children, in bytes; shared memory is counted for each process."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.Error:  # the process has ended
            continue
    return total


def measure_clean(folder: Path) -> dict[str, Any]:
    """Run `clean` on the rows in `folder`. Return its figures, and the peak memory in bytes."""
    command = [sys.executable, "-m", "benchmarks.growth", str(folder)]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        process = psutil.Process(child.pid)
        while child.poll() is None:
            try:
                peak = max(peak, _resident(process))
            except psutil.Error:
                break
            time.sleep(_SAMPLE_S)
        output = child.communicate()[0]
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    told: dict[str, Any] = json.loads(output)
    return told | {"peak": peak}


def growth() -> None:
    """Measure filters, duplicates, split and tables on synthetic rows."""
    sizes = sorted({*_SIZES, int(os.environ.get(_LARGEST, "0"))} - {0})
    before: tuple[int, float] | None = None
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=".") as name:
            synthetic.write(Path(name), size)
            found = measure_clean(Path(name))
        line = f"clean, {size} rows: {found['seconds']:.0f} s, {found['processor_s']:.0f} s of processor"
        line += f", {found['peak'] / 2**30:.2f} GiB at most"
        if before:
            expected = size * math.log(size) / (before[0] * math.log(before[0]))
            line += f", {found['processor_s'] / before[1] / expected:.2f} of n log n"
        print(f"{line}; {_found(size, found['dropped'])}", flush=True)
        before = size, found["processor_s"]


def _found(size: int, dropped: dict[str, int]) -> str:
    """Return how many planted duplicates were found, and how many other rows were dropped, as text."""
    planted = size // synthetic.PERIOD
    found = [f"{dropped.get(reason, 0) / planted:.2%} {reason}" for reason in synthetic.COPIES.values()]
    others = sum(dropped.values()) - sum(dropped.get(reason, 0) for reason in synthetic.COPIES.values())
    return f"found {', '.join(found)}; {others} others dropped"


def _clean(folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    outputs = clean.Outputs(clean=folder / "clean", counts=folder / "counts.json")
    params = load_section(CleanParams).model_copy(update={"held_out": []})
    report = clean.run(params, clean.Inputs(raw=folder), outputs)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": time.perf_counter() - start,
        "processor_s": sum(each.ru_utime + each.ru_stime for each in used),
        "dropped": report["dropped"],
    }


if __name__ == "__main__":
    print(json.dumps(_clean(Path(sys.argv[1]))))
