"""Rows of functions come among the documents while the learning rates fall, and nothing is shown twice or left out."""

import pytest
import torch

from codetune.pretraining.corpus import Stream
from codetune.pretraining.mixture import Mixture, make_mixture


def counted(start, size=10_000):
    return Stream(torch.arange(start, start + size, dtype=torch.int32), torch.arange(size, dtype=torch.int32))


@pytest.fixture
def mixture():
    return Mixture(counted(0), counted(1_000_000))


@pytest.fixture
def wide(recipe):
    """Four rows of 64 tokens in a step; 6 steps, of which 4 with falling learning rates."""
    shape = {"batch_tokens": 256, "tokens": 256 * 6, "decay_share": 4 / 6, "decay_loop_share": 0.0}
    return recipe.model_copy(update=shape)


def shown(mixture, params):
    """First token of every row, step by step."""
    return [mixture.batch(step, params)[0][:, 0].tolist() for step in range(params.steps)]


def test_steady_steps_are_shown_documents_alone(mixture, wide):
    assert shown(mixture, wide)[:2] == [[0, 64, 128, 192], [256, 320, 384, 448]]


@pytest.mark.parametrize(("share", "functions"), [(0.0, 0), (0.25, 4), (0.3, 4), (0.5, 8), (1.0, 16)])
def test_share_of_the_rows_of_the_decay_holds_functions(mixture, wide, share, functions):
    steps = shown(mixture, wide.model_copy(update={"decay_function_share": share}))
    rows = [row for step in steps for row in step]
    alone = [row - 1_000_000 for row in rows if row >= 1_000_000]
    assert alone == [64 * index for index in range(functions)]
    assert [row for row in rows if row < 1_000_000] == [64 * index for index in range(24 - functions)]


def test_rows_of_functions_are_spread_evenly(mixture, wide):
    for rows in shown(mixture, wide)[2:]:
        assert sum(row >= 1_000_000 for row in rows) == 2


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_shown_is_what_the_steps_are_shown(mixture, wide, share):
    params = wide.model_copy(update={"decay_function_share": share})
    steps = torch.cat([mixture.batch(step, params)[0].flatten() for step in range(params.steps)])
    assert torch.equal(mixture.shown(params).sort().values, steps.sort().values)
    rows = [row for step in shown(mixture, params) for row in step]
    assert params.function_rows == sum(row >= 1_000_000 for row in rows)


@pytest.mark.parametrize(
    ("functions", "loops", "counts"),
    [
        (0.5, 0.25, (8, 4, 4)),
        (0.5, 0.5, (8, 8, 0)),
        (0.0, 0.25, (0, 4, 12)),
        (0.75, 0.1, (12, 1, 3)),
        (1.0, 0.0, (16, 0, 0)),
    ],
)
def test_share_of_the_rows_of_the_decay_holds_loops(mixture, wide, functions, loops, counts):
    params = wide.model_copy(update={"decay_function_share": functions, "decay_loop_share": loops})
    batches = [mixture.batch(step, params) for step in range(params.steps)]
    looping = torch.cat([batch.periods.any(dim=1) for batch in batches])
    firsts = torch.cat([batch.ids[:, 0] for batch in batches])
    assert not looping[:8].any(), "no loops while the learning rate is level"
    starts = firsts[looping] - 1_000_000
    assert starts.tolist() == [64 * (counts[0] + index) for index in range(counts[1])]
    assert int((firsts[~looping] >= 1_000_000).sum()) == params.function_rows == counts[0]
    assert len(firsts) - 8 - counts[0] - params.loop_rows == counts[2]
    real = torch.cat([batch.ids for batch in batches])[~looping].flatten()
    assert torch.equal(mixture.shown(params).sort().values, real.sort().values), "the 5-grams are not shown loops"


def test_loops_are_drawn_from_the_seed(mixture, wide):
    params = wide.model_copy(update={"decay_loop_share": 0.5})
    step = params.steps - 1
    periods = mixture.batch(step, params).periods
    assert torch.equal(mixture.batch(step, params).periods, periods)
    assert not torch.equal(mixture.batch(step, params.model_copy(update={"seed": 8})).periods, periods)


def test_streams_are_asked_for_as_many_tokens_as_are_shown(files, wide):
    asked = {}

    def make(name, texts, enough):
        asked[name] = (texts(), enough)
        return counted(0)

    documented = [{**files[0], "text": 'def f():\n    """Say one."""\n    return 1\n'}, *files[1:]]
    params = wide.model_copy(update={"decay_function_share": 0.3, "decay_loop_share": 0.2, "function_share": 0.0})
    make_mixture(documented, params, make)
    assert asked["functions"] == ([documented[0]["text"]], (4 + 3) * 64 + 1)
    assert sorted(asked["stream"][0]) == sorted(file["text"] for file in documented)
    assert asked["stream"][1] == 6 * 256 + 1


def test_targets_are_the_next_tokens(mixture, wide):
    batch = mixture.batch(3, wide)
    assert torch.equal(batch.targets, batch.ids + 1)
    assert {tensor.shape for tensor in batch} == {(4, 64)}
    assert not batch.periods.any()
