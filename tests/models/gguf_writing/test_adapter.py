"""The adapter as GGUF: the same product of the same matrices, in llama.cpp's order of rows."""

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from codetune.core.errors import UserError
from codetune.models.gguf.header import read_gguf
from codetune.models.gguf.weights import dequantised, from_stored, tensor_names
from codetune.models.gguf_writing import adapter as module
from codetune.models.gguf_writing.adapter import read_lora, write_adapter
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.load import attach_adapter


def with_adapter(model, **changes):
    """The model with a random adapter beside it."""
    options = {"r": 8, "lora_alpha": 12, "target_modules": ["q_proj", "k_proj", "down_proj"]} | changes
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.1, generator=generator)
    return tuned


FORMS = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "patterns": {"rank_pattern": {"q_proj": 4}, "alpha_pattern": {"down_proj": 30}},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_file_holds_the_difference_that_merging_makes(make_loaded, tmp_path, form):
    plain, model = make_loaded().model, make_loaded().model
    tuned = with_adapter(model, **FORMS[form])
    write_adapter(tmp_path / "file", read_lora(tuned), "llama", plain, "F32", {"general.name": "x"})
    merged = tuned.merge_and_unload()
    file, undo = read_gguf(tmp_path / "file"), from_stored("llama", plain.config)
    assert file.metadata["general.type"] == "adapter"
    assert file.metadata["adapter.type"] == "lora"
    alpha = file.metadata["adapter.lora.alpha"]
    assert alpha == 12
    names = tensor_names("llama", plain)
    changed = {name.rpartition(".")[0] for name in file.tensors}
    assert len(changed) == 6
    for name, parameter in names.items():
        before, after = (of.get_parameter(parameter).detach().numpy() for of in (plain, merged))
        if name not in changed:
            assert np.array_equal(before, after)
            continue
        a, b = (dequantised(file, f"{name}.lora_{end}") for end in "ab")
        np.testing.assert_allclose(before + undo(name, b @ a * (alpha / len(a))), after, atol=1e-5)


def test_a_trained_adapter_is_rounded_to_float16(tiny, tiny_adapter, tmp_path):
    lora = read_lora(attach_adapter(tiny.model, tiny_adapter))
    tensors = write_adapter(tmp_path / "file", lora, "llama", _plain(tiny), "F16", {})
    assert {tensor.kind.name for tensor in tensors} == {"F16"}
    assert len(tensors) == 2 * len(lora.pairs) == 28


def _plain(loaded):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_config(loaded.model.config)


REFUSED = {
    "dora": ({"use_dora": True}, "the adapter has use_dora"),
    "biases of its own": ({"lora_bias": True}, "the adapter has lora_bias"),
    "bias": ({"bias": "lora_only"}, "the adapter has bias"),
    "whole modules": ({"modules_to_save": ["norm"]}, "the adapter has modules_to_save"),
    "embeddings": ({"target_modules": ["embed_tokens"]}, "the adapter changes the embeddings model.embed_tokens"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_adapter_that_gguf_cannot_hold_is_refused(make_loaded, case):
    changes, message = REFUSED[case]
    with pytest.raises(NotConvertibleError, match=message):
        read_lora(with_adapter(make_loaded().model, **changes))


def test_a_head_that_shares_its_weights_has_no_tensor(make_loaded, tmp_path):
    lora = read_lora(with_adapter(make_loaded().model, target_modules=["lm_head"]))
    with pytest.raises(NotConvertibleError, match="the adapter changes lm_head, which has no tensor of its own"):
        write_adapter(tmp_path / "file", lora, "llama", make_loaded().model, "F32", {})


def test_a_file_that_differs_is_refused(make_loaded, tmp_path, monkeypatch):
    lora = read_lora(with_adapter(make_loaded().model))
    monkeypatch.setattr(module, "dequantised", lambda file, name: dequantised(file, name) + 1e-2)
    with pytest.raises(UserError, match=r"lora_a differs after reading it back"):
        write_adapter(tmp_path / "file", lora, "llama", make_loaded().model, "F16", {})


def test_another_template_is_refused(make_loaded, tmp_path, monkeypatch):
    lora, model = read_lora(with_adapter(make_loaded().model)), make_loaded().model
    write = module.write_file
    monkeypatch.setattr(
        module, "write_file", lambda path, name, values, rest: write(path, name, values | {module.TEMPLATE: "b"}, rest)
    )
    write_adapter(tmp_path / "file", lora, "llama", model, "F32", {module.TEMPLATE: "b"})
    with pytest.raises(UserError, match="the chat template of file differs"):
        write_adapter(tmp_path / "file", lora, "llama", model, "F32", {module.TEMPLATE: "a"})
