"""Check the machine before the set-up starts. Each problem ends the set-up with a one-line message.

This file uses only the standard library, and runs on any Python from 3.8 on, because nothing is installed yet.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from pathlib import Path

from scripts import uv

MIN_GLIBC = (2, 28)  # required by the builds of torch


def check_machine() -> None:
    """End the set-up on a machine without a build of torch or without git. Warn if AVX2 is missing.

    :raises SystemExit: if the machine is not supported.
    """
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
            "warning: this processor has no AVX2. Everything works, but results may differ from other machines.",
            file=sys.stderr,
        )


def _has_avx2(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the processor has AVX2; true if the machine does not say."""
    if not cpuinfo.exists():
        return True
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return flags is None or "avx2" in flags.group(1).split()


def check_disk(disk: float, venv: Path, cache: Path) -> None:
    """End the set-up if the disk has too little space for the rest of the installation.

    :param disk: size of a complete environment, in gigabytes.
    :param venv: the environment; what it already contains is subtracted from the needed space.
    :param cache: the cache of packages; likewise.
    :raises SystemExit: if there is too little space.
    """
    for folder in (venv, cache):
        free = shutil.disk_usage(str(_existing(folder))).free / 1e9
        if free < disk and free < (needed := disk - size_gb(venv, cache)):
            uv.fail(
                f"{free:.1f} GB are free on the disk of {folder.absolute()}, {needed:.1f} GB are needed. "
                "Free some space, then run the same command again"
            )


def _existing(path: Path) -> Path:
    path = path.absolute()
    return path if os.path.exists(str(path)) else _existing(path.parent)  # noqa: PTH110  (Path.exists may raise)


def check_writable(*folders: Path) -> None:
    """End the set-up if a folder is not writable.

    :raises SystemExit: if a folder is not writable.
    """
    for folder in folders:
        if not os.access(str(_existing(folder)), os.W_OK):
            uv.fail(
                f"{folder} is not writable. Check its owner, or use another cache: UV_CACHE_DIR=/other make install"
            )


def size_gb(*folders: Path) -> float:
    """Return the size of all files in the folders, in gigabytes; a file with several hard links counts once."""
    sizes = {}
    for folder in folders:
        for root, _, names in os.walk(str(folder)):
            for name in names:
                status = os.lstat(os.path.join(root, name))  # noqa: PTH118
                sizes[(status.st_dev, status.st_ino)] = status.st_size
    return sum(sizes.values()) / 1e9
