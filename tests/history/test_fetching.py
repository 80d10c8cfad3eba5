from __future__ import annotations

from pathlib import Path

import pytest

from codetune.history.fetching import fetch_sentence
from codetune.history.repository import Repository
from tests.conftest import run_python
from tests.support.sample_project import Project, git


def test_the_command_names_the_remote_and_the_experiment(copied_sample: Project) -> None:
    git(copied_sample.root, "remote", "add", "lab", "https://example.org/x.git")
    repository = Repository(copied_sample.root)
    assert fetch_sentence(repository, "late-wren") == (
        "Run `git fetch --all --tags`; if it is an experiment, `dvc exp pull lab late-wren`."
    )
    git(copied_sample.root, "remote", "add", "origin", "https://example.org/y.git")
    assert "`dvc exp pull origin late-wren`" in fetch_sentence(repository, "late-wren")


def test_a_shallow_clone_is_told_to_deepen(sample: Project, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{sample.root}", "shallow")
    assert "--unshallow" in fetch_sentence(Repository(tmp_path / "shallow"), sample.commits["first"])


def test_without_a_remote_there_is_nothing_to_fetch_from(sample: Project, tmp_path: Path) -> None:
    assert "has no remote" in fetch_sentence(Repository(sample.root), "late-wren")
    assert "is not a git repository" in fetch_sentence(Repository(tmp_path), "late-wren")


@pytest.mark.parametrize("text", ["--output=x", "a; rm -rf ~", "$(id)", "`id`", "../x", "a b", "x" * 999])
def test_what_is_no_name_is_in_no_command(copied_sample: Project, text: str) -> None:
    git(copied_sample.root, "remote", "add", "origin", "https://example.org/x.git")
    assert "`" not in fetch_sentence(Repository(copied_sample.root), text)


@pytest.mark.parametrize("command", [("compare",), ("data-diff",)])
def test_a_commit_that_a_shallow_clone_lacks_is_told_with_the_reason(
    sample: Project, tmp_path: Path, command: tuple[str, ...]
) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{sample.root}", "shallow")
    for name in ("HEAD~1", sample.commits["first"]):
        done = run_python("-m", "codetune", *command, name, "workspace", cwd=tmp_path / "shallow", check=False)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith(
            f"error: there is no revision {name!r}. This clone is shallow: it has only the newest commits"
        )
        assert "git fetch --all --tags --unshallow" in line
