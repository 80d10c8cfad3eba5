"""The train stage, whole, on a slice."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from codetune.errors import UserError
from codetune.files import digest_file, read_json, write_jsonl
from codetune.modeling.load import load_model
from codetune.modeling.params import ModelParams
from codetune.numerics import NumericsParams
from codetune.tuning import loop
from codetune.tuning.params import TrainParams
from stages import train

TRAIN = {
    "seed": 7,
    "max_rows": 15,
    "max_val_rows": 0,
    "max_tokens": 200,
    "epochs": 1,
    "batch_size": 4,
    "learning_rate": 1e-2,
    "optimizer": "adamw",
    "schedule": "cosine",
    "warmup_share": 0.1,
    "weight_decay": 0.0,
    "clip": 1.0,
    "evaluate_every": 2,
    "lora": {"rank": 4, "alpha": 8.0, "dropout": 0.1, "targets": "all-linear"},
}


def params(base, **changes):
    return train.Params(
        TrainParams.model_validate(TRAIN | changes),
        ModelParams(base=str(base), revision=None),
        NumericsParams(mode="strict", threads=1),
    )


@pytest.fixture
def inputs(instruction_rows, tmp_path):
    paths = train.Inputs(tmp_path / "data/augmented/train.jsonl", tmp_path / "data/clean/val.jsonl")
    write_jsonl(paths.train, instruction_rows[:18])
    write_jsonl(paths.val, instruction_rows[18:])
    return paths


@pytest.fixture
def outputs(tmp_path):
    return train.Outputs(tmp_path / "models/adapter", tmp_path / "reports/training")


def digests(outputs):
    return {
        str(file.relative_to(folder.parent)): digest_file(file)
        for folder in (outputs.adapter, outputs.training)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_stage_writes_adapter_and_report(tiny_base, inputs, outputs, instruction_rows):
    summary = train.run(params(tiny_base), inputs, outputs)
    assert summary == read_json(outputs.training / "summary.json")
    assert summary["rows"] == 15
    assert summary["dropped"]["too_long"] > 0
    assert summary["val_rows"] + summary["val_dropped"]["too_long"] == 6
    assert summary["steps"] == -(-summary["rows"] // 4)
    assert summary["first_val_loss"] == summary["evaluations"][0]["val_loss"] > summary["best"]["val_loss"]
    assert summary["trainable"]["module_count"] == 14
    assert summary["numerics"] == "strict"
    assert 0 <= summary["padded_share"] < 0.5
    files = {file.name for file in outputs.adapter.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja"} <= files
    assert "README.md" not in files
    load_model(tiny_base, outputs.adapter)


def test_the_learning_curve_has_steps_and_no_times(tiny_base, inputs, outputs):
    summary = train.run(params(tiny_base), inputs, outputs)
    tables = {
        str(file.relative_to(outputs.training / "plots/metrics")): file.read_text().splitlines()
        for file in (outputs.training / "plots/metrics").rglob("*.tsv")
    }
    assert set(tables) == {"train/loss.tsv", "train/learning_rate.tsv", "val/loss.tsv"}
    assert tables["val/loss.tsv"][0] == "step\tloss"
    curve = [line.split("\t") for line in tables["val/loss.tsv"][1:]]
    assert [(int(step), float(loss)) for step, loss in curve] == [
        (evaluation["step"], pytest.approx(evaluation["val_loss"], rel=1e-5)) for evaluation in summary["evaluations"]
    ]
    metrics = read_json(outputs.training / "metrics.json")
    assert set(metrics) == {"train", "val", "step"}
    assert {file.name for file in outputs.training.iterdir()} == {"metrics.json", "plots", "summary.json"}


PROGRAM = """
import json, sys
from pathlib import Path
from codetune import numerics
numerics.fix(numerics.NumericsParams(mode="strict", threads=int(sys.argv[2])))
from tests.stages.test_train import params
from stages import train
folder = Path(sys.argv[1])
inputs = train.Inputs(folder / "data/augmented/train.jsonl", folder / "data/clean/val.jsonl")
outputs = train.Outputs(folder / "again/models/adapter", folder / "again/reports/training")
train.run(params(Path(sys.argv[3])), inputs, outputs)
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process(tiny_base, inputs, outputs, tmp_path):
    train.run(params(tiny_base), inputs, outputs)
    environment = os.environ | {"PYTHONHASHSEED": "99"}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), "2", str(tiny_base)], check=True, env=environment, timeout=120
    )
    again = train.Outputs(tmp_path / "again/models/adapter", tmp_path / "again/reports/training")
    assert digests(again) == digests(outputs)


def test_another_seed_gives_another_adapter(tiny_base, inputs, outputs, tmp_path):
    train.run(params(tiny_base), inputs, outputs)
    other = replace(outputs, adapter=tmp_path / "other")
    train.run(params(tiny_base, seed=8), inputs, other)
    name = "adapter_model.safetensors"
    assert digest_file(outputs.adapter / name) != digest_file(other.adapter / name)


def test_nothing_written_tells_where_or_when(tiny_base, inputs, outputs, tmp_path):
    # The base is named as in the parameters, which here is an absolute path.
    train.run(params(tiny_base), inputs, outputs)
    for folder in (outputs.adapter, outputs.training):
        for file in folder.rglob("*"):
            if file.suffix in {".json", ".tsv", ".jinja"}:
                text = file.read_text().replace(json.dumps(str(tiny_base)), "")
                assert str(tmp_path) not in text
                assert str(tiny_base) not in text


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
def test_a_failure_leaves_the_previous_outputs(tiny_base, inputs, outputs, monkeypatch, failure):
    train.run(params(tiny_base), inputs, outputs)
    before = digests(outputs)
    true_update = loop._update
    steps = []

    def interrupted(*arguments):
        steps.append(1)
        if len(steps) == 3:
            raise failure
        return true_update(*arguments)

    monkeypatch.setattr(loop, "_update", interrupted)
    with pytest.raises(failure):
        train.run(params(tiny_base, seed=8), inputs, outputs)
    assert digests(outputs) == before
    assert [file.name for file in outputs.adapter.parent.iterdir()] == ["adapter"]
    assert [file.name for file in outputs.training.parent.iterdir()] == ["training"]


def test_a_misspelt_target_is_refused_before_anything_is_written(tiny_base, inputs, outputs):
    lora = TRAIN["lora"] | {"targets": ["q_porj"]}
    with pytest.raises(UserError, match="did you mean q_proj"):
        train.run(params(tiny_base, lora=lora), inputs, outputs)
    assert not outputs.adapter.exists()
    assert not outputs.training.exists()


def test_a_base_without_safetensors_is_refused(inputs, outputs, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "config.json").write_text("{}")
    with pytest.raises(UserError, match="holds no safetensors"):
        train.run(params(empty), inputs, outputs)


def test_rows_that_are_missing_are_named(tiny_base, inputs, outputs):
    with pytest.raises(UserError, match=r"nowhere.jsonl does not exist"):
        train.run(params(tiny_base), replace(inputs, train=inputs.train.with_name("nowhere.jsonl")), outputs)
