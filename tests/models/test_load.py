"""Loading: what fits is loaded in float32 and whole; what does not is one clear line."""

import json
import pickle
import shutil
from types import SimpleNamespace

import psutil
import pytest
import torch

from codetune.core.errors import UserError
from codetune.export.merge import merge, save_merged
from codetune.models.load import load_model, load_tokenizer
from codetune.models.locate import locate_model, model_files, weight_files
from codetune.models.params import ModelParams
from codetune.models.prompt import prompt_ids
from tests.conftest import make_adapter, one_line
from tests.models.gguf_files import make_gguf
from tests.support.chat_templates import SMOLLM
from tests.support.families import make_family


@pytest.fixture
def copy(tiny_base, tmp_path):
    return shutil.copytree(tiny_base, tmp_path / "copy")


def edit_json(path, **changes):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in (content | changes).items() if value is not None}))


def test_a_model_is_loaded_in_float32_for_evaluation(tiny_base):
    loaded = load_model(tiny_base)
    assert not loaded.model.training
    assert {weight.dtype for weight in loaded.model.parameters()} == {torch.float32}
    assert loaded.context == 512
    assert loaded.end_ids == {loaded.tokenizer.convert_tokens_to_ids("<|end|>")}
    assert loaded.name == str(tiny_base)


@pytest.fixture(params=["folder", "file"])
def weights(request, tiny_base, tmp_path):
    return tiny_base if request.param == "folder" else make_gguf(tmp_path / "file")


def test_a_model_is_held_in_bfloat16_where_only_that_fits(weights, monkeypatch):
    whole = load_model(weights).model
    count = whole.num_parameters()

    def loaded(free):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
        return load_model(weights)

    assert loaded(4 * count).dtype == "float32"
    half = loaded(4 * count - 1)
    assert half.dtype == "bfloat16"
    assert all(
        torch.equal(weight, whole.get_parameter(name).bfloat16()) for name, weight in half.model.named_parameters()
    )
    loaded(2 * count)
    with pytest.raises(UserError, match=r"GB of memory as float32 and .* GB as bfloat16, but 0\.0 GB are free"):
        loaded(2 * count - 1)


def test_all_declared_end_tokens_count(copy):
    edit_json(copy / "generation_config.json", eos_token_id=[1, 17])
    assert load_model(copy).end_ids == {1, 17}


def test_the_token_that_closes_a_turn_ends_answers_of_the_exported_model_too(copy, tiny_adapter, tmp_path):
    (copy / "chat_template.jinja").write_text(SMOLLM.replace("<|im_end|>", "<|pad|>"))
    ends = {0, 1}
    loaded = load_model(copy)
    assert loaded.end_ids == ends
    merged, *_ = merge(loaded, tiny_adapter, [[3, 4]], [])
    save_merged(merged, tmp_path / "export", "float32")
    stored = json.loads((tmp_path / "export/generation_config.json").read_text())
    assert set(stored["eos_token_id"]) == load_model(tmp_path / "export").end_ids == ends


def test_a_template_without_an_assistant_turn_is_one_clear_line(copy):
    (copy / "chat_template.jinja").write_text(
        "{% for m in messages if m.role == 'user' %}Q: {{ m.content }}{% endfor %}"
    )
    with pytest.raises(UserError, match=r"the chat template of .* has no assistant turn: .*Correct chat_template"):
        load_model(copy)


def test_an_adapter_is_asked_as_it_was_trained(tiny_instruct, tmp_path):
    adapter = make_adapter(tiny_instruct, tmp_path / "adapter")
    trained = load_tokenizer(tiny_instruct, system="none")
    trained.save_pretrained(adapter)
    asked = [prompt_ids(load_model(tiny_instruct, place).tokenizer, "Add.") for place in (adapter, None)]
    assert asked[0] == prompt_ids(trained, "Add.") != asked[1]


def test_a_missing_pad_token_is_the_end_token(copy):
    edit_json(copy / "tokenizer_config.json", pad_token=None)
    tokenizer = load_tokenizer(copy)
    assert tokenizer.pad_token_id == tokenizer.eos_token_id


def _pickled(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))


def _without_a_layer(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _own_code(folder):
    edit_json(
        folder / "config.json", model_type="own", auto_map={"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}
    )
    (folder / "own.py").write_text(f"open({str(folder / 'executed')!r}, 'w')")


BROKEN = {
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "neither safetensors nor a GGUF file"),
    "pickled weights": (_pickled, "pytorch_model.bin: pickles are never loaded"),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "no config.json"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer"),
    "damaged weights": (lambda folder: (folder / "model.safetensors").write_text("version https://git-lfs"), "loaded"),
    "damaged tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{"), "tokenizer of"),
    "damaged configuration": (lambda folder: (folder / "config.json").write_text("{"), "config"),
    "a tensor too few": (_without_a_layer, "lack 1 tensors, such as model.layers.1.mlp.up_proj.weight"),
    "tensors of another shape": (lambda folder: edit_json(folder / "config.json", intermediate_size=65), "loaded"),
    "a model of another kind": (lambda folder: edit_json(folder / "config.json", model_type="vit"), "loaded"),
    "code from outside": (_own_code, "custom code"),
    "no end token": (lambda folder: edit_json(folder / "tokenizer_config.json", eos_token=None), "no end token"),
    "a tokenizer too large": (
        lambda folder: edit_json(folder / "tokenizer_config.json", additional_special_tokens=["<|more|>"]),
        "has 401 tokens, but the model only 400",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_base_is_one_clear_line(copy, case):
    damage, message = BROKEN[case]
    damage(copy)
    with one_line(message, copy):
        load_model(copy)
    assert not (copy / "executed").exists()


@pytest.mark.parametrize(
    ("base", "revision", "message"),
    [
        ("no/such", None, "needs a pinned commit"),
        ("no/such", "0" * 40, "downloading it from the hub at commit 000000000000 failed"),
        ("/no/such/folder", None, "there is no file or folder /no/such/folder"),
    ],
)
def test_an_unknown_base_is_one_clear_line(base, revision, message):
    with pytest.raises(UserError, match=message):
        load_model(base, revision=revision)


def test_a_base_that_is_a_file_is_named(tmp_path):
    file = tmp_path / "model.safetensors"
    file.touch()
    with pytest.raises(UserError, match="is a file, but not a GGUF file"):
        load_model(file)


@pytest.mark.parametrize("name", ["model.gguf", "sha256-6340dc32"])
def test_a_gguf_file_is_a_base_whatever_its_name(tmp_path, name):
    file = make_gguf(tmp_path / name)
    loaded = load_model(str(file))
    assert type(loaded.model).__name__ == "LlamaForCausalLM"
    assert loaded.end_ids == {0, 2}
    assert loaded.context == 512
    assert prompt_ids(loaded.tokenizer, "hi")[:1] == [1]
    assert weight_files(locate_model(str(file))) == model_files(locate_model(str(file))) == [file]


def test_a_folder_with_several_models_is_named(copy):
    make_gguf(copy / "model.gguf")
    with pytest.raises(UserError, match=r"several models: model\.gguf, model\.safetensors"):
        load_model(copy)


def test_a_gguf_file_without_an_end_token_is_named(tmp_path):
    file = make_gguf(tmp_path / "model.gguf", **{"tokenizer.ggml.eos_token_id": None})
    with pytest.raises(UserError, match="has no end token"):
        load_model(file)


@pytest.mark.parametrize("revision", ["main", "0123abc", "Z" * 40])
def test_a_revision_must_be_a_whole_commit(revision):
    with pytest.raises(ValueError, match="revision"):
        ModelParams(base="a/b", revision=revision)


def _fewer_tensors(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "adapter_model.safetensors")
    weights.popitem()
    save_file(weights, folder / "adapter_model.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "holds no adapter_model.safetensors"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "holds no adapter_config.json"),
        (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"no"), "does not fit"),
        (lambda folder: edit_json(folder / "adapter_config.json", r=3), "does not fit"),
        (_fewer_tensors, "does not fit"),
    ],
)
def test_a_broken_adapter_is_one_clear_line(tiny_base, tiny_adapter, tmp_path, damage, message):
    folder = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    damage(folder)
    with pytest.raises(UserError, match=message):
        load_model(tiny_base, folder)


@pytest.mark.parametrize("family", ["mamba", "rwkv"])
def test_family_whose_layers_carry_a_state_is_one_line(tmp_path, family):
    with one_line(f"a model of the family {family}, whose layers are recurrent", "docs/families.md"):
        load_model(make_family(family, tmp_path))


def test_hybrid_family_without_such_a_layer_is_used(tmp_path):
    make_family("granitemoehybrid", tmp_path, layer_types=["attention", "attention"])
    assert load_model(tmp_path).context == 512
