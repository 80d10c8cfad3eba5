from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codetune.core.errors import UserError
from codetune.history.whole_adapter import require_whole_adapter
from tests.support.model_revisions import ADAPTER
from tests.support.sample_project import Project

WEIGHTS = f"{ADAPTER}/adapter_model.safetensors"


def _truncate(root: Path) -> None:
    """Cut the file of weights in half. The cache may share its bytes by a hard link, so it is written anew."""
    content = (root / WEIGHTS).read_bytes()
    (root / WEIGHTS).unlink()
    (root / WEIGHTS).write_bytes(content[: len(content) // 2])


def test_a_whole_adapter_passes(models: Project) -> None:
    require_whole_adapter(models.root, ADAPTER)


def test_a_truncated_adapter_is_restored_from_the_cache(copied_models: Project) -> None:
    _truncate(copied_models.root)
    with pytest.raises(UserError, match=r"is damaged: .*`dvc checkout --force models/adapter`"):
        require_whole_adapter(copied_models.root, ADAPTER)


def test_without_a_cache_it_is_made_again(copied_models: Project) -> None:
    _truncate(copied_models.root)
    shutil.rmtree(copied_models.root / ".dvc/cache")
    with pytest.raises(UserError, match="`dvc repro train`, which makes it again"):
        require_whole_adapter(copied_models.root, ADAPTER)


def test_missing_weights_are_named(copied_models: Project) -> None:
    (copied_models.root / WEIGHTS).unlink()
    with pytest.raises(UserError, match=r"has no adapter_model\.safetensors"):
        require_whole_adapter(copied_models.root, ADAPTER)
