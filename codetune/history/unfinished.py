"""Find out whether the reports in the workspace belong together, from dvc.lock.

A stage that ran writes its entry into dvc.lock. If the run stopped before the stages that read its outputs, their
entries still have the digests of the former outputs, and their reports describe a model that is no longer there.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from codetune.core.errors import UserError
from codetune.core.yaml_text import read_yaml
from codetune.history.listing import WORKSPACE
from codetune.history.repository import Repository
from codetune.history.stages import Lock, load_lock


@dataclass(frozen=True)
class OutdatedStage:
    """A stage that has not run since one of its inputs was written again.

    :param stage: the stage, whose reports are older than its input.
    :param path: the input.
    :param maker: the stage that wrote the input again.
    """

    stage: str
    path: str
    maker: str


def outdated_stages(lock: Lock, frozen: Container[str] = ()) -> list[OutdatedStage]:
    """List the stages whose recorded inputs are not the recorded outputs of the stages before them.

    :param lock: the stages of dvc.lock, by name.
    :param frozen: stages that `dvc repro` does not run; they may lag behind.
    """
    made = {
        item["path"]: (stage, item["md5"]) for stage, entry in lock.items() for item in entry.get("outs") or []
        if "md5" in item
    }  # fmt: skip
    found = []
    for stage, entry in lock.items():
        if stage in frozen:
            continue
        for item in entry.get("deps") or []:
            maker, digest = made.get(item["path"], ("", ""))
            if maker and item.get("md5") != digest:
                found.append(OutdatedStage(stage, item["path"], maker))
    return found


def outdated_in_workspace(repository: Repository) -> list[OutdatedStage]:
    """List the outdated stages of the workspace; empty if it has no readable dvc.lock."""
    try:
        return outdated_stages(load_lock(repository, WORKSPACE), _frozen(repository))
    except (UserError, AttributeError, KeyError, TypeError):
        return []


def _frozen(repository: Repository) -> set[str]:
    """Return the stages that dvc.yaml freezes; empty if it cannot be read."""
    try:
        stages = read_yaml((repository.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    except (OSError, UnicodeDecodeError, UserError, KeyError, TypeError):
        return set()
    return {name for name, entry in stages.items() if isinstance(entry, dict) and entry.get("frozen")}
