"""`codetune verify` names what is damaged, and its exit status says so."""

import pytest
from click.testing import CliRunner

from codetune.cli.verify import verify
from tests.history.dvc_project import flip, make_dvc_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_dvc_project(tmp_path_factory.mktemp("dvc") / "project")


def told(*words):
    done = CliRunner().invoke(verify, words)
    return done.exit_code, done.output


def test_damage_is_named_and_gives_a_status(project, monkeypatch):
    monkeypatch.chdir(project)
    assert told() == (0, "3 outputs checked, 0 damaged.\n")
    assert told("--cache") == (0, "3 objects of the DVC cache checked, 0 damaged.\n")
    flip(next((project / ".dvc/cache/files/md5").glob("??/*.dir")))
    assert told()[0] == 0
    for option in ("--cache", "--all"):
        status, output = told(option)
        assert status == 1
        assert "is damaged; it belongs to folder of stage first. Remove it, then run " in output
        assert ", 1 damaged" in output
