"""What `numerics.fix` sets, each time in a process of its own: torch must not have been imported before."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from codetune.numerics import ENVIRONMENT
from tests.conftest import ROOT, run_python

MEMORY = """
import torch
from pathlib import Path
def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])
block = torch.ones(16 << 20)  # 64 MiB
held = pages()
del block
print(held - pages() < 1000)
"""


def run(program, mode="portable", threads=3):
    """What a program prints that fixes the numerics first."""
    fixed = f"from codetune import numerics; numerics.fix(numerics.NumericsParams(mode={mode!r}, threads={threads}))\n"
    found = run_python("-c", fixed + program, check=False)
    assert found.returncode == 0, found.stderr
    assert not found.stderr
    return found.stdout.split()


@pytest.mark.parametrize("mode", ["portable", "strict", "fast"])
def test_every_mode_takes_the_threads_that_it_is_given(mode):
    assert run("import torch; print(torch.get_num_threads())", mode) == ["3"]


@pytest.mark.parametrize("mode", ["portable", "strict", "fast"])
def test_threads_that_wait_keep_their_cores_busy_for_a_moment_alone(mode):
    """OpenMP's runtime says what it was told when it was loaded, which torch does."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
    told = f"numerics.fix(numerics.NumericsParams(mode={mode!r}, threads=2))"
    found = subprocess.run(
        [sys.executable, "-c", f"from codetune import numerics; {told}"],
        cwd=ROOT, env=environment | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    runtimes = found.stderr.count("OPENMP DISPLAY ENVIRONMENT BEGIN")
    assert runtimes >= 1
    assert found.stderr.count(f"GOMP_SPINCOUNT = '{ENVIRONMENT[mode]['GOMP_SPINCOUNT']}'") == runtimes


AMD = "AuthenticAMD" in Path("/proc/cpuinfo").read_text() if sys.platform == "linux" else False


@pytest.mark.parametrize(
    ("mode", "rows", "replaced"),
    [("portable", 4, "True"), ("strict", 400, "False"), ("fast", 4, "False"), ("fast", 400, str(AMD))],
)
def test_products_are_replaced_in_portable_and_large_ones_where_mkl_is_slow(mode, rows, replaced):
    program = f"""
import torch
with torch.profiler.profile() as seen:
    torch.ones({rows}, 4) @ torch.ones(4, 4)
print(any(event.key == "mkldnn::_linear_pointwise" for event in seen.key_averages()))
"""
    assert run("import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2)" + program, mode) == [replaced]


@pytest.mark.parametrize("mode", ["portable", "strict"])
def test_small_products_are_the_same_for_any_number_of_threads(mode):
    program = """
import torch
def found(threads):
    torch.set_num_threads(threads)
    torch.manual_seed(7)
    drawn = [(torch.randn(m, k), torch.randn(n, k)) for m in (2, 3, 5, 9) for n in (15, 17, 231) for k in (16, 257)]
    return [a @ b.t() for a, b in drawn] + [torch.addmm(torch.ones(len(b)), a, b.t()) for a, b in drawn]
print(all(torch.equal(*pair) for pair in zip(found(1), found(2))))
"""
    assert run(program, mode) == ["True"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc" or sys.platform != "linux", reason="another allocator")
def test_freed_memory_is_kept():
    assert run(MEMORY) == ["True"]


def test_other_numerics_after_torch_was_imported_are_refused():
    program = """
try:
    numerics.fix(numerics.NumericsParams(mode="strict", threads=1))
except RuntimeError as error:
    print(error)
"""
    assert "before torch is imported" in " ".join(run(program))
