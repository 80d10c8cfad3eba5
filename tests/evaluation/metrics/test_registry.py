"""One entry is all that a metric needs: a toy metric appears wherever metrics are stored, compared and shown."""

from dataclasses import replace

import pytest

from codetune.app.ui.tables import metric_table
from codetune.cli.summary import metrics_table
from codetune.compare.comparison import compare, gain_of
from codetune.core.files import read_json, read_jsonl
from codetune.evaluation.metrics import registry
from codetune.evaluation.metrics.metric import Answer, Metric
from codetune.evaluation.metrics.table import metrics, stored_scores
from codetune.export.merge import MergeCheck
from codetune.history.listing import Kind, Revision
from codetune.history.reports import PromptScores, Reports
from codetune.reporting.model_card import CardFacts, model_card
from codetune.schemas.checking import checked
from codetune.schemas.columns import Similarity
from tests.evaluation.metrics.conftest import PROJECT, changed
from tests.support.tables import answer_scores

TOY = Metric(
    "vowels", "Vowels", "Share of letters that are vowels.", "vowels", digits=3, column=Similarity,
    measure=lambda answer: sum(letter in "aeiou" for letter in answer.text) / max(1, len(answer.text)), gain="vowels",
)  # fmt: skip
TEXTS = {"base": ["xyz", "bcd", "fgh", "klm"], "tuned": ["axe", "ice", "oat", "sea"]}


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(registry.METRICS, TOY.key, TOY)


@pytest.fixture
def rows(toy):
    raw = {"bertscore_precision_raw": 0.5, "bertscore_recall_raw": 0.5}
    return [
        {"id": f"{place:016x}", "group": "g"}
        | {
            role: answer_scores() | raw | {"vowels": round(TOY.measure(Answer(texts[place], "")), 6)}
            for role, texts in TEXTS.items()
        }
        for place in range(4)
    ]


@pytest.fixture
def report(rows):
    corpus = {role: {"corpus_chrf": 1.0, "corpus_bleu": 1.0} for role in TEXTS}
    return metrics(rows, corpus, changed(bootstrap_samples=200))


def reports_of(rows, report):
    scores = {row["id"]: PromptScores("g", row["base"], row["tuned"]) for row in rows}
    params = {"score": {"bootstrap_samples": 200, "seed": 7, "confidence": 0.95}}
    return Reports(Revision(Kind.COMMIT, "a", "a" * 40), metrics=report, scores=scores, params=params)


def test_it_is_stored_and_checked(rows, tmp_path):
    kept = list(checked(stored_scores(rows), registry.schema(), tmp_path / "scores.jsonl"))
    assert kept[0]["base"]["vowels"] == 0
    assert kept[0]["tuned"]["vowels"] == pytest.approx(2 / 3, abs=1e-6)
    assert "precision_raw" not in str(kept[0])


def test_it_has_a_mean_and_a_gain(report):
    assert report["base"]["vowels"] == 0
    assert report["gain"]["vowels"]["mean"] == report["tuned"]["vowels"] == pytest.approx(2 / 3, abs=1e-6)


def test_readers_see_it_everywhere(rows, report):
    assert "Vowels" in metrics_table(report)
    assert "+0.667 (+0.667 to +0.667)" in metrics_table(report)
    check = MergeCheck(prompts=1, logits=1, max_difference=0.0, allowed=1.0, tokens=1, ties=0)
    params = {"model": {"base": "b"}, "train": {}, "export": {"dtype": "float32"}}
    assert "| Vowels | 0.000 | 0.667 | +0.667" in model_card(CardFacts(params, check, "x", metrics=report))
    found = reports_of(rows, report)
    assert "Vowels" in [row.metric.label for row in compare(found, replace(found)).rows["tuned"]]
    page = metric_table(gain_of(found), found, "Base", "Tuned")
    assert "Vowels" in page
    assert "+0.667 to +0.667" in page


def test_an_entry_is_whole():
    for metric in registry.METRICS.values():
        assert (metric.measure is None) is not (metric.corpus is None), metric.key
        assert bool(metric.measure) is bool(metric.score and metric.column is not None), metric.key
        assert not metric.shown or metric.explanation, metric.key
        assert not metric.sign or metric.signature, metric.key
        assert not metric.gain or metric in registry.family_metrics(), metric.key
    scores = [metric.score for metric in registry.per_prompt()]
    assert len(set(scores)) == len(scores)


def test_the_stored_gains_are_those_of_compare():
    """reports/metrics.json, `compare` and the page give the same p-value: here computed anew from the tree's scores."""
    scores = list(read_jsonl(PROJECT / "reports/scores.jsonl"))
    report = read_json(PROJECT / "reports/metrics.json")
    lost = {f"bertscore_{part}_raw": 0.0 for part in ("precision", "recall")}
    rows = [row | {role: row[role] | lost for role in TEXTS} for row in scores]
    corpus = {role: {key: report[role][key] for key in ("corpus_chrf", "corpus_bleu")} for role in TEXTS}
    made = metrics(rows, corpus, changed(bootstrap_samples=10_000))
    found = reports_of(rows, report)
    settings = {"score": {"bootstrap_samples": 10_000, "seed": 7, "confidence": 0.95}}
    shown = {row.metric.key: row for row in gain_of(replace(found, params=settings))}
    for metric in registry.family_metrics():
        if metric.gain:
            row, gain = shown[metric.key], made["gain"][metric.gain]
            assert row.p_value == pytest.approx(gain["p_value"], rel=1e-5)
            assert (row.low, row.high) == pytest.approx((gain["low"], gain["high"]), abs=1e-6)
    # All but the p-values, which follow the family, is what the tree has.
    for name, gain in made["gain"].items():
        assert {**gain, "p_value": 0} == {**report["gain"][name], "p_value": 0}
