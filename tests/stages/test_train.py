"""The train stage, whole, on a slice."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from codetune.core.errors import UserError
from codetune.core.files import digest_file, read_json, read_jsonl, write_jsonl
from codetune.models.load import load_model
from codetune.training import loop
from stages import train
from tests.conftest import ROWS_FILE, digests
from tests.support.training import LORA, inputs_in, outputs_in, params


@pytest.fixture
def inputs(instruction_rows, tmp_path):
    return inputs_in(tmp_path, instruction_rows[:18], instruction_rows[18:])


@pytest.fixture
def outputs(tmp_path):
    return outputs_in(tmp_path)


def written(outputs):
    return digests(outputs.adapter, outputs.training)


def test_the_stage_writes_adapter_and_report(tiny_base, inputs, outputs, instruction_rows):
    summary = train.run(params(tiny_base), inputs, outputs)
    assert summary == read_json(outputs.training / "summary.json")
    assert summary["rows"] == 15
    assert summary["dropped"]["too_long"] > 0
    assert summary["val_rows"] + summary["val_dropped"]["too_long"] == 6
    assert summary["steps"] == -(-summary["rows"] // 4)
    assert summary["first_val_loss"] == summary["evaluations"][0]["val_loss"] > summary["best"]["val_loss"]
    assert summary["trainable"]["module_count"] == 14
    assert summary["numerics"] == "portable"
    assert 0 <= summary["padded_share"] < 0.5
    files = {file.name for file in outputs.adapter.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja"} <= files
    assert "README.md" not in files
    load_model(tiny_base, outputs.adapter)


@pytest.mark.parametrize(("task", "form"), [("python", "fenced"), ("text", "as_is")])
def test_train_and_validation_rows_are_taught_in_one_form(tiny_base, inputs, outputs, task, form):
    given = replace(params(tiny_base, max_tokens=400, max_steps=1, answer_form="fenced"), task=task)
    bare = train.run(params(tiny_base, max_tokens=400, max_steps=1), inputs, outputs)
    summary = train.run(given, inputs, outputs)
    assert (bare["answer_form"], summary["answer_form"]) == ("bare", form)
    assert (summary["labels"] > bare["labels"]) is (summary["val_labels"] > bare["val_labels"]) is (form == "fenced")


def test_limit_and_weights_of_train_rows_are_not_those_of_validation_rows(tiny_base, inputs, outputs, instruction_rows):
    write_jsonl(inputs.train, [row | {"source": "mine"} for row in instruction_rows[:18]])
    summary = train.run(params(tiny_base, max_rows=4, weights={"mine": 2}, max_steps=1), inputs, outputs)
    assert summary["rows"] == 4
    assert summary["val_rows"] + summary["val_dropped"]["too_long"] == 6


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
numerics.fix(numerics.NumericsParams(mode="portable", threads=int(sys.argv[2])))
from stages import train
from tests.support.training import outputs_in, params
folder = Path(sys.argv[1])
inputs = train.Inputs(folder / "data/augmented/train.jsonl", folder / "data/clean/val.jsonl")
train.run(params(Path(sys.argv[3])), inputs, outputs_in(folder / "again"))
"""


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_in_another_process(tiny_base, inputs, outputs, tmp_path):
    train.run(params(tiny_base), inputs, outputs)
    environment = os.environ | {"PYTHONHASHSEED": "99"}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), "2", str(tiny_base)], check=True, env=environment, timeout=120
    )
    assert written(outputs_in(tmp_path / "again")) == written(outputs)


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
    before = written(outputs)
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
    assert written(outputs) == before
    assert [file.name for file in outputs.adapter.parent.iterdir()] == ["adapter"]
    assert [file.name for file in outputs.training.parent.iterdir()] == ["training"]


def test_a_misspelt_target_is_refused_before_anything_is_written(tiny_base, inputs, outputs):
    lora = LORA | {"target_modules": ["q_porj"]}
    with pytest.raises(UserError, match="did you mean q_proj"):
        train.run(params(tiny_base, lora=lora), inputs, outputs)
    assert not outputs.adapter.exists()
    assert not outputs.training.exists()


def test_cuda_without_cuda_is_refused_before_anything_is_written(tiny_base, inputs, outputs, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match=r"train\.device: expected a CUDA device, found none"):
        train.run(params(tiny_base, device="cuda"), inputs, outputs)
    assert not outputs.adapter.exists()


class Killed(BaseException):
    """What no code of ours catches."""


def killed_after(monkeypatch, steps):
    true_update, done = loop._update, []

    def update(*arguments):
        if len(done) == steps:
            raise Killed
        done.append(1)
        return true_update(*arguments)

    monkeypatch.setattr(loop, "_update", update)


LONG = {"epochs": 3, "evaluate_every": 3, "checkpoint_every": 2, "lora": LORA | {"dropout": 0.3}}


@pytest.fixture(scope="module")
def whole(tiny_base, tmp_path_factory):
    """Return a function that gives what a run writes that nobody killed; it runs once for each optimizer."""

    @cache
    def run(optimizer):
        folder = tmp_path_factory.mktemp("whole")
        rows = read_jsonl(ROWS_FILE)
        outputs = outputs_in(folder)
        train.run(params(tiny_base, optimizer=optimizer, **LONG), inputs_in(folder, rows[:18], rows[18:]), outputs)
        return written(outputs)

    return run


@pytest.mark.parametrize(
    ("steps", "optimizer"), [(1, "adamw"), (2, "adamw"), (5, "adamw"), (11, "adamw"), (5, "adafactor"), (5, "sgd")]
)
def test_a_killed_run_ends_in_the_same_bytes(tiny_base, inputs, outputs, whole, monkeypatch, capsys, steps, optimizer):
    changed = params(tiny_base, optimizer=optimizer, **LONG)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        killed_after(patched, steps)
        train.run(changed, inputs, outputs)
    capsys.readouterr()
    train.run(changed, inputs, outputs)
    told = capsys.readouterr().err
    assert (f"after step {steps // 2 * 2}" in told) is (steps > 1)
    assert ("continuing from" in told) is (steps > 1)
    assert written(outputs) == whole(optimizer)
    assert list(outputs.checkpoints.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("rate", "it was made with other values of train.learning_rate; training starts at step 0"),
        ("data", "it was made with other values of {train}; training"),
        ("damage", "it is damaged"),
        ("bit", "it is damaged (its digest does not match)"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tiny_base, inputs, outputs, tmp_path, monkeypatch, capsys, change, reason, instruction_rows
):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        killed_after(patched, 3)
        train.run(params(tiny_base), inputs, outputs)
    changes = {}
    if change == "rate":
        changes = {"learning_rate": 2e-2}
    elif change == "data":
        write_jsonl(inputs.train, instruction_rows[1:18])
    elif change == "damage":
        (outputs.checkpoints / "training.safetensors").write_bytes(b"no tensors")
    else:
        content = bytearray((outputs.checkpoints / "training.safetensors").read_bytes())
        content[-100] ^= 1  # of a weight
        (outputs.checkpoints / "training.safetensors").write_bytes(content)
    train.run(params(tiny_base, **changes), inputs, outputs)
    assert reason.format(train=inputs.train) in capsys.readouterr().err
    fresh = outputs_in(tmp_path / "new")
    train.run(params(tiny_base, **changes), inputs, fresh)
    assert written(outputs) == written(fresh)


def test_steps_can_be_limited(tiny_base, inputs, outputs):
    summary = train.run(params(tiny_base, max_steps=3), inputs, outputs)
    assert (summary["steps"], summary["stopped_early"]) == (3, False)
    assert summary["rows_seen"] in {11, 12}


@pytest.mark.long
def test_kill_9_at_any_moment(tiny_base, inputs, outputs, tmp_path):
    """A process that is killed again and again, each time at another moment, ends in the bytes of one that is not."""
    long = {"epochs": 12, "checkpoint_every": 1}
    program = PROGRAM.replace("params(Path(sys.argv[3]))", f"params(Path(sys.argv[3]), **{long})")
    command = [sys.executable, "-c", program, str(tmp_path), "1", str(tiny_base)]
    again = outputs_in(tmp_path / "again")
    checkpoint = again.checkpoints / "training.safetensors"
    killed = 0
    for delay in (0.0, 0.15, 0.4):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        seen = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while process.poll() is None and not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > seen):
            time.sleep(0.01)
        time.sleep(delay)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed
    assert checkpoint.exists()
    last = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True)
    assert "continuing from" in last.stderr
    train.run(params(tiny_base, **long), inputs, outputs)
    assert written(again) == written(outputs)


PATIENCE = 300  # seconds; such a run takes ten
TORCHRUN = (
    "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0", "--rdzv-backend", "c10d",
    "--rdzv-endpoint", "localhost:0",
)  # fmt: skip
FSDP = """
compute_environment: LOCAL_MACHINE
distributed_type: FSDP
fsdp_config: {fsdp_version: 2, fsdp_reshard_after_forward: true, fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP}
machine_rank: 0
mixed_precision: 'no'
num_machines: 1
num_processes: 2
rdzv_backend: c10d
use_cpu: false
"""


def end(process):
    """Kill a launcher and all that it started: each of its processes has a session of its own, and would train on."""
    started = psutil.Process(process.pid).children(recursive=True)
    assert len(started) >= 2
    for one in (process, *started):
        one.kill()
    psutil.wait_procs(started, timeout=30)


def launched(tmp_path, base, outputs, changes, *, kill=False, launcher=TORCHRUN):
    """Run the stage in two processes over gloo, as a user does; with `kill`, end them after the first checkpoint.

    Exit status and what was said. Processes that wait for each other for minutes are ended too, which is a failure.
    """
    program = PROGRAM.replace("params(Path(sys.argv[3]))", f"params(Path(sys.argv[3]), **{changes})")
    script = tmp_path / "launched.py"
    script.write_text(program.replace('folder / "again', f'folder / "{outputs.checkpoints.parent.name}'))
    command = [sys.executable, "-m", *launcher, str(script), str(tmp_path), "1", str(base)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while kill and process.poll() is None:
            if (outputs.checkpoints / "training.safetensors").exists():
                end(process)
                break
            time.sleep(0.01)
        try:
            told = process.communicate(timeout=PATIENCE)[1]
        except subprocess.TimeoutExpired:
            end(process)
            raise
    return process.returncode, told


@pytest.mark.long
def test_two_processes_are_one_with_twice_the_batch(tiny_base, inputs, tmp_path):
    """And when they are killed, the next two end in the same bytes."""
    alone, together, again = (outputs_in(tmp_path / name) for name in ("alone", "together", "killed"))
    changes = {"epochs": 4, "checkpoint_every": 2, "lora": LORA | {"dropout": 0.0}}
    train.run(params(tiny_base, batch_size=4, **changes), inputs, alone)
    assert launched(tmp_path, tiny_base, together, changes | {"batch_size": 2})[0] == 0
    losses = [
        [evaluation["val_loss"] for evaluation in read_json(outputs.training / "summary.json")["evaluations"]]
        for outputs in (alone, together)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    one, two = (load_file(outputs.adapter / "adapter_model.safetensors") for outputs in (alone, together))
    for name, weight in one.items():
        assert torch.allclose(weight, two[name], rtol=1e-3, atol=1e-4), name
    assert launched(tmp_path, tiny_base, again, changes | {"batch_size": 2}, kill=True)[0] != 0
    assert (again.checkpoints / "training.safetensors").exists()
    assert not again.adapter.exists()
    status, told = launched(tmp_path, tiny_base, again, changes | {"batch_size": 2})
    assert status == 0
    assert told.count("continuing from") == 2
    assert written(again) == written(together)


@pytest.mark.long
def test_base_that_fsdp_shares_out_gives_the_same_adapter(tiny_base, inputs, tmp_path):
    """With a configuration of accelerate's; validation and steps have odd numbers of batches. Also after a kill."""
    config = tmp_path / "fsdp.yaml"
    config.write_text(FSDP)
    whole, shared, again = (outputs_in(tmp_path / name) for name in ("whole", "shared", "killed"))
    launcher = ("accelerate.commands.launch", "--config_file", str(config), "--main_process_port", "0")
    changes = {"epochs": 4, "checkpoint_every": 2, "batch_size": 3}
    assert launched(tmp_path, tiny_base, whole, changes)[0] == 0
    status, told = launched(tmp_path, tiny_base, shared, changes, launcher=launcher)
    assert status == 0, told
    kept, total = re.search(r"each of 2 processes keeps ([\d,]+) of ([\d,]+) frozen weights", told).groups()
    assert 0.5 <= int(kept.replace(",", "")) / int(total.replace(",", "")) < 0.6
    assert written(shared) == written(whole)
    assert launched(tmp_path, tiny_base, again, changes, kill=True, launcher=launcher)[0] != 0
    status, told = launched(tmp_path, tiny_base, again, changes, launcher=launcher)
    assert status == 0, told
    assert told.count("continuing from") == 2
    assert written(again) == written(whole)
