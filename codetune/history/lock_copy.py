"""Keep a copy of dvc.lock, and restore entries that a killed `dvc` lost.

DVC writes dvc.lock in place, for about a second after each stage. If it is killed meanwhile, the end of the file is
missing: the file is not YAML, or it lacks the entries of stages, also of frozen ones, which no run writes again.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from codetune.core.files import write_text
from codetune.core.yaml_text import read_as_strings

LOCK, COPY = Path("dvc.lock"), Path(".cache/dvc.lock")
_ENTRY = re.compile(r"^  (?=[^\s#])", re.MULTILINE)


def keep_lock(root: Path) -> None:
    """Copy dvc.lock, after lost entries were restored."""
    restore_lock(root)
    text = _read(root / LOCK)
    if text and text != _read(root / COPY):
        write_text(root / COPY, text)


def restore_lock(root: Path) -> bool:
    """Restore the end of dvc.lock from the copy, if it is missing. Entries that are complete stay as they are.

    :returns: whether the file was incomplete; without a copy, it is left as it is.
    """
    text, copy = _read(root / LOCK), _read(root / COPY)
    if text is None or copy is None:
        return False
    (_, *found), (head, *complete) = _ENTRY.split(text), _ENTRY.split(copy)
    names, known = [_name(entry) for entry in found], [_name(entry) for entry in complete]
    cut_between_entries = len(names) < len(known) and names == known[: len(names)]
    if _is_whole(text) and not cut_between_entries:
        return False
    right = dict(zip(known, complete, strict=True)) | dict(zip(names[:-1], found[:-1], strict=True))
    write_text(root / LOCK, head + "".join(f"  {entry}" for entry in right.values()))
    return True


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _name(entry: str) -> str:
    return entry.partition(":")[0]


def _is_whole(text: str) -> bool:
    """Return whether a text can be all of dvc.lock: YAML that ends with a line."""
    try:
        return bool(read_as_strings(text)) and text.endswith("\n")
    except yaml.YAMLError:
        return False
