"""Licences of the files of a folder, and of a repository at a revision."""

import subprocess

import pytest

from codetune.data.ingest.folder import licenses_at, licenses_below, resolve_revision
from codetune.data.ingest.licenses import NOT_UNDERSTOOD, header_license

GPL = "GNU GENERAL PUBLIC LICENSE\nVersion 3"


def git(root, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    (root / "src/pkg/.reuse").mkdir(parents=True)
    (root / "src/linked").mkdir()
    (root / "src/broken").mkdir()
    (root / "LICENSE").write_text(GPL)
    (root / "src/linked/COPYING").symlink_to("../../LICENSE")
    (root / "src/broken/LICENSE").symlink_to("nowhere")
    (root / "src/pkg/a.py.license").write_text("SPDX-License-Identifier: MIT\n")
    (root / "src/pkg/.reuse/dep5").write_text("Files: b.py\nCopyright: Ada\nLicense: ISC\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    return root


@pytest.mark.parametrize("committed", [False, True])
def test_all_evidence_of_a_repository_counts(repository, committed):
    source = repository / "src"
    found = licenses_at(source, resolve_revision(source, "HEAD")) if committed else licenses_below(source)
    names = ("pkg/a.py", "pkg/b.py", "pkg/c.py", "linked/d.py", "broken/e.py")
    assert [found.of(name).resolve(header_license("x = 1\n")).expression for name in names] == [
        "MIT", "ISC", "LicenseRef-GPL", "LicenseRef-GPL", NOT_UNDERSTOOD,
    ]  # fmt: skip


def test_licences_above_a_folder_count_within_its_repository_alone(tmp_path, repository, monkeypatch):
    (tmp_path / "LICENSE").write_text("MIT License")
    (tmp_path / "plain").mkdir()
    assert licenses_below(tmp_path / "plain").of("a.py").folder is None
    monkeypatch.chdir(repository)  # what lies in this program's own repository is not thereby under its licence
    assert licenses_below(repository / "src").of("pkg/c.py").folder is None
