"""All there is to tell of two revisions."""

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
class SideBySide:
    """All there is to tell of two revisions.

    :param moved_by: the metric by which prompts are said to have moved: the first that both measured in the same way.
    :param moved: the prompts whose answer moved most by it, either way; the farthest first.
    :param data: what happened to the rows, as text and as a mapping; where a ledger is not here, both say so, the
        mapping under `missing`.
    """

    comparison: Comparison
    stages: StageChanges
    moved_by: Metric | None
    moved: list[Sample]
    data: tuple[str, dict[str, Any]]


def side_by_side(root: Path, before: str, after: str, prompts: int = 5) -> SideBySide:
    """Two revisions compared.

    :param before: a branch, tag, commit, experiment, or `workspace`; `after` likewise.
    :param prompts: how many of the prompts that moved most are told.
    :raises UserError: when there is no such revision, or it has no metrics, or they cannot be read.
    """
    repository = Repository(root)
    return gather(root, compare(*(_reports(repository, name) for name in (before, after))), prompts)


def gather(root: Path, comparison: Comparison, prompts: int = 5) -> SideBySide:
    """What there is to tell beyond a comparison that has been made.

    :param prompts: how many of the prompts that moved most are told.
    """
    before, after = comparison.baseline.revision, comparison.candidate.revision
    moved_by = next(iter(comparable_metrics(comparison)), None)
    return SideBySide(
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
        raise UserError(reports.problems[0], "Restore it with `git checkout`, or run `dvc repro`.")
    if not reports.measured:
        raise UserError(
            f"{revision.title} has no metrics", "Choose another revision, or run `dvc repro` there and commit."
        )
    return reports


def _moved(comparison: Comparison, metric: Metric | None) -> list[Sample]:
    if metric is None:
        return []
    samples = [sample for sample in samples_of(comparison) if sample.change(metric)]
    return sorted(by_change(samples, metric), key=lambda sample: -abs(sample.change(metric) or 0.0))


def data_changes(root: Path, before: str, after: str) -> tuple[str, dict[str, Any]]:
    """What happened to the rows, as text and as a mapping; where a ledger is not here, both say so.

    :param before: a branch, tag, commit, experiment, or `workspace`; `after` likewise.
    """
    # Imported late: it brings DVC, which a page that shows no rows should not wait for.
    from codetune.ledger.difference import data_difference

    try:
        return data_difference(root, before, after, examples=1)
    except UserError as error:
        return str(error), {"missing": str(error)}


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
