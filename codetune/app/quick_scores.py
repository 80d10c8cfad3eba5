"""Score one answer against its reference, with the metrics that need no model."""

from __future__ import annotations

from codetune.evaluation.metrics.metric import Answer
from codetune.evaluation.metrics.registry import catalogue
from codetune.evaluation.metrics.scored import scored_text
from codetune.models.answer_form import Task


def quick_scores(answer: str, reference: str, task: Task = "python") -> dict[str, float]:
    """Return the scores of one answer by key of the metric, with the same values that `score` gives."""
    scored = Answer(scored_text(answer, task), reference)
    values = {metric.key: metric.measure(scored) for metric in catalogue() if metric.quick and metric.measure}
    return {key: value for key, value in values.items() if value is not None}


def quick_line(answer: str, reference: str, task: Task = "python") -> str:
    """Return the same scores in one line, with the labels and digits of the comparison."""
    scores = quick_scores(answer, reference, task)
    shown = [metric for metric in catalogue() if metric.key in scores]
    return " · ".join(f"{metric.label} {metric.show(scores[metric.key])}" for metric in shown)
