"""What the set-up asks of a machine before it begins; each thing that is missing ends it in one line.

Standard library only, and any Python from 3.8 on: this runs before anything is installed.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from pathlib import Path

from scripts import uv

MIN_GLIBC = (2, 28)  # of torch's builds


def check_machine() -> None:
    """Refuse machines for which there is no torch, and say what else will be missed."""
    system, machine = platform.system(), platform.machine()
    if sys.maxsize < 2**32 or (system, machine) not in {
        ("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"),
    }:  # fmt: skip
        bits = "32" if sys.maxsize < 2**32 else "64"
        uv.fail(
            f"found {system} on {machine} ({bits}-bit Python); torch 2.13 is built for 64-bit Linux (x86_64, aarch64) "
            "and macOS (arm64). On Windows, use WSL 2"
        )
    name, version = platform.libc_ver()
    if system == "Linux" and (name != "glibc" or tuple(map(int, version.split(".")[:2])) < MIN_GLIBC):
        uv.fail(
            f"found {f'{name} {version}' if name else 'no glibc (musl?)'}; torch's builds need glibc 2.28 or newer. "
            "Use a distribution that has it, or the container of docs/install.md"
        )
    if shutil.which("git") is None:
        uv.fail("git not found. Install it (Debian: apt-get install git)")
    if machine == "x86_64" and not _has_avx2():
        print(
            "warning: this processor has no AVX2. All works, but the same bytes as elsewhere are not promised.",
            file=sys.stderr,
        )


def _has_avx2(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has AVX2; taken for granted where nothing says so."""
    if not cpuinfo.exists():
        return True
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return flags is None or "avx2" in flags.group(1).split()


def check_disk(disk: float, venv: Path, cache: Path) -> None:
    """Refuse to begin where the disk has too little room for what is still to come.

    :param disk: gigabytes of an environment that is complete.
    """
    for folder in (venv, cache):
        free = shutil.disk_usage(str(_existing(folder))).free / 1e9
        if free < disk and free < (needed := disk - size_gb(venv, cache)):
            uv.fail(
                f"{free:.1f} GB are free where {folder.absolute()} lies, {needed:.1f} GB are needed. "
                "Free some, then run the same command again"
            )


def _existing(path: Path) -> Path:
    path = path.absolute()
    return path if os.path.exists(str(path)) else _existing(path.parent)  # noqa: PTH110  (Path's raises)


def check_writable(*folders: Path) -> None:
    """Refuse to begin where a folder cannot be written to."""
    for folder in folders:
        if not os.access(str(_existing(folder)), os.W_OK):
            uv.fail(
                f"{folder} may not be written to. Check who owns it; another cache: UV_CACHE_DIR=/other make install"
            )


def size_gb(*folders: Path) -> float:
    """The size of all files of folders, in gigabytes; each file once, however many names it has."""
    sizes = {}
    for folder in folders:
        for root, _, names in os.walk(str(folder)):
            for name in names:
                status = os.lstat(os.path.join(root, name))  # noqa: PTH118
                sizes[(status.st_dev, status.st_ino)] = status.st_size
    return sum(sizes.values()) / 1e9
