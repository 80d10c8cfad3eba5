"""Read the pinned packages of data/packages.txt, and get their wheels from the cache or with pip."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import digest_file, split_lines

# The pinned wheels are the same on every machine: those for CPython 3.11 on x86-64 Linux, or for any platform. They are
# read, not installed, so it does not matter which Python they require.
_PLATFORMS = (*(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17)), "manylinux2014_x86_64")
_TARGET = [
    "--no-deps", "--ignore-requires-python", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11",
    *(f"--platform={platform}" for platform in _PLATFORMS),
]  # fmt: skip
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9.!+_-]+)\s+--hash=sha256:(?P<sha256>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Pin:
    """A package at a fixed version, identified by the sha256 of its wheel."""

    name: str
    version: str
    sha256: str

    @property
    def wheel_prefix(self) -> str:
        """The start of the wheel's file name (PEP 427), in lower case."""
        return f"{re.sub(r'[-_.]+', '_', self.name).lower()}-{self.version.lower()}-"

    def requirement(self) -> str:
        """Return the pin as a line of a requirements file."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def read_pins(path: Path) -> list[Pin]:
    """Return the pins of a packages file, in order; blank lines and comments are ignored.

    :raises UserError: if the file is missing or has no pins, or a line is not a pin or repeats a package.
    """
    try:
        lines = split_lines(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "Name an existing file in ingest.sources.") from None
    pins: dict[str, Pin] = {}
    for number, line in enumerate(lines, start=1):
        text = line.split(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        match = _PIN.fullmatch(text)
        if match is None:
            raise UserError(
                f"{path}:{number}: found {text[:80]!r}, expected `name==version --hash=sha256:<64 hex digits>`",
                "Fix the line; `pip hash FILE.whl` prints the digest.",
            )
        pin = Pin(**match.groupdict())
        if pin.name.lower() in pins:
            raise UserError(f"{path}:{number}: {pin.name} is pinned twice", "Keep one of the two lines.")
        pins[pin.name.lower()] = pin
    if not pins:
        raise UserError(f"{path} pins no package", "Add lines `name==version --hash=sha256:…`.")
    return list(pins.values())


def _in_cache(pin: Pin, cache: Path) -> Path | None:
    """Return the cached wheel of `pin`, or None. A wheel with a wrong digest is deleted, to be downloaded again."""
    for path in sorted(cache.glob("*.whl")):
        if path.name.lower().replace("-", "_").startswith(pin.wheel_prefix.replace("-", "_")):
            if digest_file(path) == pin.sha256:
                return path
            path.unlink()
    return None


def _explain(pins: list[Pin], output: str) -> UserError:
    """Turn the error output of pip into one error message."""
    named = ", ".join(f"{pin.name}=={pin.version}" for pin in pins[:3]) + (" …" if len(pins) > 3 else "")  # noqa: PLR2004
    if "DO NOT MATCH THE HASHES" in output:
        line = re.search(r"^\s*(\S+==\S+|https?://\S+|\S+) .*\n\s*Expected sha256", output, re.MULTILINE)
        which = line.group(1).split("/")[-1] if line else named
        return UserError(f"the sha256 of {which} is not the pinned one", "Fix its line in data/packages.txt.")
    if "CERTIFICATE_VERIFY_FAILED" in output:
        return UserError(
            f"the package registry's certificate is not trusted ({named})",
            "Where a proxy has its own certificate, add it to the system's store, or set PIP_CERT=/path/to/it.pem.",
        )
    if os.strerror(errno.ENOSPC) in output:
        return UserError(f"the disk is full; {named} could not be downloaded", "Free some space and run again.")
    missing = re.search(r"No matching distribution found for (\S+)", output)
    unreachable = re.search(r"Connection|Temporary failure|timed out|Max retries|Name or service", output)
    if missing and not unreachable:
        return UserError(f"no wheel of {missing.group(1)} is in the package registry", "Fix data/packages.txt.")
    if unreachable:
        return UserError(
            f"{len(pins)} wheels are not in the cache and the package registry cannot be reached ({named})",
            "Connect to the network once, or copy the wheels into the folder named by ingest.cache.",
        )
    last = [line for line in split_lines(output) if line.strip()][-1:] or ["no output"]
    return UserError(f"pip could not download {named}: {last[0].strip()[:200]}", "See `pip download` for details.")


def _download(pins: list[Pin], cache: Path) -> None:
    """Download the wheels of `pins` into `cache` with pip, which checks every digest and runs no code of theirs."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download.", dir=cache) as name:
        folder = Path(name)
        requirements = folder / "requirements.txt"
        requirements.write_text("\n".join(pin.requirement() for pin in pins) + "\n", encoding="utf-8")
        command = [
            sys.executable, "-m", "pip", "download", "--require-hashes", "--progress-bar=off", "--retries=2",
            "--disable-pip-version-check", *_TARGET, "--dest", str(folder), "--requirement", str(requirements),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise _explain(pins, done.stdout + done.stderr)
        for wheel in sorted(folder.glob("*.whl")):
            wheel.replace(cache / wheel.name)


def fetch(pins: list[Pin], cache: Path, max_bytes: int) -> dict[Pin, Path]:
    """Return the wheel file of every pin; wheels that are not in the cache are downloaded.

    :param cache: the folder of cached wheels.
    :param max_bytes: the largest allowed size of a wheel, in bytes.
    :raises UserError: on a missing wheel, a wrong digest, no network, or a wheel larger than `max_bytes`.
    """
    found = {pin: _in_cache(pin, cache) for pin in pins}
    missing = [pin for pin, path in found.items() if path is None]
    if missing:
        _download(missing, cache)
    wheels: dict[Pin, Path] = {}
    for pin in pins:
        path = found[pin] or _in_cache(pin, cache)
        if path is None:
            raise UserError(f"pip downloaded no wheel with the pinned sha256 of {pin.name}", "Fix data/packages.txt.")
        if path.stat().st_size > max_bytes:
            raise UserError(
                f"{path.name} has {path.stat().st_size >> 20} MiB, over ingest.max_wheel_mb",
                "Raise it, or remove the pin.",
            )
        wheels[pin] = path
    return wheels
