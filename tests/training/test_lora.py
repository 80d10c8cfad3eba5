"""The adapter: on which modules it sits, that it is seeded, and that it is stored the same every time."""

import json

import peft
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from codetune.core.errors import UserError
from codetune.models.load import attach_adapter, load_model
from codetune.training.lora import (
    add_adapter,
    linear_modules,
    save_adapter,
    target_modules,
    trainable_report,
    weights_without_adapter,
)
from tests.conftest import one_line
from tests.support.families import make_family
from tests.support.training import lora

ATTENTION = ["k_proj", "o_proj", "q_proj", "v_proj"]
MLP = ["down_proj", "gate_proj", "up_proj"]
LATENT = ["kv_a_proj_with_mqa", "kv_b_proj", "o_proj", "q_a_proj", "q_b_proj"]


@pytest.fixture
def model(tiny_base):
    return load_model(tiny_base).model


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("attention", ATTENTION),
        ("mlp", MLP),
        ("all-linear", sorted(ATTENTION + MLP)),
        ("q_proj", ["q_proj"]),
        (["q_proj", "mlp.up_proj"], ["q_proj", "up_proj"]),
        (["attention", "gate_proj"], [*sorted(["gate_proj", *ATTENTION])]),
        ("model.layers.*.mlp.*", MLP),
        (["*.[kq]_proj"], ["k_proj", "q_proj"]),
    ],
)
def test_targets_stand_for_modules_of_every_layer(model, targets, expected):
    found = target_modules(model, targets)
    assert sorted({name.rsplit(".", 1)[-1] for name in found}) == expected
    assert len(found) == 2 * len(expected)
    assert len(set(found)) == len(found)


def test_a_full_name_stands_for_one_module(model):
    assert target_modules(model, "model.layers.1.self_attn.q_proj") == ["model.layers.1.self_attn.q_proj"]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("q_porj", r"'q_porj' matches no linear module of the model \(did you mean q_proj\?\)"),
        (
            ["q_proj", "upproj"],
            r"'upproj' .*did you mean up_proj\?.*Use attention, mlp, all-linear, a pattern, or names such as d",
        ),
        ("al-linear", r"did you mean all-linear\?"),
        ("self_attn", "'self_attn' matches no linear module"),
        ("lm_head", "'lm_head' matches no linear module"),
        ("proj", "'proj' matches no linear module"),
        (["q_proj", "zzz"], r"'zzz' matches no linear module of the model\."),
    ],
)
def test_a_target_that_matches_nothing_is_refused(model, targets, message):
    with pytest.raises(UserError, match=message):
        add_adapter(model, lora(target_modules=targets), seed=7)


def test_layers_narrow_the_targets(model):
    for layers in ([1], "upper-half"):
        assert {name.split(".")[2] for name in target_modules(model, "all-linear", layers)} == {"1"}
    with pytest.raises(
        UserError,
        match=r"train.lora.layers_to_transform: the model has no layer 2. Use numbers from 0 to 1, upper-half, or",
    ):
        add_adapter(model, lora(layers_to_transform=[0, 2]), seed=7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"modules_to_save": ["nrom"]},
            r"train.lora.modules_to_save: 'nrom' matches no module with weights .*did you mean norm",
        ),
        ({"modules_to_save": ["lm_head"]}, "lm_head shares its weights with another module"),
        ({"modules_to_save": ["embed_tokens"]}, "embed_tokens shares its weights with another module"),
        (
            {"modules_to_save": ["*.0.*.q_proj"]},
            r"model.layers.0.self_attn.q_proj is in both target_modules and modules_to_save",
        ),
        ({"target_modules": "*.x_proj"}, r"'\*.x_proj' matches no linear module"),
    ],
)
def test_what_cannot_be_trained_is_refused(model, changes, message):
    with pytest.raises(UserError, match=message):
        add_adapter(model, lora(**changes), seed=7)


@pytest.mark.parametrize(
    "changes",
    [
        {"use_rslora": True},
        {"use_dora": True},
        {"layers_to_transform": [1], "target_modules": "mlp"},
        {"modules_to_save": ["norm", "*.input_layernorm"]},
        {"modules_to_save": ["embed_tokens", "lm_head"], "use_dora": True},
    ],
)
def test_every_kind_of_adapter_comes_back_as_it_was_trained(tiny_base, tmp_path, changes):
    """Stored, loaded and merged: the logits of base and adapter side by side, and the base untouched."""

    def untied():
        loaded = load_model(tiny_base).model
        if "lm_head" in changes.get("modules_to_save", ()):
            loaded.config.tie_word_embeddings = False
            loaded.lm_head.weight = torch.nn.Parameter(loaded.lm_head.weight.detach().clone())
        return loaded

    ids = torch.tensor([[5, 6, 7, 8]])
    plain = untied()(input_ids=ids).logits
    tuned = add_adapter(untied(), lora(**changes), seed=7)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in adapter_weights(tuned, live=True).values():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.05)
    save_adapter(tuned, tmp_path / "adapter", "models/base", None)
    expected = tuned.eval()(input_ids=ids).logits
    merged = attach_adapter(untied(), tmp_path / "adapter").merge_and_unload()
    assert not torch.allclose(expected, plain, atol=1e-2)
    assert torch.allclose(merged(input_ids=ids).logits, expected, atol=1e-4)
    with tuned.disable_adapter():
        assert torch.equal(tuned(input_ids=ids).logits, plain)


def test_each_kind_of_adapter_is_what_it_says(model, tiny_base):
    plain, dora, layer, whole = (
        set(adapter_weights(add_adapter(load_model(tiny_base).model, lora(**changes), seed=7)))
        for changes in ({}, {"use_dora": True}, {"layers_to_transform": [1]}, {"modules_to_save": ["norm"]})
    )
    assert {name.split(".")[-3] for name in dora - plain} == {"lora_magnitude_vector"}
    assert layer == {name for name in plain if ".layers.1." in name}
    assert whole - plain == {"base_model.model.model.norm.modules_to_save.default.weight"}
    scaled = add_adapter(model, lora(use_rslora=True, rank=4, alpha=8.0), seed=7)
    module = scaled.get_submodule("base_model.model.model.layers.0.self_attn.q_proj")
    assert module.scaling["default"] == 8.0 / 2


FAMILIES = {
    "gpt2": (["attn.c_attn", "attn.c_proj"], ["mlp.c_fc", "mlp.c_proj"]),
    "phi": (["dense", "k_proj", "q_proj", "v_proj"], ["fc1", "fc2"]),
    "gpt_neox": (["attention.dense", "query_key_value"], ["dense_4h_to_h", "dense_h_to_4h"]),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_presets_fit_other_families(family):
    shape = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    other = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **shape, num_attention_heads=4))
    for preset, names in zip(("attention", "mlp"), FAMILIES[family], strict=True):
        found = target_modules(other, preset)
        assert len(found) == 2 * len(names)
        assert all(any(module.endswith(name) for module in found) for name in names)
    assert sorted(target_modules(other, ["attention", "mlp"])) == sorted(linear_modules(other))
    report = trainable_report(add_adapter(other, lora(target_modules="attention"), seed=7))
    assert report["module_count"] == 2 * len(FAMILIES[family][0])


def adapter_weights(model, *, live=False):
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    return trained if live else {name: weight.detach().clone() for name, weight in trained.items()}


def test_the_adapters_first_weights_come_from_the_seed(tiny_base):
    made = []
    for seed, drawn_before in ((7, 0), (7, 5), (8, 0)):
        torch.rand(drawn_before)
        made.append(adapter_weights(add_adapter(load_model(tiny_base).model, lora(), seed)))
    first, again, other = made
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    assert not any(torch.equal(weight, other[name]) for name, weight in first.items() if "lora_A" in name)


def test_only_the_adapter_can_be_trained_and_it_changes_nothing_yet(tiny_base):
    ids = torch.tensor([[5, 6, 7]])
    expected = load_model(tiny_base).model(input_ids=ids).logits
    tuned = add_adapter(load_model(tiny_base).model, lora(), seed=7)
    assert all(".lora_" in name for name in adapter_weights(tuned))
    assert torch.equal(tuned(input_ids=ids).logits, expected)


def test_the_report_counts_what_is_trained(model):
    total = sum(weight.numel() for weight in model.parameters())
    report = trainable_report(add_adapter(model, lora(rank=3, target_modules=["q_proj", "up_proj"]), seed=7))
    # Rank 3 on 32 -> 32 and 32 -> 64, in two layers: 2 * (3 * 64 + 3 * 96).
    assert report == {
        "parameters": 960,
        "share": round(960 / (total + 960), 6),
        "modules": ["mlp.up_proj", "self_attn.q_proj"],
        "module_count": 4,
    }


def test_an_adapter_is_stored_without_anything_of_this_machine(model, tmp_path):
    tuned = add_adapter(model, lora(), seed=7)
    folder = tmp_path / "adapter"
    save_adapter(tuned, folder, "models/base", None)
    assert sorted(file.name for file in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "models/base"
    assert config["target_modules"] == sorted(config["target_modules"])
    assert list(config) == sorted(config)
    assert str(tmp_path) not in (folder / "adapter_config.json").read_text()


@pytest.mark.parametrize(
    ("family", "targets", "kinds", "beside"),
    [
        ("mixtral", "all-linear", ATTENTION, {"frozen_experts"}),
        ("qwen2_moe", "mlp", sorted([*MLP, "shared_expert_gate"]), {"frozen_experts"}),
        ("deepseek_v3", "all-linear", LATENT, {"frozen_experts", "left_out"}),
        ("deepseek_v3", "attention", LATENT, set()),
        ("phimoe", "all-linear", ATTENTION, {"frozen_experts", "left_out"}),
        ("llama", "all-linear", sorted(ATTENTION + MLP), set()),
    ],
)
def test_of_experts_what_is_adapted_is_what_was_asked_for(tmp_path, family, targets, kinds, beside):
    model = load_model(make_family(family, tmp_path)).model
    assert set(weights_without_adapter(model, targets)) == beside
    asked = target_modules(model, targets)
    adapted = add_adapter(model, lora(target_modules=targets), seed=7)
    found = {name.partition(".lora_A")[0] for name, _ in adapted.named_parameters() if ".lora_A" in name}
    assert {name.removeprefix("base_model.model.") for name in found} == set(asked)
    assert sorted({name.rsplit(".", 1)[-1] for name in asked}) == kinds


@pytest.mark.parametrize(
    ("family", "targets", "message"),
    [
        (
            "mixtral",
            "mlp",
            r"'mlp' matches no linear module of the model \(its experts are 4 fused tensors, which are not",
        ),
        ("deepseek_v3", "down_proj", r"peft cannot adapt model.layers.0.mlp.down_proj of this model: "),
        ("deepseek_v3", "mlp", r"peft cannot adapt .* Use attention"),
        (
            "phimoe",
            "router",
            "cannot adapt .*router of this model: PhimoeTopKRouter computes something else",
        ),
    ],
)
def test_experts_that_are_out_of_reach_are_one_line(tmp_path, family, targets, message):
    with one_line(message):
        add_adapter(load_model(make_family(family, tmp_path)).model, lora(target_modules=targets), seed=7)


def test_module_that_peft_refuses_is_one_line(tmp_path):
    make_family("mamba", tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert "backbone.layers.0.mixer.out_proj" not in target_modules(model, "all-linear")
    with one_line("peft cannot adapt backbone.layers.0.mixer.out_proj"):
        add_adapter(model, lora(target_modules="out_proj"), seed=7)


def test_other_modules_than_asked_for_are_refused(model, monkeypatch):
    true_model = peft.get_peft_model

    def other(model, config):
        config.target_modules.add("up_proj")
        return true_model(model, config)

    monkeypatch.setattr(peft, "get_peft_model", other)
    with one_line(
        "2 modules were requested, but 4 are adapted; model.layers.0.mlp.up_proj is adapted but not requested"
    ):
        add_adapter(model, lora(target_modules="q_proj"), seed=7)
