"""What is said beforehand of a training's time and memory."""

import re
from types import SimpleNamespace

import pytest
import torch

from codetune.core.errors import UserError
from codetune.numerics import NumericsParams
from codetune.training import forecast, precision
from codetune.training.forecast import Forecast, format_duration, rough_forecast
from codetune.training.params import TrainParams
from tests.models.gguf_files import make_gguf
from tests.support.training import TRAIN

GB = 10**9


@pytest.mark.parametrize(
    ("seconds", "words"), [(4, "4 s"), (89, "89 s"), (91, "2 min"), (3590, "1 h 0 min"), (7500, "2 h 5 min")]
)
def test_times_are_told_as_people_tell_them(seconds, words):
    assert format_duration(seconds) == words


def step(tokens, positions):
    return [SimpleNamespace(tokens=tokens, input_ids=torch.zeros(1, positions))]


@pytest.fixture
def machine(monkeypatch):
    """A clock, the memory this process holds, the most it has held, and what is free."""
    state = SimpleNamespace(now=0.0, held=1 * GB, peak=1 * GB, free=8 * GB)
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=state.held))
    monkeypatch.setattr(forecast.psutil, "Process", lambda: process)
    monkeypatch.setattr(forecast.psutil, "virtual_memory", lambda: SimpleNamespace(available=state.free))
    monkeypatch.setattr(forecast, "peak_memory", lambda: state.peak)
    monkeypatch.setattr(forecast.time, "monotonic", lambda: state.now)
    return state


def after_first_steps(machine, steps):
    """What is said after each: the first takes 50 s, as routines are made, and the others 10 s."""
    watched = Forecast(steps, step(900, 900), evaluations=2)
    said = []
    for seconds, done in zip((50, 10, 10), steps, strict=False):
        machine.now += seconds
        machine.peak = 2 * GB
        said.append(watched.after(done))
    return said


def test_time_and_memory_follow_from_the_first_steps_without_the_very_first(machine):
    steps = [step(100, 100)] * 3 + [step(100, 200)] * 3
    said = after_first_steps(machine, steps)
    assert said == [None, None, "about 2 min for 6 batches at 10 tokens/s, 3.0 GB of memory"]


def test_a_batch_that_will_not_fit_is_foreseen(machine):
    machine.free = 1 * GB
    with pytest.raises(UserError, match=r"about 3\.0 GB of memory, but there are 2\.0 GB.*[\s\S]*train\.batch_size"):
        after_first_steps(machine, [step(100, 100)] * 3 + [step(100, 200)])


@pytest.mark.parametrize("kind", ["gguf", "folder"])
def test_the_rough_forecast_grows_with_rows_and_layers_and_needs_headers_alone(kind, tiny_base, tmp_path, monkeypatch):
    base = make_gguf(tmp_path / "base") if kind == "gguf" else tiny_base
    monkeypatch.setattr(forecast, "_peak", lambda: 1e6)
    seconds = []
    for rows, layers in ((1000, None), (2000, None), (2000, "upper-half")):
        lora = TRAIN["lora"] | {"layers_to_transform": layers}
        train = TrainParams.model_validate(TRAIN | {"max_rows": rows, "evaluate_every": 10_000, "lora": lora})
        said = rough_forecast(base, train, NumericsParams(mode="fast", threads=1), tmp_path / "none.json")
        assert re.match(r"training, roughly: .* for \d+ steps of \d+ rows on this processor, 1\.2 GB of memory", said)
        hours, minutes = map(int, re.search(r"(\d+) h (\d+) min", said).groups())
        seconds.append(hours * 60 + minutes)
    assert 1.6 < seconds[1] / seconds[0] < 2.1
    assert 0.7 < seconds[2] / seconds[1] < 0.95


@pytest.mark.parametrize(
    ("wanted", "mode", "times", "taken"),
    [
        ("auto", "portable", 9, "float32"),
        ("auto", "strict", 9, "float32"),
        ("auto", "fast", 9, "bfloat16"),
        ("auto", "fast", 1.1, "float32"),
        ("bfloat16", "portable", 0.5, "bfloat16"),
        ("float32", "fast", 9, "float32"),
    ],
)
def test_bfloat16_is_taken_where_it_is_asked_for_or_faster_in_fast(wanted, mode, times, taken, monkeypatch):
    monkeypatch.setattr(precision, "_seconds", lambda kind, _device: times if kind is torch.float32 else 1.0)
    assert precision.choose_precision(wanted, mode, "cpu")[0] == taken


def test_products_of_both_kinds_can_be_measured():
    assert all(precision._seconds(kind, "cpu") > 0 for kind in (torch.float32, torch.bfloat16))
