"""A local base model is the one that the stage `base` recorded."""

import hashlib
import json

import pytest

from codetune.core.errors import UserError
from codetune.history.recorded_base import recorded_files, require_recorded
from codetune.history.stage_inputs import unchanged_inputs

PIPELINE = "stages:\n  train:\n    cmd: x\n    params: [model]\n    deps: []\n"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "train")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "tiny.gguf").write_text("weights")
    (tmp_path / "folder").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "folder" / name).write_text(name)
    return tmp_path


def record(project, name, **texts):
    folder = project / "models/base"
    folder.mkdir(parents=True)
    files = {file.replace("__", "."): sha256(text) for file, text in texts.items()}
    (folder / "provenance.json").write_text(json.dumps({"name": name, "files": files}))


def test_a_file_as_recorded_passes(project):
    record(project, "tiny.gguf", tiny__gguf="weights")
    with unchanged_inputs(project):
        pass


def test_a_changed_file_is_refused(project):
    record(project, "tiny.gguf", tiny__gguf="other weights")
    said = r"tiny\.gguf is not the base model that stage base recorded"
    with pytest.raises(UserError, match=said), unchanged_inputs(project):
        pytest.fail("the stage ran")


def test_a_file_that_changes_meanwhile_is_told(project):
    record(project, "tiny.gguf", tiny__gguf="weights")
    with pytest.raises(UserError, match=r"tiny\.gguf changed while stage train ran"), unchanged_inputs(project):
        (project / "tiny.gguf").write_text("more weights")


def test_a_new_hard_link_to_a_file_is_no_change(project):
    """The stage export puts the base model's GGUF file beside the adapter's."""
    record(project, "tiny.gguf", tiny__gguf="weights")
    with unchanged_inputs(project):
        (project / "link.gguf").hardlink_to(project / "tiny.gguf")


def test_each_file_of_a_folder_is_compared(project):
    record(project, "folder", config__json="config.json", model__safetensors="model.safetensors")
    require_recorded(recorded_files(project))
    (project / "folder/config.json").unlink()
    with pytest.raises(UserError, match=r"config\.json is not .* its sha256 is missing"):
        require_recorded(recorded_files(project))


def test_a_fetched_model_is_compared_where_it_was_written(project):
    record(project, "smollm2", config__json="config")
    (project / "models/base/config.json").write_text("damaged")
    with pytest.raises(UserError, match=r"models/base/config\.json is not the base model"):
        require_recorded(recorded_files(project))


def test_files_of_the_hub_are_elsewhere(project):
    record(project, "owner/model", config__json="config.json")
    assert recorded_files(project) == {}


def test_without_a_record_nothing_is_compared(project):
    assert recorded_files(project) == {}
