"""Shapes of tensors by headers alone; and a base that fits into memory in bfloat16 alone: from training to export, and every report says so."""

from types import SimpleNamespace

import pytest
import torch

from codetune.export.merge import merge, save_merged
from codetune.generation.batch import answer_all
from codetune.models import memory
from codetune.models.gguf.header import read_gguf
from codetune.models.load import load_model
from codetune.models.memory import tensor_shapes
from codetune.models.prompt import example_ids, prompt_ids
from stages import train
from tests.models.gguf_files import make_gguf
from tests.support.training import inputs_in, outputs_in, params


@pytest.fixture
def little_memory(tiny_base, monkeypatch):
    count = load_model(tiny_base).model.num_parameters()
    there = SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=3 * count))  # for the weights alone
    monkeypatch.setattr(memory, "psutil", there)


@pytest.mark.usefixtures("little_memory")
def test_a_base_in_bfloat16_is_tuned_asked_and_exported(tiny_base, instruction_rows, tmp_path):
    inputs, outputs = inputs_in(tmp_path, instruction_rows[:12], instruction_rows[18:]), outputs_in(tmp_path)
    report = train.run(params(tiny_base, epochs=2), inputs, outputs)
    assert report["base_dtype"] == "bfloat16"
    assert report["best"]["val_loss"] < report["first_val_loss"]
    tuned, base = load_model(tiny_base, outputs.adapter), load_model(tiny_base)
    assert tuned.model.dtype == base.model.dtype == torch.bfloat16
    prompts = [prompt_ids(base.tokenizer, row["instruction"]) for row in instruction_rows[:3]]
    answers = [dict(answer_all(model, prompts, max_new_tokens=8, batch_size=2)) for model in (tuned, base)]
    assert answers[0] != answers[1]
    row = instruction_rows[0]
    ids = example_ids(base.tokenizer, row["instruction"], row["completion"], 512).input_ids
    merged, *_ = merge(base, outputs.adapter, [ids], prompts)
    save_merged(merged, tmp_path / "export", "float32")
    assert load_model(tmp_path / "export").dtype == "bfloat16"


def test_shapes_of_safetensors(tiny_base):
    model = load_model(tiny_base).model
    assert sorted(tensor_shapes(tiny_base)) == sorted(tuple(weight.shape) for weight in model.parameters())


def test_shapes_of_gguf(tmp_path):
    path = tmp_path / "model.gguf"
    make_gguf(path, "llama")
    assert len(tensor_shapes(path)) == len(read_gguf(path).tensors)
