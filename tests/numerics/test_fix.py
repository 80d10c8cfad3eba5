"""What `numerics.fix` sets, in one new process for each mode: torch must not have been imported before."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from codetune.numerics import ENVIRONMENT
from tests.conftest import ROOT

PROGRAM = """
import json, os, sys
from pathlib import Path
from codetune import numerics

numerics.fix(numerics.NumericsParams(mode=sys.argv[1], threads=3))
import torch

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

def keeps_freed_memory():
    block = torch.ones(16 << 20)  # 64 MiB
    held = pages()
    del block
    return held - pages() < 1000

def products(threads):
    torch.set_num_threads(threads)
    torch.manual_seed(7)
    drawn = [(torch.randn(m, k), torch.randn(n, k)) for m in (2, 3, 5, 9) for n in (15, 17, 231) for k in (16, 257)]
    return [a @ b.t() for a, b in drawn] + [torch.addmm(torch.ones(len(b)), a, b.t()) for a, b in drawn]

def replaced(rows):
    with torch.profiler.profile() as seen:
        torch.ones(rows, 4) @ torch.ones(4, 4)
    return any(event.key == "mkldnn::_linear_pointwise" for event in seen.key_averages())

def refusal():
    try:
        numerics.fix(numerics.NumericsParams(mode="portable" if sys.argv[1] == "strict" else "strict", threads=1))
    except RuntimeError as error:
        return str(error)

found = {"threads": torch.get_num_threads(), "kept": keeps_freed_memory()}
found["same"] = all(torch.equal(*pair) for pair in zip(products(1), products(2)))
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the profiler writes there
print(json.dumps(found | {"replaced": [rows for rows in (4, 400) if replaced(rows)], "refusal": refusal()}))
"""


@pytest.fixture(scope="module", params=["portable", "strict", "fast"])
def started(request):
    """The mode, what a process found after fixing it, and what OpenMP's runtime wrote when torch loaded it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, request.param], cwd=ROOT, env=environment | {"OMP_DISPLAY_ENV": "verbose"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return request.param, json.loads(done.stdout), done.stderr


def test_every_mode_takes_the_threads_that_it_is_given(started):
    assert started[1]["threads"] == 3


def test_threads_that_wait_keep_their_cores_busy_for_a_moment_alone(started):
    mode, _, told = started
    runtimes = told.count("OPENMP DISPLAY ENVIRONMENT BEGIN")
    assert runtimes >= 1
    assert told.count(f"GOMP_SPINCOUNT = '{ENVIRONMENT[mode]['GOMP_SPINCOUNT']}'") == runtimes


def test_nothing_is_printed(started):
    shown = re.sub(
        r"OPENMP DISPLAY ENVIRONMENT BEGIN.*?OPENMP DISPLAY ENVIRONMENT END", "", started[2], flags=re.DOTALL
    )
    assert not shown.strip()


AMD = "AuthenticAMD" in Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else False


def test_products_are_replaced_in_portable_and_large_ones_where_mkl_is_slow(started):
    mode, found, _ = started
    assert found["replaced"] == {"portable": [4, 400], "strict": [], "fast": [400] if AMD else []}[mode]


def test_small_products_are_the_same_for_any_number_of_threads(started):
    mode, found, _ = started
    assert found["same"] or mode == "fast"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc" or sys.platform != "linux", reason="another allocator")
def test_freed_memory_is_kept(started):
    assert started[1]["kept"]


def test_other_numerics_after_torch_was_imported_are_refused(started):
    assert "before torch is imported" in started[1]["refusal"]
