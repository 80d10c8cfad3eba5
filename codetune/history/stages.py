"""Find the stages of the pipeline that re-ran between two revisions, and why, by comparing their dvc.lock files.

dvc.lock records the last run of each stage: its command, its parameters, the digests of the code and data that it
read, and the digests of its outputs. If the entry of a stage differs, the stage ran again between the revisions, or
somebody committed the entry without a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from codetune.core.errors import UserError
from codetune.core.yaml_text import read_as_strings
from codetune.evaluation.metrics.catalogue import flatten
from codetune.history.listing import Revision
from codetune.history.parameters import ABSENT, differing_keys
from codetune.history.repository import Repository

LOCK_FILE = "dvc.lock"
_CODE = ("codetune/", "stages/")

CauseKind = Literal["command", "parameter", "code", "data"]
Lock = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Cause:
    """One input of a stage that differs.

    :param name: the parameter, or the path of the code or data; empty for the command.
    :param baseline: the value in the baseline, or a dash if it has none; empty for code and data.
    :param candidate: the value in the candidate, in the same form.
    :param maker: for data, the stage that wrote it; else empty.
    """

    kind: CauseKind
    name: str
    baseline: str = ""
    candidate: str = ""
    maker: str = ""


@dataclass(frozen=True)
class StageDifference:
    """One stage whose entry in dvc.lock differs.

    :param state: `re-ran`; `came` if only the candidate has the stage; `went` if only the baseline has it.
    :param causes: the inputs that differ; empty if all are equal, or if only one revision has the stage.
    :param outputs: paths of the outputs that differ.
    """

    stage: str
    state: Literal["re-ran", "came", "went"]
    causes: tuple[Cause, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class StageChanges:
    """The stages that differ between two revisions.

    :param missing: a sentence on why they are not known and what to do; empty if both dvc.lock files could be read.
    """

    differences: tuple[StageDifference, ...] = ()
    missing: str = ""


def load_lock(repository: Repository, revision: Revision) -> Lock:
    """Read the stages in the dvc.lock of a revision, by name; empty if it has none.

    :raises UserError: when dvc.lock cannot be read.
    """
    try:
        content = read_as_strings(_lock_text(repository, revision)) or {}
        stages = content.get("stages") or {}
        return {str(name): dict(entry) for name, entry in stages.items()}
    except (yaml.YAMLError, AttributeError, TypeError, ValueError):
        remedy = "Choose another revision." if revision.commit else f"Restore it with `git checkout {LOCK_FILE}`."
        raise UserError(f"{LOCK_FILE} of {revision.title} cannot be read", remedy) from None


def _lock_text(repository: Repository, revision: Revision) -> bytes:
    if revision.commit is not None:
        return repository.contents(repository.tree(revision.commit, [LOCK_FILE])).get(LOCK_FILE, b"")
    path = repository.root / LOCK_FILE
    return path.read_bytes() if path.is_file() else b""


def stage_changes(repository: Repository, baseline: Revision, candidate: Revision) -> StageChanges:
    """Find the stages that re-ran between two revisions, and why.

    If a dvc.lock is missing or damaged, `missing` of the result says so.
    """
    try:
        locks = {revision: load_lock(repository, revision) for revision in (baseline, candidate)}
        without = [revision.title for revision, lock in locks.items() if not lock]
        if without:
            have = "has" if len(without) == 1 else "have"
            said = f"{' and '.join(without)} {have} no {LOCK_FILE}, so it is not known which stages re-ran. "
            return StageChanges(missing=f"{said}Commit {LOCK_FILE} after `dvc repro`.")
        return StageChanges(tuple(stage_differences(locks[baseline], locks[candidate])))
    except UserError as error:
        return StageChanges(missing=str(error))


def stage_differences(baseline: Lock, candidate: Lock) -> Iterator[StageDifference]:
    """Yield the stages whose entries differ: in the order of the candidate's file, then those only in the baseline.

    :raises UserError: when an entry does not have the form that DVC writes.
    """
    try:
        makers = {path: stage for stage, entry in candidate.items() for path in _digests(entry, "outs")}
        for stage in [*candidate, *(stage for stage in baseline if stage not in candidate)]:
            old, new = baseline.get(stage), candidate.get(stage)
            if old is None or new is None:
                yield StageDifference(stage, "went" if new is None else "came")
            elif old != new:
                outputs = tuple(differing_keys(_digests(old, "outs"), _digests(new, "outs")))
                causes = tuple(_causes(old, new, makers))
                if causes or outputs:
                    yield StageDifference(stage, "re-ran", causes, outputs)
    except (AttributeError, KeyError, TypeError):
        raise UserError(
            f"{LOCK_FILE} does not have the form that DVC writes", "Run `dvc repro`, which writes it again."
        ) from None


def _causes(old: dict[str, Any], new: dict[str, Any], makers: dict[str, str]) -> Iterator[Cause]:
    if old.get("cmd") != new.get("cmd"):
        yield Cause("command", "", str(old.get("cmd", ABSENT)), str(new.get("cmd", ABSENT)))
    before, after = _parameters(old), _parameters(new)
    for name in differing_keys(before, after):
        yield Cause("parameter", name, before.get(name, ABSENT), after.get(name, ABSENT))
    for path in differing_keys(_digests(old, "deps"), _digests(new, "deps")):
        maker = next((stage for output, stage in makers.items() if f"{path}/".startswith(f"{output}/")), "")
        code = not maker and (path.startswith(_CODE) or path.endswith(".py"))
        yield Cause("code" if code else "data", path, maker=maker)


def _parameters(entry: dict[str, Any]) -> dict[str, str]:
    """The parameters of a stage by flat key; keys from a file other than params.yaml begin with its name."""
    found: dict[str, str] = {}
    for file, values in (entry.get("params") or {}).items():
        prefix = "" if file == "params.yaml" else f"{file}:"
        found |= {key: str(value) for key, value in flatten(values, prefix).items()}
    return found


def _digests(entry: dict[str, Any], part: Literal["deps", "outs"]) -> dict[str, str]:
    """The digest of each dependency or output, by path."""
    return {item["path"]: str(item.get("md5") or item.get("etag") or "") for item in entry.get(part) or []}
