"""Merging: the same logits, the same text, the same bytes; and a merge that went wrong is refused."""

import json
from types import SimpleNamespace

import pytest
import torch
from transformers import LlamaConfig

from codetune.core.errors import UserError
from codetune.core.files import digest_file
from codetune.export import merge as module
from codetune.export.merge import merge, save_merged
from codetune.models.load import attach_adapter, load_model
from codetune.models.prompt import example_ids, prompt_ids


@pytest.fixture
def prompts(tiny_base, instruction_rows):
    tokenizer = load_model(tiny_base).tokenizer
    return [prompt_ids(tokenizer, row["instruction"]) for row in instruction_rows[:4]]


@pytest.fixture
def sequences(tiny_base, instruction_rows):
    tokenizer = load_model(tiny_base).tokenizer
    return [example_ids(tokenizer, row["instruction"], row["completion"], 500).input_ids for row in instruction_rows]


def logits(model, ids):
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits


def test_merged_logits_equal_base_plus_adapter(tiny_base, tiny_adapter, sequences):
    merged, check, _ = merge(load_model(tiny_base), tiny_adapter, sequences, [])
    beside = attach_adapter(load_model(tiny_base).model, tiny_adapter)
    differences = [(logits(merged.model, ids) - logits(beside, ids)).abs().max().item() for ids in sequences]
    assert max(differences) <= check.allowed < 1e-4
    assert check.max_difference == pytest.approx(max(differences), abs=1e-9)
    assert check.prompts == 24
    assert check.logits == 400 * sum(map(len, sequences))
    assert not any("lora" in name for name in merged.model.state_dict())


def test_greedy_answers_are_compared_token_by_token(tiny_base, tiny_adapter, sequences, prompts, monkeypatch):
    _, check, _ = merge(load_model(tiny_base), tiny_adapter, sequences[:1], prompts)
    assert check.ties == 0
    assert check.tokens > 40
    monkeypatch.setattr(module, "rounding", lambda *_: 1e3)  # so that another model passes for a merged one
    monkeypatch.setattr(
        module, "attach_adapter", lambda model, adapter: merging_into_another(model, adapter, tiny_base)
    )
    _, other, _ = merge(load_model(tiny_base), tiny_adapter, sequences[:1], prompts)
    assert other.ties > 0


def merging_into_another(model, adapter, base):
    tuned = attach_adapter(model, adapter)
    tuned.merge_and_unload = lambda: load_model(base).model
    return tuned


@pytest.mark.parametrize(
    ("dtype", "layers", "largest", "expected"),
    [
        (torch.float32, 30, 25.0, 32 * 30 * 2**-24 * 25),
        (torch.float32, 2, 25.0, 32 * 2 * 2**-24 * 25),
        (torch.bfloat16, 2, 1.0, 32 * 2 * 2**-8),
    ],
)
def test_what_rounding_makes_follows_precision_depth_and_the_largest_logit(dtype, layers, largest, expected):
    config = LlamaConfig(num_hidden_layers=layers)
    assert module.rounding(SimpleNamespace(dtype=dtype, config=config), largest) == pytest.approx(expected)


@pytest.mark.parametrize("change", [1e-3, float("nan")])
def test_a_merge_that_changes_the_model_is_refused(tiny_base, tiny_adapter, sequences, monkeypatch, change):
    true_attach = attach_adapter

    def attach(model, adapter):
        tuned = true_attach(model, adapter)
        true_merge = tuned.merge_and_unload

        def wrong():
            merged = true_merge()
            with torch.no_grad():
                merged.model.layers[0].mlp.up_proj.weight[0, 0] += change
            return merged

        tuned.merge_and_unload = wrong
        return tuned

    monkeypatch.setattr(module, "attach_adapter", attach)
    with pytest.raises(UserError, match="a logit differs by"):
        merge(load_model(tiny_base), tiny_adapter, sequences[:4], [])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_export_stands_alone_and_is_the_same_every_time(tiny_base, tiny_adapter, sequences, tmp_path, dtype):
    digests = []
    for name in ("one", "two"):
        merged, *_ = merge(load_model(tiny_base), tiny_adapter, sequences[:1], [])
        save_merged(merged, tmp_path / name, dtype)
        digests.append({file.name: digest_file(file) for file in (tmp_path / name).iterdir()})
    assert digests[0] == digests[1]
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"} <= set(digests[0])
    config = (tmp_path / "one/config.json").read_text()
    assert json.loads(config)["dtype"] == dtype
    assert str(tmp_path) not in config
    assert str(tiny_base) not in config


def test_a_model_that_is_not_stored_as_it_is_is_refused(tiny_base, tiny_adapter, sequences, tmp_path, monkeypatch):
    merged, *_ = merge(load_model(tiny_base), tiny_adapter, sequences[:1], [])
    other = load_model(tiny_base)
    monkeypatch.setattr(module, "load_model", lambda _folder: other)
    with pytest.raises(UserError, match="14 tensors differ after writing and reading them"):
        save_merged(merged, tmp_path / "export", "float32")
