from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codetune.core.errors import UserError
from codetune.history.listing import list_revisions
from codetune.history.repository import Repository
from tests.support.sample_project import Project, git


@pytest.mark.parametrize("name", ["main", "v0.1", "refs/heads/rank-4", "HEAD", "HEAD~1", "HEAD^"])
def test_names_resolve_as_git_says(sample: Project, name: str) -> None:
    assert Repository(sample.root).resolve(name) == git(sample.root, "rev-parse", f"{name}^{{commit}}")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "no-such-branch",
        "--upload-pack=touch hacked",
        "-h",
        "main..rank-4",
        "main --output=hacked",
        "main;touch hacked",
        "$(touch hacked)",
        "@{upstream}",
        "main@{0}",
        ":/Raise",  # git would search all messages
        "HEAD^{/Raise}",
        "main:params.yaml",
        "../../etc/passwd",
        "f" * 201,
        "main\nrank-4",
        "0" * 40,
    ],
)
def test_names_that_are_no_revision_resolve_to_nothing(sample: Project, name: str) -> None:
    assert Repository(sample.root).resolve(name) is None
    assert not list(sample.root.glob("hacked*"))


def test_a_file_is_read_at_a_commit_whatever_lies_on_the_disk(sample: Project) -> None:
    repository = Repository(sample.root)
    blobs = repository.tree(sample.commits["first"], ["params.yaml", "reports"])
    contents = repository.contents(blobs)
    assert b"rank: 4" in contents["params.yaml"]
    assert {blob.path for blob in blobs} == set(contents)
    assert len(contents["reports/scores.jsonl"]) == next(b.size for b in blobs if b.path == "reports/scores.jsonl")


def test_a_project_in_a_subfolder_sees_its_own_paths(tmp_path: Path, sample: Project) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(sample.root, whole / "models" / "codetune", ignore=shutil.ignore_patterns(".git"))
    git(whole, "init", "-q", "-b", "main")
    git(whole, "add", "-A")
    git(whole, "commit", "-q", "-m", "all")
    repository = Repository(whole / "models" / "codetune")
    commit = repository.resolve("HEAD")
    assert commit is not None
    contents = repository.contents(repository.tree(commit, ["params.yaml"]))
    assert b"rank: 8" in contents["params.yaml"]


def test_a_folder_without_git_is_no_repository(tmp_path: Path) -> None:
    assert not Repository(tmp_path).exists()
    with pytest.raises(UserError, match="not a git repository"):
        Repository(tmp_path).lines("log")


def test_reading_leaves_the_repository_as_it_was(copied_sample: Project) -> None:
    index = copied_sample.root / ".git" / "index"
    (copied_sample.root / "params.yaml").touch()  # a stale index, which a careless `git status` would rewrite
    before = index.read_bytes()
    repository = Repository(copied_sample.root)
    repository.lines("status", "--porcelain")
    assert index.read_bytes() == before


def test_only_a_line_feed_ends_a_line_of_git(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    folder = tmp_path / "a\u2028b\x0cc"
    folder.mkdir()
    (folder / "params.yaml").write_text("a: 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one\u2028subject\x85of\x0bone line")
    repository = Repository(folder)
    [_, branch, newest] = list_revisions(repository)
    assert branch.subject == newest.subject == "one\u2028subject\x85of\x0bone line"
    assert newest.commit is not None
    assert list(repository.blobs([newest.commit], ["params.yaml", "none"])) == [(newest.commit, "params.yaml")]
