"""Collect everything that a report on two revisions shows: metrics, stages, prompts and data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.compare.comparison import Comparison, compare
from codetune.compare.samples import Sample, by_change, comparable_metrics, samples_of
from codetune.compare.wording import problem_name
from codetune.core.errors import UserError
from codetune.evaluation.metrics.metric import Metric
from codetune.history.listing import require_revision
from codetune.history.reading import load_reports
from codetune.history.reports import Reports
from codetune.history.repository import Repository
from codetune.history.stages import StageChanges, stage_changes


@dataclass(frozen=True)
class ComparisonReport:
    """All differences between two revisions that a report shows.

    :param comparison: the differences of metrics and parameters.
    :param stages: the stages that ran again.
    :param moved_by: the first metric that both revisions measured in the same way; None if there is none.
    :param moved: the prompts whose score by this metric changed most, up or down; the largest change first.
    :param data: changes of the rows as text and as a mapping. If a ledger is missing, the text says so, and so does the
        mapping under `missing`.
    """

    comparison: Comparison
    stages: StageChanges
    moved_by: Metric | None
    moved: list[Sample]
    data: tuple[str, dict[str, Any]]


def side_by_side(root: Path, before: str, after: str, prompts: int = 5) -> ComparisonReport:
    """Read and compare two revisions.

    :param root: the folder of the project.
    :param before: the baseline: a branch, tag, commit, experiment, or `workspace`.
    :param after: the candidate, named in the same way.
    :param prompts: maximum number of prompts in `moved`.
    :raises UserError: when there is no such revision, or it has no metrics, or its reports cannot be read.
    """
    repository = Repository(root)
    return gather(root, compare(*(_reports(repository, name) for name in (before, after))), prompts)


def gather(root: Path, comparison: Comparison, prompts: int = 5) -> ComparisonReport:
    """Add the differences of stages, prompts and data to a comparison.

    :param root: the folder of the project.
    :param prompts: maximum number of prompts in `moved`.
    """
    before, after = comparison.baseline.revision, comparison.candidate.revision
    moved_by = next(iter(comparable_metrics(comparison)), None)
    return ComparisonReport(
        comparison,
        stage_changes(Repository(root), before, after),
        moved_by,
        _moved(comparison, moved_by)[:prompts],
        data_changes(root, before.key, after.key),
    )


def _reports(repository: Repository, name: str) -> Reports:
    revision = require_revision(repository, name)
    reports = load_reports(repository, revision)
    if reports.problems:
        what, _, remedy = reports.problems[0].rpartition(". ")
        raise UserError(what, remedy)
    if not reports.measured:
        raise UserError(
            f"{revision.title} has no metrics",
            "Choose another revision, or check it out, run `dvc repro` and commit the reports.",
        )
    return reports


def _moved(comparison: Comparison, metric: Metric | None) -> list[Sample]:
    if metric is None:
        return []
    samples = [sample for sample in samples_of(comparison) if sample.change(metric)]
    return sorted(by_change(samples, metric), key=lambda sample: -abs(sample.change(metric) or 0.0))


def data_changes(root: Path, before: str, after: str) -> tuple[str, dict[str, Any]]:
    """Compare the ledgers of two revisions. If one is missing, the result says so.

    :param root: the folder of the project.
    :param before: the baseline: a branch, tag, commit, experiment, or `workspace`.
    :param after: the candidate, named in the same way.
    :returns: the changes as text, and as a mapping for JSON; without a ledger both have the reason.
    """
    # Imported here because it imports DVC, which is slow and which pages without rows do not need.
    from codetune.ledger.difference import data_difference

    try:
        return data_difference(root, before, after, examples=1)
    except UserError as error:
        return str(error), {"missing": str(error)}


def flip_rows(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    """Yield the problems that only one model solves: set, `won` or `lost`, and name of the problem."""
    for found in comparison.flips:
        for way, tasks in (("won", found.won), ("lost", found.lost)):
            yield from ((found.set, way, problem_name(comparison.candidate, task)) for task in tasks)


def answers(sample: Sample) -> Iterator[tuple[str, str]]:
    """Yield the reference and the two answers, each with its label.

    :returns: label (`reference`, `baseline` or `candidate`) and text.
    """
    yield "reference", sample.prompt.reference
    yield "baseline", sample.before.text
    yield "candidate", sample.after.text
