"""Packages that are let into the sandbox: those that the user names, from this environment, to be read alone."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from codetune.core.errors import UserError

_NOT_LET_IN = (".dist-info", ".egg-info", ".pth", "__pycache__", "..", "bin")


def package_paths(names: Sequence[str]) -> tuple[Path, ...]:
    """The files and folders that packages are made of, each named once; what a package needs has to be named as well.

    :param names: names of distributions that are installed here, such as `numpy`.
    :raises UserError: when one is not installed, or is not installed as files of its own.
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
            f"package {name!r} is not installed here, so it cannot be let into the sandbox",
            f"Run `python -m pip install {name}`, or leave it out of the packages.",
        ) from None
    tops = {Path(str(each.locate())).parents[len(each.parts) - 1] / each.parts[0] for each in listed}
    parts = [path for path in sorted(tops) if not path.name.endswith(_NOT_LET_IN)]
    parts = [path for path in parts if path.is_dir() or path.suffix in (".py", ".so")]
    if not parts:
        raise UserError(
            f"package {name!r} is installed in a way that has no files of its own (editable?)",
            "Install it as a wheel, or leave it out of the packages.",
        )
    return parts
