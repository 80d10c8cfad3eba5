"""Compute the digests of outputs and of the DVC cache again, to find damage.

DVC does not do this: it trusts a file in its cache that is read-only, and a file in the workspace whose size and time
of change are as before. A disk that returns wrong bytes changes neither. Nor does DVC compare what dvc.lock says of a
frozen stage with anything, so a damaged entry would be committed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.repo import Repo

from codetune.core.errors import UserError, error_text
from codetune.history.dvc_digests import digest, md5_file
from codetune.history.listing import WORKSPACE, Kind, Revision
from codetune.history.repository import Repository
from codetune.history.stages import load_lock

_OBJECT = re.compile(r"[0-9a-f]{30}(\.dir)?")
_RWLOCK = Path(".dvc/tmp/rwlock")


@dataclass(frozen=True)
class Output:
    """An output of a stage as dvc.lock records it.

    :param path: its path in the project.
    :param stage: the stage that makes it; the name of the .dvc file for data that `dvc add` tracks.
    :param digest: its md5, with `.dir` at the end for a folder.
    :param cached: whether DVC keeps it in its cache; git tracks the others, or nothing does.
    :param frozen: whether `dvc repro` skips the stage.
    """

    path: str
    stage: str
    digest: str
    cached: bool
    frozen: bool


@dataclass(frozen=True)
class Damage:
    """A damaged file and what to do about it, each in one sentence."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Verification:
    """What a check found.

    :param checked: number of files or outputs whose digest was computed.
    :param missing: names of those that are not here.
    :param damaged: the damage, in the order of dvc.lock.
    """

    checked: int
    missing: tuple[str, ...]
    damaged: tuple[Damage, ...]


def recorded_outputs(root: Path) -> tuple[list[Output], Path]:
    """Return the outputs that dvc.lock records, and the folder of the DVC cache.

    :raises UserError: if the folder is not a DVC project, or dvc.yaml or dvc.lock cannot be read.
    """
    try:
        with closing(Repo(str(root))) as repo:
            found = [
                Output(
                    str(out.def_path),
                    _stage_name(out.stage),
                    str(out.hash_info.value),
                    bool(out.use_cache),
                    bool(out.stage.frozen),
                )
                for out in repo.index.outs
                if out.hash_info and out.hash_info.name == "md5"
            ]
            return found, Path(repo.cache.local.path)
    except NotDvcRepoError:
        raise UserError(f"{root.resolve()} is not a DVC project", "Start in the folder of the project.") from None
    except DvcException as error:
        raise UserError(f"DVC cannot read the pipeline: {error_text(error)}", "Run `git checkout dvc.lock`.") from None


def _stage_name(stage: Any) -> str:
    """Return the name of a stage, or the path of a .dvc file."""
    return str(getattr(stage, "name", None) or stage.relpath)


def verify_outputs(root: Path) -> Verification:
    """Compare the outputs in the workspace with dvc.lock.

    :raises UserError: see `recorded_outputs`.
    """
    outputs, _ = recorded_outputs(root)
    found = {output: digest(root, Path(output.path)) for output in outputs}
    damaged = [*_damaged_running(root), *_damaged_entries(root, {output.stage for output in outputs if output.frozen})]
    damaged += [
        Damage(
            f"{output.path} is not what stage {output.stage} wrote: its md5 is {found[output]}, and dvc.lock has "
            f"{output.digest}",
            f"Remove {output.path}, then run `dvc repro`.",
        )
        for output in outputs
        if found[output] not in (None, output.digest)
    ]
    missing = tuple(output.path for output in outputs if found[output] is None)
    return Verification(len(outputs) - len(missing), missing, tuple(damaged))


def verify_cache(root: Path, *, everything: bool) -> Verification:
    """Compute the digest of objects in the DVC cache again.

    :param everything: check all objects of the cache, not only those that dvc.lock names.
    :raises UserError: see `recorded_outputs`.
    """
    outputs, cache = recorded_outputs(root)
    named: dict[str, Output | None] = {}
    for output in outputs:
        if output.cached:
            named.setdefault(output.digest, output)
            for name in _listed(_object_path(cache, output.digest)) if output.digest.endswith(".dir") else ():
                named.setdefault(name, output)
    if everything:
        named = {name: named.get(name) for name in sorted({*named, *_all_objects(cache)})}
    missing, damaged, checked = [], [], 0
    for name, maker in named.items():
        path = _object_path(cache, name)
        if not path.is_file():
            missing.append(f"{name} ({maker.path})" if maker else name)
            continue
        checked += 1
        if md5_file(path) != name.removesuffix(".dir"):
            damaged.append(_damaged_object(path, maker))
    return Verification(checked, tuple(missing), tuple(damaged))


def _object_path(cache: Path, name: str) -> Path:
    return cache / name[:2] / name[2:]


def _all_objects(cache: Path) -> Iterator[str]:
    for path in cache.glob("??/*"):
        if _OBJECT.fullmatch(path.name):  # DVC's temporary files have other names
            yield path.parent.name + path.name


def _listed(listing: Path) -> Iterator[str]:
    """Yield the digests of the files in a folder's list; nothing if the list is missing or damaged."""
    try:
        yield from [str(item["md5"]) for item in json.loads(listing.read_bytes())]
    except (OSError, ValueError, KeyError, TypeError):
        return


def _damaged_object(path: Path, maker: Output | None) -> Damage:
    if maker is None:
        return Damage(f"{path} is damaged", "Remove it; `dvc fetch --all-commits` gets it again if a remote has it.")
    return Damage(
        f"{path} is damaged; it belongs to {maker.path} of stage {maker.stage}",
        f"Remove it, then run `dvc fetch {maker.path}` if a remote has it, or "
        f"`dvc repro --force --single-item {maker.stage}`.",
    )


def _damaged_running(root: Path) -> Iterator[Damage]:
    """Yield the damage of DVC's list of running commands, which a power cut can leave empty."""
    try:
        json.loads((root / _RWLOCK).read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        yield Damage(f"{_RWLOCK} is damaged", f"If no `dvc` command is running, remove {_RWLOCK}.")


def _damaged_entries(root: Path, frozen: AbstractSet[str]) -> Iterator[Damage]:
    """Yield the frozen stages whose entry in dvc.lock is neither that of HEAD nor what a run of today records."""
    repository = Repository(root)
    head = repository.resolve("HEAD")
    if head is None:
        return
    committed, found = (
        load_lock(repository, revision) for revision in (Revision(Kind.COMMIT, "HEAD", head), WORKSPACE)
    )
    for stage in sorted(frozen & committed.keys() & found.keys()):
        if found[stage] != committed[stage] and not _renewed(root, committed[stage], found[stage]):
            yield Damage(
                f"what dvc.lock has for the frozen stage {stage} is neither what HEAD has nor what a run records now",
                "If you ran the stage and changed files since, commit dvc.lock; else run `git checkout dvc.lock`.",
            )


def _renewed(root: Path, committed: dict[str, Any], found: dict[str, Any]) -> bool:
    """Return whether what differs between two entries of a stage are digests, and those of the files here."""
    before, after = (
        {item["path"]: item for kind in ("deps", "outs") for item in entry.get(kind, ())}
        for entry in (committed, found)
    )
    differing = [path for path, item in after.items() if item != before.get(path)]
    same = [path for path in differing if path in before and after[path].get("md5") == before[path].get("md5")]
    return (
        bool(differing) and not same and all(after[path].get("md5") == digest(root, Path(path)) for path in differing)
    )
