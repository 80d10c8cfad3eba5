from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codetune.compare.reasons import MAX_NAMED, outputs_text, stage_reasons
from codetune.core.errors import UserError
from codetune.history.listing import WORKSPACE, Kind, Revision
from codetune.history.repository import Repository
from codetune.history.stages import Cause, StageDifference, load_lock, stage_changes, stage_differences
from tests.support.sample_project import Project


def _entry(command: str = "python -m stages train", params: Any = None, outs: Any = None, **deps: str) -> Any:
    return {
        "cmd": command,
        "deps": [{"path": path.replace("__", "/"), "md5": digest} for path, digest in deps.items()],
        "params": {"params.yaml": params or {}},
        "outs": [{"path": path, "md5": digest} for path, digest in (outs or {}).items()],
    }


CLEAN = _entry("clean", outs={"data/clean": "1.dir"}, stages__clean="c")
TRAIN = _entry(params={"train": {"lora": {"rank": "4"}}}, outs={"models/adapter": "a"}, codetune__training="t")


@pytest.mark.parametrize(
    ("old", "new", "causes"),
    [
        (
            TRAIN,
            TRAIN | {"params": {"params.yaml": {"train": {"lora": {"rank": "8"}}}}},
            [Cause("parameter", "train.lora.rank", "4", "8")],
        ),
        (
            TRAIN,
            TRAIN | {"params": {"params.yaml": {}, "more.yaml": {"x": "1"}}},
            [Cause("parameter", "more.yaml:x", "—", "1"), Cause("parameter", "train.lora.rank", "4", "—")],
        ),
        (TRAIN, _entry(params=TRAIN["params"]["params.yaml"], codetune__training="u"), [Cause("code", "codetune/training")]),
        (_entry(my_script="1"), _entry(my_script="2"), [Cause("data", "my_script")]),
        (_entry(data__clean__train="1"), _entry(data__clean__train="2"), [Cause("data", "data/clean/train", maker="clean")]),
        (_entry("a"), _entry("b"), [Cause("command", "", "a", "b")]),
    ],
)  # fmt: skip
def test_what_differs_is_why_a_stage_re_ran(old: Any, new: Any, causes: list[Cause]) -> None:
    [found] = stage_differences({"clean": CLEAN, "train": old}, {"clean": CLEAN, "train": new})
    assert (found.stage, found.state) == ("train", "re-ran")
    assert list(found.causes) == causes


def test_only_outputs_that_came_out_different_are_named() -> None:
    old = _entry(outs={"models/adapter": "a", "reports/training": "r"}, codetune__training="t")
    new = _entry(outs={"models/adapter": "b", "reports/training": "r"}, codetune__training="u")
    assert next(stage_differences({"train": old}, {"train": new})).outputs == ("models/adapter",)
    assert list(stage_differences({"train": old}, {"train": old})) == []


def test_stages_that_came_and_went() -> None:
    found = list(stage_differences({"old": TRAIN}, {"new": TRAIN}))
    assert [(item.stage, item.state) for item in found] == [("new", "came"), ("old", "went")]
    assert [stage_reasons(item)[0].partition(":")[0] for item in found] == ["new", "gone"]


def test_reasons_name_some_and_count_the_rest() -> None:
    causes = tuple(Cause("code", f"codetune/part{place}") for place in range(MAX_NAMED + 2))
    found = StageDifference("train", "re-ran", (*causes, Cause("data", "data/x", maker="clean")))
    code, data = stage_reasons(found)
    assert code.startswith("code: codetune/part0, ")
    assert code.endswith(" and 2 more")
    assert data == "data: data/x (from clean)"
    assert outputs_text(found) == "all the same"
    assert stage_reasons(StageDifference("train", "re-ran"))[0].startswith("run again with the same")


@pytest.mark.parametrize("text", ["stages: [", "stages: {train: 1}", "- a", "stages: {train: {deps: [{md5: 1}]}}"])
def test_a_damaged_lock_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(UserError, match=r"dvc\.lock"):
        list(stage_differences({"train": TRAIN}, load_lock(Repository(tmp_path), WORKSPACE)))


def test_why_the_sample_re_ran(sample: Project) -> None:
    repository = Repository(sample.root)
    first, second, empty = (Revision(Kind.COMMIT, n, sample.commits[n]) for n in ("first", "second", "empty"))
    found = stage_changes(repository, first, second)
    assert [(item.stage, stage_reasons(item)) for item in found.differences] == [
        ("train", ["parameter: train.lora.rank 4 → 8"]),
        ("generate@tuned", ["data: models/adapter (from train)"]),
        ("score", ["data: reports/samples/tuned.jsonl (from generate@tuned)"]),
    ]
    assert stage_changes(repository, second, second).differences == ()
    assert "empty has no dvc.lock" in stage_changes(repository, empty, second).missing


def test_the_workspace_is_read_from_the_disk(copied_sample: Project) -> None:
    repository = Repository(copied_sample.root)
    head = Revision(Kind.COMMIT, "readme", copied_sample.commits["readme"])
    lock = copied_sample.root / "dvc.lock"
    lock.write_text(lock.read_text().replace("rank: 8", "rank: 32"))
    [found] = stage_changes(repository, head, WORKSPACE).differences
    assert stage_reasons(found) == ["parameter: train.lora.rank 8 → 32"]
    lock.write_text("stages: [")
    assert "dvc.lock of workspace cannot be read" in stage_changes(repository, head, WORKSPACE).missing
