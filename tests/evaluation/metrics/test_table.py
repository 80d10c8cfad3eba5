from typing import Any

import pytest

from codetune.evaluation.metrics.baseline import Baseline
from codetune.evaluation.metrics.bertscore import Scores
from codetune.evaluation.metrics.matching import Matcher
from codetune.evaluation.metrics.scored import scored_samples
from codetune.evaluation.metrics.table import match_samples, metrics, score_prompts, scoring_report, stored_scores
from tests.evaluation.metrics.conftest import changed
from tests.evaluation.metrics.test_samples import sample

BASELINE = Baseline(Scores(0.2, 0.4, 0.5), 0.25, texts=2, long=1, pairs=9, across="groups")
# reports/scores.jsonl as the page and the model card read it
KEPT = [
    "bertscore_precision", "bertscore_recall", "bertscore_f1", "bertscore_f1_raw", "chrf", "bleu", "code_bertscore",
    "edit_similarity", "tree_similarity", "length_ratio", "tree_match", "signature_kept", "names_bound", "exact_match",
    "syntax_valid", "expected_form", "stopped",
]  # fmt: skip


@pytest.fixture(scope="module")
def scored(minilm) -> tuple[dict[str, Any], Matcher, list[dict[str, Any]]]:
    samples = {
        "base": [sample(1, answer=" \n"), sample(2, answer="return 2", stopped=False)],
        "tuned": [sample(1, answer="return 1 "), sample(2, answer="return (" + "y " * 600)],
    }
    samples = scored_samples(samples, "bare")
    matcher = Matcher(minilm)
    match_samples(samples, matcher=matcher)
    return samples, matcher, score_prompts(samples, matcher, BASELINE)


def test_an_empty_answer_scores_0_raw_and_rescaled(scored):
    base = scored[2][0]["base"]
    assert {key: base[key] for key in base if key.startswith("bertscore")} == dict.fromkeys(
        [f"bertscore_{part}{raw}" for raw in ("", "_raw") for part in ("precision", "recall", "f1")], 0.0
    )
    assert base["code_bertscore"] == pytest.approx(-0.25 / 0.75, abs=1e-6), "below all programs"
    assert not any(base[key] for key in KEPT[7:-1] if key not in ("edit_similarity", "length_ratio"))


def test_a_right_answer_scores_1(scored):
    tuned = scored[2][0]["tuned"]
    assert [tuned[f"bertscore_{part}"] for part in ("precision", "recall", "f1")] == pytest.approx([1, 1, 1], abs=2e-6)
    assert [tuned[key] for key in ("exact_match", "syntax_valid", "expected_form", "stopped")] == [1, 1, 1, 1]


def test_each_part_is_rescaled_by_its_own_baseline(scored):
    base = scored[2][1]["base"]
    for part, floor in (("precision", 0.2), ("recall", 0.4), ("f1", 0.5)):
        raw = base[f"bertscore_{part}_raw"]
        assert 0.5 < raw < 1
        assert base[f"bertscore_{part}"] == pytest.approx((raw - floor) / (1 - floor), abs=3e-6)


def test_scores_jsonl_has_the_agreed_keys_rounded(scored):
    rows = stored_scores(scored[2])
    assert [list(row) for row in rows] == [["id", "group", "base", "tuned"]] * 2
    for row in rows:
        for variant in ("base", "tuned"):
            assert list(row[variant]) == KEPT
            assert all(value == round(value, 6) for value in row[variant].values())
            assert all(isinstance(row[variant][key], int) for key in KEPT[-7:])


def test_empty_and_long_texts_are_counted(scored):
    samples, matcher, _ = scored
    report = scoring_report(samples, matcher.encoder, BASELINE)
    assert report == {
        "prompts": 2,
        "max_tokens": 512,
        "empty": {"reference": 0, "base": 1, "tuned": 0},
        "long": {"reference": 0, "base": 0, "tuned": 1, "baseline": 1},
        "long_programs": {"reference": 0, "base": 0, "tuned": 0},
        "baseline": {
            "precision": 0.2, "recall": 0.4, "f1": 0.5, "program": 0.25, "texts": 2, "pairs": 9, "across": "groups",
        },
    }  # fmt: skip


def scores(value: float, share: int) -> dict[str, float]:
    parts = {f"bertscore_{part}": value for part in ("precision", "recall", "f1")}
    raw = {f"bertscore_{part}_raw": value / 2 for part in ("precision", "recall", "f1")}
    shares = dict.fromkeys(("tree_match", "signature_kept", "names_bound", "exact_match"), 0)
    alike = {"code_bertscore": value, "edit_similarity": value, "tree_similarity": value / 2, "length_ratio": 0.5}
    read = {"syntax_valid": share, "expected_form": share}
    return {**parts, **raw, "chrf": value * 10, "bleu": 0, **alike, **shares, **read, "stopped": 1}


def test_metrics_are_means_and_gains():
    rows = [
        {"id": "1", "group": "a", "base": scores(0.1, 0), "tuned": scores(0.4, 1)},
        {"id": "2", "group": "b", "base": scores(0.2, 1), "tuned": scores(0.5, 1)},
        {"id": "3", "group": "b", "base": scores(0.2, 0), "tuned": scores(0.5, 1)},
    ]
    corpus = {
        "base": {"corpus_chrf": 12.3456789, "corpus_bleu": 1.0},
        "tuned": {"corpus_chrf": 23.0, "corpus_bleu": 2.0},
    }
    found = metrics(rows, corpus, changed())
    assert list(found) == ["base", "tuned", "gain", "prompts"]
    # By hand: 0.5 / 3, 0.25 / 3, and so on.
    assert found["base"] == {
        "bertscore": {
            "precision": 0.166667, "recall": 0.166667, "f1": 0.166667,
            "precision_raw": 0.083333, "recall_raw": 0.083333, "f1_raw": 0.083333,
        },
        "chrf": 1.666667, "bleu": 0.0, "corpus_chrf": 12.345679, "corpus_bleu": 1.0, "code_bertscore": 0.166667,
        "edit_similarity": 0.166667, "tree_similarity": 0.083333, "length_ratio": 0.5, "tree_match": 0.0,
        "signature_kept": 0.0, "names_bound": 0.0, "exact_match": 0.0, "syntax_valid": 0.333333,
        "expected_form": 0.333333, "stopped": 1.0,
    }  # fmt: skip
    assert found["tuned"]["syntax_valid"] == 1.0
    gains = found["gain"]
    ends = {name: {key: gain[key] for key in ("mean", "low", "high")} for name, gain in gains.items()}
    assert ends["f1"] == {"mean": 0.3, "low": 0.3, "high": 0.3}
    assert ends["chrf"] == {"mean": 3.0, "low": 3.0, "high": 3.0}
    assert ends["edit_similarity"] == {"mean": 0.3, "low": 0.3, "high": 0.3}
    assert ends["syntax_valid"] == ends["expected_form"] == {"mean": 0.666667, "low": 0.0, "high": 1.0}
    # Three prompts are too few for any test, however alike their gains.
    assert {gain["p_value"] for gain in gains.values()} == {1.0}
    assert gains["f1"]["detectable"] == 0.0 < gains["syntax_valid"]["detectable"]
    assert found["prompts"] == 3
