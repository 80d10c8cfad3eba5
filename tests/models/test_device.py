"""Where a model is computed: as wanted, or a line that says why not."""

import pytest
import torch

from codetune.core.errors import UserError
from codetune.models.device import require_device


@pytest.mark.parametrize(
    ("wanted", "there", "found"),
    [
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("auto", False, "cpu"),
        ("auto", True, "cuda"),
        ("cuda", True, "cuda"),
    ],
)
def test_device_is_the_one_wanted(monkeypatch, wanted, there, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert require_device(wanted, "train.device") == found


def test_missing_cuda_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(
        UserError, match=r"train\.device: expected a CUDA device, found none \(torch .* built without CUDA\)"
    ):
        require_device("cuda", "train.device")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(UserError, match=r"built for CUDA 13\.0"):
        require_device("cuda", "train.device")
