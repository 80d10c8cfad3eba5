"""The parts that text and Markdown have in common."""

from __future__ import annotations

from collections.abc import Iterator

from codetune.revisions.catalogue import Metric
from codetune.revisions.comparison import Comparison, MetricDifference, Verdict
from codetune.revisions.intervals import settings_of
from codetune.revisions.samples import Sample
from codetune.revisions.wording import (
    difference_text,
    discrimination_text,
    interval_text,
    p_value_text,
    problem_name,
)


def metric_table(comparison: Comparison) -> list[list[str]]:
    """The tuned models' metrics as rows of texts, the names of the columns first.

    How well a metric tells passing answers from failing ones has a column where the candidate knows it of any.
    """
    confidence = settings_of(comparison.candidate.params).confidence
    rows = comparison.rows["tuned"]
    worth = [discrimination_text(comparison.candidate, row.metric) for row in rows]
    head = ["tuned model", "baseline", "candidate", "difference", f"{confidence:.0%} interval", "p (Holm)",
            "detectable", *(["AUC of passing"] if any(worth) else []), "verdict"]  # fmt: skip
    body = [
        [*_metric_cells(row), *([told] if any(worth) else []), row.verdict.value]
        for row, told in zip(rows, worth, strict=True)
    ]
    return [head, *body]


def _metric_cells(row: MetricDifference) -> list[str]:
    """One metric as texts: its name, both values, and the difference with its certainty."""
    values = ["" if value is None else row.metric.show(value) for value in (row.baseline, row.candidate)]
    p_value = "" if row.p_value is None or row.verdict is Verdict.SAME else p_value_text(row.p_value)
    least = "" if row.detectable is None else row.metric.show_difference(row.detectable)
    return [row.metric.label, *values, difference_text(row), interval_text(row), p_value, least]


def flip_rows(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    """Yield the problems that changed sides: set, `won` or `lost`, and the problem."""
    for found in comparison.flips:
        for way, tasks in (("won", found.won), ("lost", found.lost)):
            yield from ((found.set, way, problem_name(comparison.candidate, task)) for task in tasks)


def answers(sample: Sample) -> Iterator[tuple[str, str]]:
    """The reference and the two tuned answers, each with its name."""
    yield "reference", sample.prompt.reference
    yield "baseline", sample.before.text
    yield "candidate", sample.after.text


def score_text(sample: Sample, metric: Metric) -> str:
    """Both answers' values of one metric, such as `BERTScore F1 0.2778 → 0.3662`."""
    key = metric.score or metric.key
    before, after = (metric.show(answer.scores.get(key, 0.0)) for answer in (sample.before, sample.after))
    return f"{metric.label} {before} \u2192 {after}"
