"""Writes the locks: every package that codetune needs, transitive ones included, with the sha256 of each of its files.

- requirements.lock: all packages but torch
- requirements-cpu.lock: torch built for processors alone
- requirements-cuda.lock: torch as the package registry has it, with the CUDA libraries that it needs on Linux

An environment has the first and one of the others. They hold for each supported Python on Linux (x86-64, arm64) and
macOS (arm64), and are what uv resolves for pyproject.toml with its dev extras. Locked versions stay as long as
pyproject.toml allows them; `python -m scripts.lock --upgrade` (or `--upgrade-package NAME`) takes newer ones.
`--check` writes nothing, and fails where the files are not what this command would write.
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts import uv

PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")
HEADERS = {
    uv.LOCK: "# Every package that codetune needs, transitive ones included, but torch: requirements-cpu.lock or "
    "requirements-cuda.lock.\n",
    uv.CPU_LOCK: "# torch built for processors alone; it needs nothing that is not in requirements.lock.\n",
    uv.CUDA_LOCK: "# torch as the package registry has it, with the CUDA libraries that it needs on Linux.\n",
}
_WRITTEN = "# Written by `make lock`; do not edit.\n"
_ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>[^\n\\]+?))? \\\n(?P<rest>(?: +[^\n]*\n)+)",
    re.MULTILINE,
)
_TIMEOUT_S = 8  # for the index of CPU builds


@dataclass(frozen=True)
class Entry:
    """One package of a lock at one version, for the machines that its marker names."""

    name: str
    version: str
    marker: str
    digests: tuple[str, ...]
    parents: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        marker = f" ; {self.marker}" if self.marker else ""
        lines = [f"{self.name}=={self.version}{marker}", *(f"    --hash=sha256:{digest}" for digest in self.digests)]
        via = f"    # via {', '.join(self.parents)}\n" if self.parents else ""
        return " \\\n".join(lines) + "\n" + via


def read_entries(text: str) -> list[Entry]:
    """The entries of a lock, in its order."""
    entries = []
    for found in _ENTRY.finditer(text):
        digests = re.findall(r"--hash=sha256:([0-9a-f]{64})", found["rest"])
        above = re.sub(r"\(\S+\)", "", found["rest"].partition("# via")[2])
        entries.append(
            Entry(
                found["name"],
                found["version"],
                found["marker"] or "",
                tuple(sorted(digests)),
                tuple(re.findall(r"[\w.-]+", above)),
            )
        )
    return entries


def cuda_only(entries: list[Entry]) -> set[str]:
    """The names of packages that nothing but torch on Linux asks for: its CUDA libraries, and what these need."""
    parents: dict[str, set[str]] = {}
    for entry in entries:
        parents.setdefault(entry.name, set()).update(entry.parents)
    found = {entry.name for entry in entries if entry.parents == ("torch",) and "== 'linux'" in entry.marker}
    while (
        more := {name for name, above in parents.items() if above and above <= found | {"torch"} and above & found}
        - found
    ):
        found |= more
    return found


def resolve(program: str, env: uv.Variables, locked: str, options: list[str]) -> list[Entry]:
    """What uv resolves for pyproject.toml, with the versions of `locked` where they still fit."""
    with tempfile.TemporaryDirectory() as name:
        output = Path(name) / "requirements.lock"
        output.write_text(locked, encoding="utf-8")
        command = [
            program, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header",
            "--python-version", PYTHONS[0], "--fork-strategy", "fewest", "--annotation-style", "line", "--extra", "dev",
            "--output-file", str(output), *options, "pyproject.toml",
        ]  # fmt: skip
        done, printed = uv.output_of(command, env, 600)
        if not done:
            uv.fail(f"nothing was written: {uv.explain(printed)}")
        return read_entries(output.read_text(encoding="utf-8"))


def cpu_digests(program: str, env: uv.Variables, version: str) -> set[str]:
    """The digests of the CPU builds for Linux of this version of torch, from their index; empty without it."""
    with tempfile.TemporaryDirectory() as name:
        wanted = Path(name) / "torch.in"
        wanted.write_text(f"torch=={version}\n", encoding="utf-8")
        command = [
            program, "pip", "compile", "--quiet", "--generate-hashes", "--no-deps", "--no-header", "--no-annotate",
            "--torch-backend", "cpu", "--python-version", PYTHONS[0], str(wanted),
        ]  # fmt: skip
        done, printed = uv.output_of(command, {**env, "UV_HTTP_RETRIES": "0"}, _TIMEOUT_S)
    return set(re.findall(r"--hash=sha256:([0-9a-f]{64})", printed)) if done else set()


def contents(entries: list[Entry], cpu_builds: set[str]) -> dict[Path, str]:
    """The text of each file.

    :param cpu_builds: the digests of the CPU builds of torch for Linux.
    """
    cuda, torch = cuda_only(entries), next(entry for entry in entries if entry.name == "torch")
    parts = {
        uv.LOCK: [entry for entry in entries if entry.name not in cuda | {"torch"}],
        uv.CPU_LOCK: [
            replace(
                torch,
                version=f"{torch.version}+cpu",
                marker="sys_platform == 'linux'",
                digests=tuple(sorted(cpu_builds)),
            ),
            replace(torch, marker="sys_platform == 'darwin'"),
        ],
        uv.CUDA_LOCK: [entry for entry in entries if entry.name in cuda | {"torch"}],
    }
    return {path: HEADERS[path] + _WRITTEN + "".join(str(entry) for entry in part) for path, part in parts.items()}


def locked_cpu_builds(version: str) -> set[str]:
    """The digests of the CPU builds of this version of torch that are locked; empty for another version."""
    entries = read_entries(uv.CPU_LOCK.read_text(encoding="utf-8")) if uv.CPU_LOCK.exists() else []
    return {digest for entry in entries if entry.version == f"{version}+cpu" for digest in entry.digests}


def agree(locked: str, resolved: str) -> bool:
    """Whether a lock holds what was resolved. Files that were added to a release since it was locked do not matter."""
    old, new = read_entries(locked), read_entries(resolved)
    return [replace(entry, digests=()) for entry in old] == [replace(entry, digests=()) for entry in new] and all(
        entry.digests and set(entry.digests) <= set(other.digests) for entry, other in zip(old, new, strict=True)
    )


def check_wheels(program: str, env: uv.Variables) -> None:
    """Ask for each Python and platform whether all of the lock can be installed without building anything."""
    from scripts.setup import BUILT

    complete = True
    for platform in PLATFORMS:
        for python in PYTHONS:
            with tempfile.TemporaryDirectory() as target:
                command = [
                    program, "pip", "sync", "--dry-run", "--require-hashes", "--target", target,
                    "--only-binary", ":all:", "--no-binary", BUILT, "--python-platform", platform,
                    "--python-version", python, str(uv.LOCK), str(uv.CUDA_LOCK),
                ]  # fmt: skip
                done, printed = uv.output_of(command, {**env, "MACOSX_DEPLOYMENT_TARGET": "14.0"}, 300)
            print(f"{platform}, Python {python}: " + ("wheels of all packages" if done else uv.told(printed)))
            complete &= done
    if not complete:
        uv.fail("a platform lacks wheels. Choose other versions in pyproject.toml, then run this again")


def main(arguments: list[str]) -> None:
    """Write the files, or with `--check` compare them."""
    check = "--check" in arguments
    program, env = uv.find(sys.executable), uv.environment(sys.executable, index_only=True)
    locked = "".join(path.read_text(encoding="utf-8") for path in (uv.LOCK, uv.CUDA_LOCK) if path.exists())
    entries = resolve(program, env, locked, [option for option in arguments if option != "--check"])
    version = next(entry.version for entry in entries if entry.name == "torch")
    fetched = set() if check else cpu_digests(program, env, version)
    builds = fetched or locked_cpu_builds(version)
    if not builds:
        uv.fail(
            f"the digests of the CPU builds of torch {version} are not known, and their index cannot be reached. "
            "Run this where it can"
        )
    found = contents(entries, builds)
    before = {path: path.read_text(encoding="utf-8") if path.exists() else "" for path in found}
    if check:
        different = [path for path, text in found.items() if not agree(before[path], text)]
    else:
        different = [path for path, text in found.items() if before[path] != text]
    if check and different:
        uv.fail(
            f"{', '.join(map(str, different))}: not what pyproject.toml asks for. "
            "Run `make lock` and commit what it writes"
        )
    if check:
        print("The locks are what pyproject.toml asks for.")
        return
    for path in different:
        path.write_text(found[path], encoding="utf-8")
    print(f"{len(entries)} packages; written: {', '.join(map(str, different)) or 'nothing, all was up to date'}")
    if not fetched:
        print("The index of torch's CPU builds could not be reached: the digests that were locked stay.")
    check_wheels(program, env)


if __name__ == "__main__":
    main(sys.argv[1:])
