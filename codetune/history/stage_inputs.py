"""Check the inputs of a stage before and after it runs, because DVC records their digests only when it has run.

Before: dvc.lock is copied, because DVC can damage it (`codetune.history.lock_copy`). An input that another stage made
must have the digest in dvc.lock, and a local base model the digests that the stage `base` recorded. DVC itself trusts a
file whose size and time of change are as before, so it does not notice a damaged disk. After: no input may have changed
while the stage ran, or dvc.lock would record content that the stage did not read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.config import PARAMS_FILE
from codetune.core.errors import UserError
from codetune.core.files import digest_file
from codetune.core.yaml_text import read_yaml
from codetune.history.dvc_digests import files_below, folder_digest, md5_file
from codetune.history.lock_copy import LOCK, keep_lock
from codetune.history.recorded_base import recorded_files, require_recorded

PIPELINE = Path("dvc.yaml")
_NAMED = 3  # files that a message names
_ABSENT = object()


@dataclass(frozen=True)
class _Stage:
    """What dvc.yaml says about a stage: its dependencies, and the keys of params.yaml that it uses."""

    name: str
    deps: tuple[Path, ...]
    params: tuple[str, ...]


@dataclass(frozen=True)
class _File:
    md5: str
    state: tuple[int, ...]


@contextmanager
def unchanged_inputs(root: Path = Path()) -> Iterator[None]:
    """Check the inputs of the stage that DVC runs in this process; without DVC, do nothing.

    :param root: the folder of dvc.yaml.
    :raises UserError: on entry, if an input is not what the stage that makes it wrote; on exit, if an input changed
        while the block ran.
    """
    stage = _stage(root, os.environ.get("DVC_STAGE", "").rpartition(":")[2])
    if stage is None:
        yield
        return
    keep_lock(root)
    files, params = _files(root, stage), _params(root, stage)
    _require_locked(root, stage, files)
    # A stage that runs the tuned model depends on the adapter alone, but it reads the base model, too.
    base = recorded_files(root) if "model" in stage.params and stage.name != "base" else {}
    require_recorded(base)
    states = {path: _state(path) for path in base}
    yield
    changed = [str(path) for path in _changed(root, stage, files)]
    changed += [
        str(path) for path, digest in base.items()
        if not path.exists() or (_state(path) != states[path] and digest_file(path) != digest)
    ]  # fmt: skip
    changed += [f"{PARAMS_FILE} ({key})" for key, value in _params(root, stage).items() if value != params[key]]
    if changed:
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        raise UserError(
            f"{', '.join(changed[:_NAMED])}{more} changed while stage {stage.name} ran, so its outputs may be made "
            "from the old or the new content",
            "Run `dvc repro` again; it runs the stage anew.",
        )


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file; empty if it does not exist. DVC itself reports one that is damaged."""
    try:
        return read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, UserError):
        return {}


def _stage(root: Path, address: str) -> _Stage | None:
    """Return a stage of dvc.yaml; None if there is no such stage.

    :param address: the name as DVC writes it, such as `train` or `generate@base`.
    """
    name, _, key = address.partition("@")
    entry = (_read(root / PIPELINE).get("stages") or {}).get(name)
    if not isinstance(entry, dict):
        return None
    item = ""
    if "do" in entry:
        each = entry.get("foreach")
        item = str(each.get(key, "")) if isinstance(each, dict) else key
        entry = entry["do"]
    texts = [str(dep).replace("${item}", item).replace("${key}", key) for dep in entry.get("deps") or ()]
    params = tuple(text for text in entry.get("params") or () if isinstance(text, str))
    return _Stage(address, tuple(map(Path, texts)), params)


def _state(path: Path) -> tuple[int, ...]:
    """Return numbers that differ after a file was written or replaced. A new hard link to it changes them, too."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _files(root: Path, stage: _Stage) -> dict[Path, _File]:
    """Return digest and state of each file that the stage depends on, by its path in the project."""
    found = {}
    for dep in stage.deps:
        for file in files_below(root, dep):
            state = _state(root / file)  # first, so that a change during the digest is seen
            found[file] = _File(md5_file(root / file), state)
    return found


def _changed(root: Path, stage: _Stage, before: dict[Path, _File]) -> Iterator[Path]:
    """Yield the files whose content has changed, that are new, or that are gone."""
    now = {file for dep in stage.deps for file in files_below(root, dep)}
    yield from sorted(now ^ before.keys())
    for path in sorted(now & before.keys()):
        if _state(root / path) != before[path].state and md5_file(root / path) != before[path].md5:
            yield path


def _params(root: Path, stage: _Stage) -> dict[str, Any]:
    """Return the values of params.yaml that the stage uses."""
    content = _read(root / PARAMS_FILE)
    values: dict[str, Any] = {}
    for key in stage.params:
        value: Any = content
        for part in key.split("."):
            value = value.get(part, _ABSENT) if isinstance(value, dict) else _ABSENT
        values[key] = value
    return values


def _require_locked(root: Path, stage: _Stage, files: dict[Path, _File]) -> None:
    """Compare the inputs that other stages make with dvc.lock.

    :raises UserError: if one differs.
    """
    for maker, entry in (_read(root / LOCK).get("stages") or {}).items():
        for out in entry.get("outs") or ():
            dep = Path(out["path"])
            below = {path: file.md5 for path, file in files.items() if path == dep or dep in path.parents}
            if dep not in stage.deps or not below or out.get("hash") != "md5":
                continue
            names = {path.relative_to(dep).as_posix(): md5 for path, md5 in below.items()}
            found = below[dep] if dep in below else folder_digest(names)
            if found != out.get("md5"):
                raise UserError(
                    f"{dep} is not what stage {maker} wrote: its md5 is {found}, and dvc.lock has {out.get('md5')}",
                    f"If you did not change it, the disk or the DVC cache may be damaged: remove {dep}, run "
                    "`codetune verify --cache`, then `dvc repro`.",
                )
