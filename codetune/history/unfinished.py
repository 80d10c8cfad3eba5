"""Find out whether the reports in the workspace belong together, from dvc.lock.

A stage that ran writes its entry into dvc.lock. If the run stopped before the stages that read its outputs, their
entries still have the digests of the former outputs, and their reports describe a model that is no longer there.
"""

from __future__ import annotations

from dataclasses import dataclass

from codetune.core.errors import UserError
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


def outdated_stages(lock: Lock) -> list[OutdatedStage]:
    """List the stages whose recorded inputs are not the recorded outputs of the stages before them.

    :param lock: the stages of dvc.lock, by name.
    """
    made = {
        item["path"]: (stage, item["md5"]) for stage, entry in lock.items() for item in entry.get("outs") or []
        if "md5" in item
    }  # fmt: skip
    found = []
    for stage, entry in lock.items():
        for item in entry.get("deps") or []:
            maker, digest = made.get(item["path"], ("", ""))
            if maker and item.get("md5") != digest:
                found.append(OutdatedStage(stage, item["path"], maker))
    return found


def outdated_in_workspace(repository: Repository) -> list[OutdatedStage]:
    """List the outdated stages of the workspace; empty if it has no readable dvc.lock."""
    try:
        return outdated_stages(load_lock(repository, WORKSPACE))
    except (UserError, AttributeError, KeyError, TypeError):
        return []
