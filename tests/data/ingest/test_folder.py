"""Folders and git repositories: what is read, what is counted, and how one project is cut into groups."""

import os
import socket
from collections import Counter
from pathlib import Path

import pytest

from codetune.core.errors import UserError
from codetune.data.ingest.folder import FolderReader, GitReader, groups_of, list_folder, list_revision, resolve_revision
from codetune.data.ingest.harvest import Member
from tests.support.sample_project import commit, git


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)


def test_listing_counts_what_it_passes_over(tmp_path):
    root = tmp_path / "tree"
    write(root, {"b.py": "1", "a/x.py": "22", "notes.txt": "", ".git/hook.py": "", "env/pyvenv.cfg": "", "env/y.py": "",
                 "a/__pycache__/z.txt": "", "lib/site-packages/w.py": ""})  # fmt: skip
    (root / "a/loop").symlink_to(root)
    (root / "link.py").symlink_to(root / "b.py")
    (root / "broken.py").symlink_to(root / "nowhere.py")
    os.mkfifo(root / "pipe.py")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.py")).write_text("")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(root / "door.py"))
    skipped: Counter[str] = Counter()
    assert list_folder(root, skipped) == [("a/x.py", 2), ("b.py", 1)]
    assert skipped == {"linked_folder": 1, "link": 2, "not_a_file": 2, "undecodable_name": 1, "hidden_folder": 1,
                       "installed_packages": 2}  # fmt: skip


def test_unreadable_folder_is_counted(tmp_path, monkeypatch):
    write(tmp_path, {"a/x.py": "", "b/y.py": ""})
    scan = os.scandir

    def refuse(path):
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    skipped: Counter[str] = Counter()
    assert list_folder(tmp_path, skipped) == [("b/y.py", 0)]
    assert skipped == {"unreadable_folder": 1}


def test_files_that_cannot_be_read_are_counted(tmp_path):
    write(tmp_path, {"a.py": "x", "big.py": "#" * 50, "bad.py": b"\xff"})
    (tmp_path / "swapped.py").symlink_to(tmp_path / "a.py")
    members = [Member(name, 0, "") for name in ("a.py", "gone.py", "big.py", "bad.py", "swapped.py")]
    skipped: Counter[str] = Counter()
    assert [source.path for source in FolderReader(tmp_path).read(members, 20, skipped)] == ["a.py"]
    assert skipped == {"unreadable": 2, "too_large": 1, "undecodable": 1}


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    write(root, {"pkg/a.py": "first = 1\n", "pkg/big.py": "#" * 50, "other/b.py": "", "text.txt": ""})
    (root / "pkg/link.py").symlink_to("a.py")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    git(root, "tag", "v1")
    write(root, {"pkg/a.py": "second = 2\n"})
    git(root, "commit", "-qam", "second")
    write(root, {"pkg/a.py": "uncommitted = 3\n", "pkg/new.py": ""})
    return root


@pytest.mark.parametrize(
    ("revision", "text"), [("v1", "first = 1\n"), ("main", "second = 2\n"), ("main~1", "first = 1\n")]
)
def test_revision_is_read_past_the_work_tree(repository, tmp_path, monkeypatch, revision, text):
    expected = git(repository, "rev-parse", revision)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    before = sorted((path, path.stat().st_mtime_ns) for path in repository.rglob("*"))
    commit = resolve_revision(repository, revision)
    assert commit == expected
    skipped: Counter[str] = Counter()
    files = list_revision(repository / "pkg", commit, skipped)
    assert [name for name, _, _ in files] == ["a.py", "big.py"]
    members = [Member(name, size, "", key) for name, size, key in files] + [Member("lost.py", 0, "", "0" * 40)]
    (source,) = GitReader(repository).read(members, 20, skipped)
    assert source.text == text
    assert skipped == {"link": 1, "too_large": 1, "unreadable": 1}
    assert sorted((path, path.stat().st_mtime_ns) for path in repository.rglob("*")) == before


def test_unknown_revision_and_no_repository(repository, tmp_path):
    with pytest.raises(UserError, match=r"git knows no revision 'v9'"):
        resolve_revision(repository, "v9")
    with pytest.raises(UserError, match="not a git repository"):
        resolve_revision(tmp_path, "v1")
    with pytest.raises(UserError, match="nowhere is not a folder"):
        resolve_revision(tmp_path / "nowhere", "v1")


def test_a_project_is_cut_where_a_group_grows_too_large():
    paths = [f"pkg/core/{n}.py" for n in range(6)] + [f"pkg/util/{n}.py" for n in range(2)] + ["pkg/main.py"]
    paths += [f"docs/{n}.py" for n in range(2)] + ["setup.py"] + [f"tools/{n}.py" for n in range(12)]
    groups = groups_of(paths)
    assert groups["pkg/util/0.py"] == groups["pkg/util/1.py"] == "pkg/util"
    assert groups["docs/0.py"] == "docs"
    assert groups["setup.py"] == "setup.py"
    assert groups["pkg/main.py"] == "pkg/main.py"
    assert groups["pkg/core/3.py"] == "pkg/core/3.py"
    assert len({groups[f"tools/{n}.py"] for n in range(12)}) == 12
    assert set(groups) == set(paths)


def test_a_revision_that_a_shallow_clone_lacks_is_told_with_the_reason(tmp_path):
    write(tmp_path, {"whole/a.py": "1"})
    git(tmp_path / "whole", "init", "-q")
    for number in (1, 2):
        commit(tmp_path / "whole", f"Number {number}", number)
        write(tmp_path, {"whole/a.py": str(number)})
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{tmp_path}/whole", "shallow")
    with pytest.raises(
        UserError, match=r"git knows no revision 'HEAD~1'. The clone is shallow: run `git fetch --unshallow"
    ):
        resolve_revision(tmp_path / "shallow", "HEAD~1")
    with pytest.raises(UserError, match=r"git knows no revision 'HEAD~9'. `git log --oneline`"):
        resolve_revision(tmp_path / "whole", "HEAD~9")
