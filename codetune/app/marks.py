"""What can be said of an answer at once, beside its reference: the metrics that need no model."""

from __future__ import annotations

from codetune.evaluation.metrics.catalogue import CATALOGUE
from codetune.evaluation.metrics.scored import scored_text
from codetune.evaluation.metrics.structure import structure_scores
from codetune.evaluation.metrics.surface import edit_similarity, sentence_scores
from codetune.models.answer_form import Task

_SHOWN = ("chrf", "edit_similarity", "tree_similarity")


def quick_scores(answer: str, reference: str, task: Task = "python") -> dict[str, float]:
    """The scores of one answer by key of the catalogue; the same as `score` gives it."""
    answer = scored_text(answer, task)
    return {
        "chrf": sentence_scores(answer, reference)["chrf"],
        "edit_similarity": edit_similarity(answer, reference),
        "tree_similarity": structure_scores(answer, reference).tree_similarity,
    }


def quick_line(answer: str, reference: str, task: Task = "python") -> str:
    """The same in one line, with the names and digits of the comparison."""
    scores = quick_scores(answer, reference, task)
    shown = [metric for metric in CATALOGUE if metric.key in _SHOWN]
    return " · ".join(f"{metric.label} {metric.show(scores[metric.key])}" for metric in shown)
