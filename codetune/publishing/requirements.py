"""The pinned requirements of some modules, with all that these packages need, taken from the lock files."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codetune.core.errors import UserError

LOCKS = ("requirements.lock", "requirements-cpu.lock")
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where the CPU builds of torch are (https://pytorch.org/get-started/locally)."""
_PROJECT = "codetune"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?===)")
_VIA = re.compile(r"^\s+# via (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class LockedPackage:
    """One entry of a lock file.

    :param name: the normalised name of the package.
    :param lines: the requirement with its hashes.
    :param needed_by: the packages that need it.
    """

    name: str
    lines: str
    needed_by: frozenset[str]


def space_requirements(files: Iterable[Path], project: Path, without: frozenset[str] = frozenset()) -> str:
    """Return the content of requirements.txt for modules of the project.

    :param files: the modules' files.
    :param project: the folder with the lock files.
    :param without: packages that a module imports inside a function that is never called.
    :raises UserError: when a lock file is missing, or lacks a package that a module imports.
    """
    locked = [package for name in LOCKS for package in read_lock(project / name)]
    wanted = distributions(files) - without
    if missing := wanted - {package.name for package in locked}:
        raise UserError(f"{LOCKS[0]} lacks {', '.join(sorted(missing))}", "Run `make lock`.")
    names = with_dependencies(wanted, locked)
    entries = [package.lines for package in sorted(locked, key=lambda each: each.name) if package.name in names]
    return "\n".join([f"--extra-index-url {TORCH_INDEX}", *entries]) + "\n"


def read_lock(path: Path) -> list[LockedPackage]:
    """Return the entries of a lock file; a package can have several, for different systems.

    :raises UserError: when the file does not exist.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist", "Run the command in a clone of codetune, or run `make lock`.")
    blocks = re.split(r"^(?=[A-Za-z0-9])", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return list(_packages(blocks))


def _packages(blocks: Iterable[str]) -> Iterator[LockedPackage]:
    for block in blocks:
        if name := _NAME.match(block):
            via = _VIA.search(block)
            by = frozenset(map(normalised, via[1].split(", "))) if via else frozenset()
            lines = "\n".join(line for line in block.split("\n") if line.strip() and not line.lstrip().startswith("#"))
            yield LockedPackage(normalised(name[0]), lines, by)


def with_dependencies(wanted: Iterable[str], locked: list[LockedPackage]) -> set[str]:
    """Return the names of packages and of all packages that they need, directly or indirectly."""
    found = set(wanted)
    while more := {package.name for package in locked if package.needed_by & found} - found:
        found |= more
    return found


def distributions(files: Iterable[Path]) -> set[str]:
    """Return the normalised names of the packages that modules import, at the top level or inside functions."""
    installed = importlib.metadata.packages_distributions()
    modules = {name for path in files for name in _imported(path)}
    known = modules - set(sys.stdlib_module_names) - {_PROJECT}
    return {normalised(name) for module in known for name in installed.get(module, [module])[:1]}


def _imported(path: Path) -> Iterator[str]:
    """Yield the top-level names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def normalised(name: str) -> str:
    """Return the name of a package as package registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
