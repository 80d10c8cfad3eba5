"""Golden values: the mean of bert_score.BERTScorer over the same pairs, each scored by itself."""

import math

import pytest
import torch
from bert_score import BERTScorer

from codetune.core.errors import UserError
from codetune.evaluation.metrics.baseline import Baseline, draw_pairs, measure_baseline
from codetune.evaluation.metrics.bertscore import Embedding, Scores
from codetune.evaluation.metrics.code_bertscore import normalized
from tests.evaluation.metrics.conftest import changed


def test_pairs_are_of_different_groups():
    groups = ["a"] * 6 + ["b"] * 3 + ["c"]
    across, pairs = draw_pairs(groups, 500, seed=7)
    assert across == "groups"
    assert len(pairs) == 500
    assert all(groups[left] != groups[right] for left, right in pairs)
    assert {index for pair in pairs for index in pair} == set(range(10))


def test_one_group_gives_pairs_of_different_rows():
    across, pairs = draw_pairs(["a"] * 5, 200, seed=7)
    assert across == "rows"
    assert all(left != right for left, right in pairs)


def test_pairs_follow_the_seed_alone():
    groups = ["a", "b"] * 20
    assert draw_pairs(groups, 50, seed=1) == draw_pairs(groups, 50, seed=1)
    assert draw_pairs(groups, 50, seed=1) != draw_pairs(groups, 50, seed=2)


def references(rows):
    return [(row["group"], row["completion"]) for row in rows]


@pytest.mark.parametrize("number", [0, 1])
def test_fewer_than_two_references_are_refused(number, minilm, instruction_rows):
    with pytest.raises(UserError, match=f"score: there are {number} held-out rows, expected at least two"):
        measure_baseline(minilm, references(instruction_rows[:number]), changed(baseline_pairs=4))


def test_the_baseline_is_the_librarys_mean_over_the_pairs(minilm, instruction_rows):
    params = changed(baseline_pairs=12)
    chosen = instruction_rows[:8]
    found = measure_baseline(minilm, references(chosen), params)
    _, pairs = draw_pairs([row["group"] for row in chosen], 12, params.seed)
    texts = [row["completion"] for row in chosen]
    scorer = BERTScorer(model_type=str(minilm.files.folder), num_layers=minilm.layer, device="cpu")
    expected = [scorer.score([texts[left]], [texts[right]]) for left, right in pairs]
    means = [math.fsum(float(scores[part]) for scores in expected) / 12 for part in range(3)]
    assert found.floor == pytest.approx(means, abs=2e-6)
    assert (found.texts, found.long, found.pairs, found.across) == (8, 0, 12, "groups")
    programs = [normalized(text) for text in texts]
    assert None not in programs
    parts = [scorer.score([programs[left]], [programs[right]]) for left, right in pairs]
    program = math.fsum(10 * float(p) * float(r) / (9 * float(p) + float(r)) for p, r, _ in parts) / 12
    assert found.program_floor == pytest.approx(program, abs=2e-6)
    assert found.signature == "baseline:" + "/".join(f"{part:.6f}" for part in found.floor) + "|pairs:12|across:groups"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        ((0.2, 0.4, 0.5), (0.0, 0.0, 0.0)),
        ((0.6, 0.7, 0.75), (0.5, 0.5, 0.5)),
        ((0.0, 0.1, 0.25), (-0.25, -0.5, -0.5)),
    ],
)
def test_rescaling_by_hand(raw, expected):
    baseline = Baseline(Scores(0.2, 0.4, 0.5), 0.75, texts=2, long=0, pairs=1, across="groups")
    assert baseline.rescale(Scores(*raw)) == pytest.approx(expected)


def test_programs_are_rescaled_by_their_own_floor():
    baseline = Baseline(Scores(0.2, 0.4, 0.5), 0.75, texts=2, long=0, pairs=1, across="groups")
    assert [baseline.rescale_program(raw) for raw in (1.0, 0.875, 0.75, 0.0)] == pytest.approx([1.0, 0.5, 0.0, -3.0])
    assert baseline.program_signature == "baseline:0.750000|pairs:1|across:groups"


def test_an_encoder_that_tells_nothing_apart_is_refused(minilm, instruction_rows, monkeypatch):
    same = Embedding(torch.ones(3, 4), torch.tensor([0.0, 1.0, 0.0]))
    monkeypatch.setattr(minilm, "embed_all", lambda texts, _: dict.fromkeys(texts, same))
    with pytest.raises(UserError, match=r"scores unrelated code 1\.0000, expected less than 0\.999"):
        measure_baseline(minilm, references(instruction_rows[:4]), changed(baseline_pairs=4))
