"""Write the lock files: every package that codetune needs, with its dependencies and the sha256 of each file.

- requirements.lock: all packages except torch
- requirements-cpu.lock: torch without CUDA
- requirements-cuda.lock: torch from the package registry, with the CUDA libraries that it needs on Linux

An environment uses the first file and one of the others. They are valid for each supported Python on Linux (x86-64,
arm64) and macOS (arm64), and are what uv resolves for pyproject.toml with its dev extras. Locked versions stay as long
as pyproject.toml allows them; `python -m scripts.lock --upgrade` (or `--upgrade-package NAME`) takes newer ones.
`--check` writes nothing, and fails if the files differ from what this command would write.
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
_TIMEOUT_S = 8  # to reach the index of CPU builds


@dataclass(frozen=True)
class Entry:
    """One package of a lock file at one version, for the machines that its marker names.

    :param digests: the sha256 of each of its files.
    :param parents: the packages that require it.
    """

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
    """Return the entries of a lock file, in its order."""
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
    """Return the packages that only torch on Linux requires: CUDA libraries and their own dependencies."""
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
    """Return what uv resolves for pyproject.toml. Versions in `locked` stay if they still fit.

    :param program: the path of uv.
    :param env: the environment variables for uv.
    :param options: further options of `uv pip compile`.
    :raises SystemExit: if uv fails.
    """
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
    """Return the sha256 of the CPU builds of this torch version for Linux; empty if their index cannot be reached."""
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
    """Return the text of each lock file.

    :param cpu_builds: the sha256 of the CPU builds of torch for Linux.
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
    """Return the locked sha256 of the CPU builds of this torch version; empty if another version is locked."""
    entries = read_entries(uv.CPU_LOCK.read_text(encoding="utf-8")) if uv.CPU_LOCK.exists() else []
    return {digest for entry in entries if entry.version == f"{version}+cpu" for digest in entry.digests}


def lock_matches(locked: str, resolved: str) -> bool:
    """Return whether a lock file contains what was resolved.

    Files that were added to a release after it was locked are ignored.
    """
    old, new = read_entries(locked), read_entries(resolved)
    return [replace(entry, digests=()) for entry in old] == [replace(entry, digests=()) for entry in new] and all(
        entry.digests and set(entry.digests) <= set(other.digests) for entry, other in zip(old, new, strict=True)
    )


def check_wheels(program: str, env: uv.Variables) -> None:
    """Check, for each Python and platform, that the whole lock can be installed without building packages.

    :raises SystemExit: if wheels are missing.
    """
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
            print(f"{platform}, Python {python}: " + ("wheels of all packages" if done else uv.error_summary(printed)))
            complete &= done
    if not complete:
        uv.fail(
            "a platform has no wheels of some package. Choose other versions in pyproject.toml, then run this again"
        )


def main(arguments: list[str]) -> None:
    """Write the lock files; with `--check`, compare them."""
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
            "Run this on a machine that can reach it"
        )
    found = contents(entries, builds)
    before = {path: path.read_text(encoding="utf-8") if path.exists() else "" for path in found}
    if check:
        different = [path for path, text in found.items() if not lock_matches(before[path], text)]
    else:
        different = [path for path, text in found.items() if before[path] != text]
    if check and different:
        uv.fail(
            f"{', '.join(map(str, different))}: does not match pyproject.toml. Run `make lock` and commit the files"
        )
    if check:
        print("The lock files match pyproject.toml.")
        return
    for path in different:
        path.write_text(found[path], encoding="utf-8")
    print(f"{len(entries)} packages; written: {', '.join(map(str, different)) or 'nothing, all files are up to date'}")
    if not fetched:
        print("The index of torch's CPU builds could not be reached: the locked digests stay.")
    check_wheels(program, env)


if __name__ == "__main__":
    main(sys.argv[1:])
