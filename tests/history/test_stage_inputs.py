"""Inputs of a stage that are damaged, or that change while it runs."""

import shutil

import pytest

from codetune.core.errors import UserError
from codetune.history.stage_inputs import unchanged_inputs
from tests.history.dvc_project import copied, flip, make_dvc_project


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_dvc_project(tmp_path_factory.mktemp("dvc") / "project")


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "second@key")
    return copied(made, tmp_path)


def test_unchanged_inputs_pass(project):
    with unchanged_inputs(project):
        (project / "source").write_text("no input of this stage\n")


@pytest.mark.parametrize("path", ["text", "folder/one", "folder/two"])
def test_a_damaged_input_is_refused_before_the_stage_runs(project, path):
    flip(project / path)
    with (
        pytest.raises(UserError, match=f"{path.split('/')[0]} is not what stage first wrote"),
        unchanged_inputs(project),
    ):
        pytest.fail("the stage ran")


@pytest.mark.parametrize("path", ["text", "folder/one", "folder/new"])
def test_an_input_that_changes_meanwhile_is_told(project, path):
    with pytest.raises(UserError, match=rf"{path} changed while stage second@key ran"), unchanged_inputs(project):
        (project / path).write_text("other text\n")


def test_an_input_that_goes_meanwhile_is_told(project):
    with pytest.raises(UserError, match="folder/one, folder/two changed"), unchanged_inputs(project):
        shutil.rmtree(project / "folder")


def test_an_input_that_is_written_again_with_the_same_content_is_no_change(project):
    with unchanged_inputs(project):
        (project / "text").write_text("some text\n")


@pytest.mark.parametrize("folder", ["outside", "../outside"])
def test_an_input_outside_the_project_may_not_change_meanwhile(project, tmp_path, folder):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "one").write_text("some text\n")
    named = outside if folder == "outside" else folder
    (project / "dvc.yaml").write_text(f"stages:\n  second:\n    cmd: x\n    deps: [{named}]\n")
    with unchanged_inputs(project):
        pass
    with pytest.raises(UserError, match="outside/one changed while"), unchanged_inputs(project):
        (outside / "one").write_text("other text\n")


def test_a_parameter_of_the_stage_may_not_change_meanwhile(project, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "first")
    with unchanged_inputs(project):
        (project / "params.yaml").write_text("number: {one: 1, two: 3}\n")
    with pytest.raises(UserError, match=r"params\.yaml \(number\.one\) changed"), unchanged_inputs(project):
        (project / "params.yaml").write_text("number: {one: 2, two: 3}\n")


@pytest.mark.parametrize("stage", [None, "", "unknown"])
def test_nothing_is_checked_without_dvc(project, monkeypatch, stage):
    monkeypatch.delenv("DVC_STAGE")
    if stage is not None:
        monkeypatch.setenv("DVC_STAGE", stage)
    flip(project / "text")
    with unchanged_inputs(project):
        flip(project / "folder/one")


def test_an_error_of_the_stage_passes(project):
    with pytest.raises(ZeroDivisionError), unchanged_inputs(project):
        (project / "text").write_text("other text\n")
        _ = 1 / 0
