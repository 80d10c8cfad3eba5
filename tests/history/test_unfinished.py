from __future__ import annotations

import json
from typing import Any

import pytest

from codetune.history.repository import Repository
from codetune.history.unfinished import OutdatedStage, outdated_in_workspace, outdated_stages
from tests.support.sample_project import Project


def _entry(deps: dict[str, str], outs: dict[str, str]) -> dict[str, Any]:
    return {
        part: [{"path": path, "md5": digest} for path, digest in found.items()]
        for part, found in (("deps", deps), ("outs", outs))
    }


@pytest.mark.parametrize(
    ("read", "found"),
    [
        ({"adapter": "2"}, []),
        ({"adapter": "1"}, [OutdatedStage("generate", "adapter", "train")]),
        ({"code.py": "1"}, []),
    ],
)
def test_a_stage_that_read_a_former_output_is_outdated(read: dict[str, str], found: list[OutdatedStage]) -> None:
    lock = {"train": _entry({}, {"adapter": "2"}), "generate": _entry(read, {"answers": "3"}), "frozen": {"cmd": "x"}}
    assert outdated_stages(lock) == found


def test_a_workspace_that_was_run_to_the_end_has_none(sample: Project) -> None:
    assert outdated_in_workspace(Repository(sample.root)) == []


def test_a_frozen_stage_may_lag_behind(copied_sample: Project) -> None:
    lock = {"train": _entry({}, {"adapter": "2"}), "validity": _entry({"adapter": "1"}, {"reports": "3"})}
    (copied_sample.root / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": lock}))
    outdated = [OutdatedStage("validity", "adapter", "train")]
    for dvc_yaml, found in (
        ("stages: {validity: {cmd: x}}", outdated),
        ("stages: {validity: {cmd: x, frozen: true}}", []),
        ("stages: [", outdated),
    ):
        (copied_sample.root / "dvc.yaml").write_text(dvc_yaml)
        assert outdated_in_workspace(Repository(copied_sample.root)) == found


@pytest.mark.parametrize("content", ["stages: [", "stages: {a: {outs: [1]}}", "stages: {a: {outs: 3}}"])
def test_a_damaged_lock_says_nothing(copied_sample: Project, content: str) -> None:
    (copied_sample.root / "dvc.lock").write_text(content)
    assert outdated_in_workspace(Repository(copied_sample.root)) == []
