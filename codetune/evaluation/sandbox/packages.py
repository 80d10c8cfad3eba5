"""Installed packages that the user allows in the sandbox, where they are mounted read-only."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from codetune.core.errors import UserError

_NOT_LET_IN = (".dist-info", ".egg-info", ".pth", "__pycache__", "..", "bin")


def package_paths(names: Sequence[str]) -> tuple[Path, ...]:
    """Return the files and folders of installed packages; dependencies are not included and must be named too.

    :param names: names of distributions that are installed here, such as `numpy`.
    :returns: top-level modules and folders; each name occurs once.
    :raises UserError: when a package is not installed, or its files are elsewhere (editable install).
    """
    found: dict[str, Path] = {}
    for name in names:
        for path in _parts(name):
            found.setdefault(path.name, path)
    return tuple(found.values())


def _parts(name: str) -> list[Path]:
    try:
        listed = files(name) or []
    except PackageNotFoundError:
        raise UserError(
            f"package {name!r} is not installed here, so the sandbox cannot use it",
            f"Run `python -m pip install {name}`, or remove it from the list of packages.",
        ) from None
    tops = {Path(str(each.locate())).parents[len(each.parts) - 1] / each.parts[0] for each in listed}
    parts = [path for path in sorted(tops) if not path.name.endswith(_NOT_LET_IN)]
    parts = [path for path in parts if path.is_dir() or path.suffix in (".py", ".so")]
    if not parts:
        raise UserError(
            f"package {name!r} has no files in this environment (is it an editable install?)",
            "Install it as a wheel, or remove it from the list of packages.",
        )
    return parts
