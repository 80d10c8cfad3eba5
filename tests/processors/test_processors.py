"""The promise of `numerics`: the same bytes for any number of threads, on other processors of a vendor, and of others.

Processors are emulated by qemu's user mode, which takes minutes; CODETUNE_REQUIRE_EMULATION=1 asks for it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import make_tiny_base

REQUIRED = "CODETUNE_REQUIRE_EMULATION"
EMULATOR = "qemu-x86_64"
PROCESSORS = {"GenuineIntel": "Haswell", "AuthenticAMD": "EPYC"}  # vendors, and what is emulated of each
ROOT = Path(__file__).parents[2]
emulated = [
    pytest.mark.emulated,
    pytest.mark.skipif(os.environ.get(REQUIRED) != "1", reason=f"takes minutes: set {REQUIRED}=1"),
]


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return make_tiny_base(tmp_path_factory.mktemp("wide") / "base", width=96)


def vendor():
    """Of this machine's processor, as the kernel names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith("vendor_id"))


@pytest.fixture(scope="session")
def small_run(base):
    """Digests of what the small run yields: on this processor, or on an emulated one. Each is run once."""
    done = {}

    def run(mode, threads, processor=None):
        key = (mode, threads, processor)
        if key not in done:
            command = [sys.executable, "-m", "tests.processors.small_run", mode, str(threads), str(base)]
            if processor:
                assert shutil.which(EMULATOR), f"{EMULATOR} is missing: apt-get install qemu-user"
                command = [EMULATOR, "-cpu", processor, *command]
            environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "MKL_"))}
            found = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800, check=False
            )
            assert found.returncode == 0, found.stderr[-2000:]
            done[key] = json.loads(found.stdout.splitlines()[-1])
        return done[key]

    return run


@pytest.mark.parametrize("mode", ["strict", "portable"])
def test_any_number_of_threads_gives_the_same_bytes(small_run, mode):
    assert small_run(mode, 1) == small_run(mode, 5)


class TestEmulated:
    """On two threads, against one here: so few runs tell of threads and of processors."""

    pytestmark = emulated

    def test_strict_is_the_same_on_another_processor_of_the_vendor(self, small_run):
        assert small_run("strict", 2, PROCESSORS[vendor()]) == small_run("strict", 1)

    def test_portable_is_the_same_on_a_processor_of_another_vendor(self, small_run):
        [other] = {*PROCESSORS.values()} - {PROCESSORS[vendor()]}
        assert small_run("portable", 2, other) == small_run("portable", 1)
