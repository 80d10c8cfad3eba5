"""A project whose revisions have models: the base in git, the adapters in the DVC cache, as after `dvc repro`."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from codetune.core.files import write_text
from tests.conftest import make_adapter
from tests.support.sample_project import Project, commit, git

ADAPTER = "models/adapter"
IGNORED = "/models/adapter\n/.cache\n/.dvc/cache\n/.dvc/tmp\n"


def put_in_cache(root: Path, content: bytes, suffix: str = "") -> str:
    """Put a file into the DVC cache. Return the digest that names it there."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    path = root / ".dvc/cache/files/md5" / digest[:2] / f"{digest[2:]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest + suffix


def cached(root: Path, folder: Path, path: str = ADAPTER) -> dict[str, Any]:
    """Put a folder into the DVC cache. Return its entry for dvc.lock."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    listing = [{"md5": put_in_cache(root, file.read_bytes()), "relpath": file.name} for file in files]
    return {"path": path, "hash": "md5", "md5": put_in_cache(root, json.dumps(listing).encode(), ".dir")}


def lock(root: Path, entry: dict[str, Any]) -> None:
    """Write dvc.lock with one output."""
    with (root / "dvc.lock").open("w") as stream:
        YAML().dump({"schema": "2.0", "stages": {"train": {"cmd": "train", "outs": [entry]}}}, stream)


def add_model(root: Path, name: str, adapter: Path, when: int) -> str:
    """Commit and tag a run that trained this adapter. Return the commit id."""
    shutil.rmtree(root / ADAPTER, ignore_errors=True)
    shutil.copytree(adapter, root / ADAPTER)
    lock(root, cached(root, adapter))
    made = commit(root, f"Train {name}", when)
    git(root, "tag", name)
    return made


@pytest.fixture(scope="session")
def models(sample: Project, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The sample project with the tags `low` and `high`, whose adapters differ; the workspace equals `high`."""
    root = tmp_path_factory.mktemp("models") / "project"
    shutil.copytree(sample.root, root)
    shutil.copytree(tiny_base, root / "models" / "base")
    write_text(root / ".gitignore", IGNORED)
    write_text(root / ".dvc/config", "")
    commits = dict(sample.commits)
    for when, name in enumerate(("low", "high"), start=4):
        adapter = make_adapter(tiny_base, tmp_path_factory.mktemp("trained") / name, seed=when)
        commits[name] = add_model(root, name, adapter, when)
    return Project(root, commits)


@pytest.fixture
def copied_models(models: Project, tmp_path: Path) -> Project:
    """A copy of the project with models, which the test may change."""
    shutil.copytree(models.root, tmp_path / "models")
    return Project(tmp_path / "models", models.commits)
