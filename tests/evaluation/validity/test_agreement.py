"""How often a metric prefers the program that works."""

import pytest

from codetune.evaluation.metrics.params import BertScoreParams, ScoreParams
from codetune.evaluation.validity.agreement import agreement
from codetune.evaluation.validity.programs import Programs
from codetune.reporting.validity_plots import agreement_plot

PARAMS = ScoreParams(
    seed=7, bertscore=BertScoreParams(model="minilm", revision=None, layer=6, baseline_pairs=1),
    bootstrap_samples=200, confidence=0.95,
)  # fmt: skip


def score(answer, reference):
    return {"length": float(len(answer)), "same": float(answer == reference), "nothing": 0.0}


def functions():
    return [
        Programs("a", "xx", {"layout": "xx", "names": "xxxx"}, [("constant", "xxx"), ("return", "x")]),
        Programs("b", "x", {"layout": "x"}, [("constant", "xx")]),
    ]


def test_share_of_pairs_is_the_mean_over_functions():
    found = agreement(functions(), score, PARAMS)
    assert found["length"]["layout"]["mean"] == pytest.approx((0.5 + 0.0) / 2)
    assert found["length"]["names"]["mean"] == 1.0
    assert found["length"]["names"]["functions"] == 1
    assert found["length"]["all"]["mean"] == pytest.approx((0.75 + 0.0) / 2)
    assert found["same"]["layout"]["mean"] == 1.0
    assert found["same"]["names"]["mean"] == 0.5, "equal scores tell nothing"
    assert found["nothing"]["all"] == {"mean": 0.5, "low": 0.5, "high": 0.5, "functions": 2}


def test_interval_is_over_functions():
    many = [
        Programs(str(number), "x", {"layout": "x" * (1 + number % 2)}, [("constant", "xx")]) for number in range(40)
    ]
    share = agreement(many, score, PARAMS)["same"]["layout"]
    assert share["low"] < share["mean"] == 0.75 < share["high"]


def test_picture_shows_every_metric_the_best_on_top():
    drawn = agreement_plot(agreement(functions(), score, PARAMS), 0.95)
    assert drawn.index(">same<") < drawn.index(">nothing<")
    assert "not distinguishable from chance" in drawn
    assert agreement_plot(agreement(functions(), score, PARAMS), 0.95) == drawn
