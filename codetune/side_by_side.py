"""Two revisions side by side in words: `python -m codetune compare`, as text, Markdown or JSON, from any clone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codetune.accounting.difference import data_difference
from codetune.errors import UserError
from codetune.markdown import escaped, fenced, table
from codetune.revisions.comparison import AlignedPrompt, Comparison, MetricDifference, Verdict, compare
from codetune.revisions.intervals import settings_of
from codetune.revisions.listing import require_revision
from codetune.revisions.reports import Reports, load_reports
from codetune.revisions.repository import Repository
from codetune.revisions.wording import difference_text, interval_text, verdict_sentence

_MOVED_BY = "bertscore_f1"
_ANSWER_LINES = 12


@dataclass(frozen=True)
class SideBySide:
    """All there is to tell of two revisions.

    :param moved: the prompts whose answer moved most, either way; the farthest first.
    :param data: what happened to the rows, as text and as a mapping; where a ledger is not here, both say so, the
        mapping under `missing`.
    """

    comparison: Comparison
    moved: list[AlignedPrompt]
    data: tuple[str, dict[str, Any]]


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


def _moved(prompt: AlignedPrompt) -> float:
    return prompt.candidate_tuned.get(_MOVED_BY, 0.0) - prompt.baseline_tuned.get(_MOVED_BY, 0.0)


def _data(root: Path, before: str, after: str) -> tuple[str, dict[str, Any]]:
    try:
        return data_difference(root, before, after, examples=1)
    except UserError as error:
        return str(error), {"missing": str(error)}


def side_by_side(root: Path, before: str, after: str, prompts: int = 5) -> SideBySide:
    """Two revisions compared.

    :param root: the folder of the project.
    :param before: a branch, tag, commit, experiment, or `workspace`; `after` likewise.
    :param prompts: how many of the prompts that moved most are told.
    :raises UserError: when there is no such revision, or it has no metrics, or they cannot be read.
    """
    repository = Repository(root)
    comparison = compare(*(_reports(repository, name) for name in (before, after)))
    moved = [prompt for prompt in comparison.prompts if _moved(prompt)]
    moved.sort(key=lambda prompt: (-abs(_moved(prompt)), prompt.candidate.id))
    return SideBySide(comparison, moved[:prompts], _data(root, before, after))


def _cells(row: MetricDifference) -> list[str]:
    values = ["" if value is None else row.metric.show(value) for value in (row.baseline, row.candidate)]
    tested = row.p_value is not None and row.verdict is not Verdict.SAME
    p_value = f"{row.p_value:.4f}" if tested else ""
    least = "" if row.detectable is None else row.metric.show(row.detectable)
    return [row.metric.label, *values, difference_text(row), interval_text(row), p_value, least, row.verdict.value]


def _head(comparison: Comparison) -> list[str]:
    confidence = settings_of(comparison.candidate.params).confidence
    return [
        "tuned model",
        "baseline",
        "candidate",
        "difference",
        f"{confidence:.0%} interval",
        "p (Holm)",
        "detectable",
        "verdict",
    ]


def _columns(head: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """The cells in columns for the terminal, numbers to the right."""
    table = [head, *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    for row in table:
        cells = [
            cell.ljust(width) if place in (0, len(head) - 1) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _answers(prompt: AlignedPrompt) -> Iterator[tuple[str, str]]:
    """The reference and the two tuned answers, each with its name."""
    yield "reference", prompt.candidate.reference
    for name, side in (("baseline", prompt.baseline), ("candidate", prompt.candidate)):
        answer = side.answers.get("tuned")
        yield name, answer.text if answer else ""


def _score_text(prompt: AlignedPrompt) -> str:
    scores = (side.get(_MOVED_BY, 0.0) for side in (prompt.baseline_tuned, prompt.candidate_tuned))
    before, after = (f"{score:.3f}".replace("-", "\u2212") for score in scores)
    return f"BERTScore F1 {before} → {after}"


def as_text(found: SideBySide) -> str:
    """The comparison for the terminal."""
    comparison = found.comparison
    sides = (("baseline", comparison.baseline), ("candidate", comparison.candidate))
    lines = [f"{name:10} {reports.revision.title}" for name, reports in sides]
    lines += ["", verdict_sentence(comparison), *(f"! {notice}" for notice in comparison.notices), ""]
    lines += _columns(_head(comparison), map(_cells, comparison.rows["tuned"]))
    lines += ["", "parameters:" if comparison.parameters else "No parameter differs."]
    lines += [f"  {item.key}: {item.baseline} → {item.candidate}" for item in comparison.parameters]
    lines += ["", "data:", *(f"  {line}".rstrip() for line in found.data[0].splitlines())]
    for prompt in found.moved:
        lines += ["", f"{prompt.candidate.id}  {prompt.candidate.qualname}  {_score_text(prompt)}"]
        lines.append(f"  {prompt.candidate.instruction}")
        for name, text in _answers(prompt):
            shown = text.splitlines()
            lines += [f"  {name}:", *(f"    {line}".rstrip() for line in shown[:_ANSWER_LINES])]
            if len(shown) > _ANSWER_LINES:
                lines.append(f"    … {len(shown) - _ANSWER_LINES} more lines")
    return "\n".join(lines)


def as_markdown(found: SideBySide) -> str:
    """The comparison for an issue, a pull request or a report."""
    comparison = found.comparison
    titles = [reports.revision.title for reports in (comparison.baseline, comparison.candidate)]
    head = _head(comparison)
    metrics = table(head, [_cells(row) for row in comparison.rows["tuned"]], range(1, len(head) - 1))
    parts = [f"## {titles[0]} against {titles[1]}", verdict_sentence(comparison)]
    parts += [f"> **Note** {notice}" for notice in comparison.notices]
    parts += [metrics, "### Parameters"]
    if comparison.parameters:
        rows = [[f"`{item.key}`", escaped(item.baseline), escaped(item.candidate)] for item in comparison.parameters]
        parts.append(table(["parameter", "baseline", "candidate"], rows))
    else:
        parts.append("None differs.")
    parts += ["### Data", fenced(found.data[0], "text")]
    for prompt in found.moved:
        parts += [f"### {prompt.candidate.qualname} ({prompt.candidate.id})", _score_text(prompt)]
        parts.append(" ".join(prompt.candidate.instruction.split()))
        for name, text in _answers(prompt):
            parts += [f"{name}:", fenced(text.rstrip(), "python")]
    return "\n\n".join(parts)


def _metric_json(row: MetricDifference) -> dict[str, Any]:
    return {
        "metric": row.metric.key,
        "baseline": row.baseline,
        "candidate": row.candidate,
        "difference": row.difference,
        "low": row.low,
        "high": row.high,
        "p_value": row.p_value,
        "detectable": row.detectable,
        "larger_is_better": row.metric.larger_is_better,
        "verdict": row.verdict.value,
    }


def as_json(found: SideBySide) -> dict[str, Any]:
    """The comparison for programs: the same numbers, unrounded."""
    comparison = found.comparison
    sides = (("baseline", comparison.baseline), ("candidate", comparison.candidate))
    return {
        **{
            name: {"revision": reports.revision.name, "commit": reports.revision.commit, "prompts": len(reports.scores)}
            for name, reports in sides
        },
        "shared_prompts": comparison.shared,
        "verdict": verdict_sentence(comparison),
        "notices": comparison.notices,
        "metrics": {role: [_metric_json(row) for row in rows] for role, rows in comparison.rows.items()},
        "gain": [_metric_json(row) for row in comparison.gain],
        "parameters": [asdict(item) for item in comparison.parameters],
        "data": found.data[1],
        "moved": [
            {
                "id": prompt.candidate.id,
                "group": prompt.candidate.group,
                "qualname": prompt.candidate.qualname,
                "instruction": prompt.candidate.instruction,
                "scores": {"baseline": prompt.baseline_tuned, "candidate": prompt.candidate_tuned},
                "answers": dict(_answers(prompt)),
            }
            for prompt in found.moved
        ],
    }
