from __future__ import annotations

from pathlib import Path

import pytest

from codetune.history.listing import WORKSPACE, Kind, default_pair, find_revision, list_revisions
from codetune.history.repository import Repository
from tests.support.sample_project import Project, build_single, commit, git, write_reports


def test_everything_is_listed_in_order(sample: Project) -> None:
    commits = sample.commits
    listed = [(r.kind.value, r.name, r.commit) for r in list_revisions(Repository(sample.root))]
    assert (
        listed
        == [
            ("workspace", "workspace", None),
            ("branch", "main", commits["readme"]),
            ("branch", "rank-4", commits["first"]),
            ("tag", "v0.1", commits["first"]),  # annotated: the commit, not the tag object
            ("experiment", "hasty-lark", commits["hasty-lark"]),
            ("experiment", "other-scale", commits["other-scale"]),
            *(("commit", commits[name][:7], commits[name]) for name in ("readme", "second", "first", "empty")),
        ]
    )


def test_an_experiment_knows_its_parent_and_is_searchable(sample: Project) -> None:
    revisions = list_revisions(Repository(sample.root))
    lark = next(r for r in revisions if r.name == "hasty-lark")
    parent = sample.commits["readme"]
    assert lark.parent == parent
    for words in ("experiment", "hasty-lark", lark.commit[:7], f"from {parent[:7]}", "Ada", "2026-01-10"):
        assert words in lark.label


def test_the_bookkeeping_of_dvc_is_no_experiment(copied_sample: Project) -> None:
    head = copied_sample.commits["readme"]
    for name in ("refs/exps/stash", "refs/exps/exec/EXEC_HEAD", "refs/exps/celery/stash", "refs/exps/apply/ORIG_HEAD"):
        git(copied_sample.root, "update-ref", name, head)
    names = [r.name for r in list_revisions(Repository(copied_sample.root)) if r.kind is Kind.EXPERIMENT]
    assert names == ["hasty-lark", "other-scale"]


def test_labels_are_unique(sample: Project) -> None:
    labels = [r.label for r in list_revisions(Repository(sample.root))]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("text", "name"),
    [("workspace", "workspace"), ("main", "main"), ("hasty-lark", "hasty-lark"), ("v0.1", "v0.1"), ("HEAD~1", None)],
)
def test_a_link_finds_its_revision(sample: Project, text: str, name: str | None) -> None:
    repository = Repository(sample.root)
    found = find_revision(repository, list_revisions(repository), text)
    assert found is not None
    assert found.name == (name or sample.commits["second"][:7])


def test_a_commit_that_is_not_listed_is_found_all_the_same(sample: Project) -> None:
    repository = Repository(sample.root)
    found = find_revision(repository, [WORKSPACE], sample.commits["first"])
    assert found is not None
    assert (found.commit, found.subject) == (sample.commits["first"], "Run the pipeline at rank 4")


def test_no_git_leaves_the_workspace(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    assert list_revisions(repository) == [WORKSPACE]
    assert find_revision(repository, [WORKSPACE], "main") is None
    assert default_pair(repository, [WORKSPACE]) == (WORKSPACE, WORKSPACE)


def test_git_without_a_commit_leaves_the_workspace(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    repository = Repository(tmp_path)
    assert list_revisions(repository) == [WORKSPACE]
    assert default_pair(repository, [WORKSPACE]) == (WORKSPACE, WORKSPACE)


class TestDefaultPair:
    def pair(self, root: Path) -> tuple[str | None, str | None]:
        repository = Repository(root)
        baseline, candidate = default_pair(repository, list_revisions(repository))
        return baseline.commit, candidate.commit

    def test_a_clean_workspace_takes_head_and_what_preceded_the_last_change(self, sample: Project) -> None:
        # The newest commit only adds a README: comparing with its parent would show nothing.
        assert self.pair(sample.root) == (sample.commits["first"], sample.commits["readme"])

    def test_a_changed_workspace_is_compared_with_head(self, copied_sample: Project) -> None:
        write_reports(copied_sample.root, tuned=0.7)
        assert self.pair(copied_sample.root) == (copied_sample.commits["readme"], None)

    def test_an_untracked_report_is_a_change(self, copied_sample: Project) -> None:
        (copied_sample.root / "reports" / "new.json").write_text("{}")
        assert self.pair(copied_sample.root)[1] is None

    def test_a_change_elsewhere_is_none(self, copied_sample: Project) -> None:
        (copied_sample.root / "README.md").write_text("# Changed\n")
        assert self.pair(copied_sample.root)[1] == copied_sample.commits["readme"]

    def test_the_first_reports_are_compared_with_the_commit_before(self, tmp_path: Path) -> None:
        project = build_single(tmp_path / "single")
        assert self.pair(project.root) == (project.commits["empty"], project.commits["first"])

    def test_a_single_commit_is_compared_with_itself(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "-q")
        write_reports(tmp_path)
        only = commit(tmp_path, "all at once", 0)
        assert self.pair(tmp_path) == (only, only)
