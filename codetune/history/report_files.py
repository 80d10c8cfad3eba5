"""Read the files that a comparison needs, from git or from the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codetune.history.listing import COMPARED_PATHS, Revision
from codetune.history.repository import Repository

PARAMS = "params.yaml"
_MEASURED_APART = {
    "reports/validity/": "make validity",
    "reports/answer_validity/": "make answer-validity",
    "reports/parity/": "make parity",
}
_READ_SUFFIXES = (".json", ".jsonl", ".tsv", ".yaml")


def _workspace_paths(root: Path, paths: Sequence[str]) -> list[Path]:
    """The files of the workspace at or below `paths`; links to folders are not followed."""
    found: list[Path] = []
    for top in paths:
        place = root / top
        candidates = [place] if place.is_file() else sorted(place.rglob("*"))
        found += [path for path in candidates if path.suffix in _READ_SUFFIXES and path.is_file()]
    return found


def report_remedy(revision: Revision, path: str) -> str:
    """What to do about a file that cannot be read, in one sentence.

    :param path: path of the file, relative to the project.
    """
    if revision.commit is not None:
        return "It is stored in git in this form, so choose another revision."
    if path == PARAMS:
        return "Correct the file by hand."
    for start, command in _MEASURED_APART.items():
        if path.startswith(start):
            return f"Run `{command}`, which writes it again."
    return "Run `dvc repro`, which writes it again."


def workspace_fingerprint(root: Path) -> str:
    """A text that changes when a workspace file that a comparison reads is written: path, time and size of each."""
    marks = []
    for path in _workspace_paths(root, COMPARED_PATHS):
        try:
            facts = path.stat()
        except FileNotFoundError:  # replaced by a running stage just now
            continue
        marks.append(f"{path.relative_to(root)} {facts.st_mtime_ns} {facts.st_size}")
    return "\n".join(marks)


def read_files(repository: Repository, revision: Revision, paths: Sequence[str] = COMPARED_PATHS) -> dict[str, bytes]:
    """Read the reports of a revision.

    :param paths: files and folders, relative to the project. In a folder only JSON, JSON-lines, TSV and YAML files are
        read.
    :returns: the bytes of each file, by path relative to the project; files that cannot be read are missing.
    """
    if revision.commit is not None:
        blobs = repository.tree(revision.commit, paths)
        return repository.contents(blob for blob in blobs if blob.path.endswith(_READ_SUFFIXES))
    contents: dict[str, bytes] = {}
    for path in _workspace_paths(repository.root, paths):
        try:
            contents[path.relative_to(repository.root).as_posix()] = path.read_bytes()
        except OSError:
            continue
    return contents
