"""Write a comparison as text for the terminal, or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from codetune.compare.comparison import Comparison, MetricDifference
from codetune.compare.gather import ComparisonReport, answers, flip_rows
from codetune.compare.intervals import settings_of
from codetune.compare.reasons import outputs_text, stage_reasons
from codetune.compare.samples import Sample
from codetune.compare.wording import (
    corrected_p_text,
    difference_text,
    discrimination_text,
    flips_sentence,
    interval_text,
    source_sentences,
    verdict_sentence,
)
from codetune.core.files import split_lines
from codetune.core.markdown import escaped, fenced, table
from codetune.evaluation.metrics.metric import Metric
from codetune.history.stages import StageChanges

_ANSWER_LINES = 12


def as_text(found: ComparisonReport) -> str:
    """Format a comparison for the terminal."""
    comparison = found.comparison
    sides = (("baseline", comparison.baseline), ("candidate", comparison.candidate))
    lines = [f"{name:10} {reports.revision.title}" for name, reports in sides]
    lines += ["", verdict_sentence(comparison), *(f"! {notice}" for notice in comparison.notices), ""]
    lines += _columns(*_metric_table(comparison))
    if comparison.flips:
        lines += ["", "problems:", *(f"  {flips_sentence(found)}" for found in comparison.flips)]
        lines += [f"    {way:5} {name} {problem}" for name, way, problem in flip_rows(comparison)]
    if sources := source_sentences(comparison):
        lines += ["", "by source:", *(f"  {sentence}" for sentence in sources)]
    lines += ["", "parameters:" if comparison.parameters else "No parameter differs."]
    lines += [f"  {item.key}: {item.baseline} \u2192 {item.candidate}" for item in comparison.parameters]
    lines += ["", *_stage_lines(found.stages)]
    lines += ["", "data:", *(f"  {line}".rstrip() for line in split_lines(found.data[0]))]
    return "\n".join([*lines, *_moved_lines(found)])


def _columns(*rows: list[str]) -> Iterator[str]:
    """Yield lines with the cells in columns; numbers are right-aligned."""
    last = len(rows[0]) - 1
    widths = [max(len(row[place]) for row in rows) for place in range(last + 1)]
    for row in rows:
        cells = [
            cell.ljust(width) if place in (0, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _stage_lines(stages: StageChanges) -> Iterator[str]:
    if not stages.differences:
        yield stages.missing or "No stage re-ran."
        return
    yield "stages:"
    for difference in stages.differences:
        yield f"  {difference.stage} {difference.state}"
        yield from (f"    {reason}" for reason in stage_reasons(difference))
        if outputs := outputs_text(difference):
            yield f"    outputs that differ: {outputs}" if difference.outputs else f"    outputs: {outputs}"


def _moved_lines(found: ComparisonReport) -> Iterator[str]:
    for sample in found.moved:
        told = _score_text(sample, found.moved_by) if found.moved_by else ""
        yield from ("", f"{sample.prompt.id}  {sample.prompt.qualname}  {told}", f"  {sample.prompt.instruction}")
        for name, text in answers(sample):
            shown = split_lines(text)
            yield f"  {name}:"
            yield from (f"    {line}".rstrip() for line in shown[:_ANSWER_LINES])
            if len(shown) > _ANSWER_LINES:
                yield f"    \u2026 {len(shown) - _ANSWER_LINES} more lines"


def as_markdown(found: ComparisonReport) -> str:
    """Format a comparison as Markdown for an issue, a pull request or a report."""
    comparison = found.comparison
    titles = [reports.revision.title for reports in (comparison.baseline, comparison.candidate)]
    head, *cells = _metric_table(comparison)
    metrics = table(head, cells, range(1, len(head) - 1))
    parts = [f"## {titles[0]} against {titles[1]}", verdict_sentence(comparison)]
    parts += [f"> **Note** {notice}" for notice in comparison.notices]
    parts.append(metrics)
    if comparison.flips:
        parts += ["### Problems", "; ".join(map(flips_sentence, comparison.flips))]
        moved = [[escaped(name), way, escaped(problem)] for name, way, problem in flip_rows(comparison)]
        parts += [table(["set", "became", "problem"], moved)] if moved else []
    if sources := source_sentences(comparison):
        parts += ["### By source", "\n".join(f"- {escaped(sentence)}" for sentence in sources)]
    parts.append("### Parameters")
    if comparison.parameters:
        rows = [[f"`{item.key}`", escaped(item.baseline), escaped(item.candidate)] for item in comparison.parameters]
        parts.append(table(["parameter", "baseline", "candidate"], rows))
    else:
        parts.append("None differs.")
    parts += ["### Stages", _stage_table(found.stages)]
    parts += ["### Data", fenced(found.data[0], "text")]
    return "\n\n".join([*parts, *_moved_parts(found)])


def _stage_table(stages: StageChanges) -> str:
    if not stages.differences:
        return escaped(stages.missing) or "None re-ran."
    rows = [
        [f"`{item.stage}`", item.state, escaped("; ".join(stage_reasons(item))), escaped(outputs_text(item))]
        for item in stages.differences
    ]
    return table(["stage", "state", "why", "outputs that differ"], rows)


def _moved_parts(found: ComparisonReport) -> Iterator[str]:
    for sample in found.moved:
        yield f"### {sample.prompt.qualname} ({sample.prompt.id})"
        yield _score_text(sample, found.moved_by) if found.moved_by else ""
        yield " ".join(sample.prompt.instruction.split())
        for name, text in answers(sample):
            yield f"{name}:"
            yield fenced(text.rstrip(), "python")


def _metric_table(comparison: Comparison) -> list[list[str]]:
    """The metrics of the tuned models as rows of texts; the first row has the names of the columns.

    The table has a column with the AUC of passing against failing answers if the candidate has it for any metric.
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
    """The cells of one metric: name, both values, difference, interval, p-value and detectable difference."""
    values = ["" if value is None else row.metric.show(value) for value in (row.baseline, row.candidate)]
    least = "" if row.detectable is None else row.metric.show_difference(row.detectable)
    return [row.metric.label, *values, difference_text(row), interval_text(row), corrected_p_text(row), least]


def _score_text(sample: Sample, metric: Metric) -> str:
    """The scores of both answers by one metric, such as `BERTScore F1 0.2778 → 0.3662`."""
    key = metric.score or metric.key
    before, after = (metric.show(answer.scores.get(key, 0.0)) for answer in (sample.before, sample.after))
    return f"{metric.label} {before} \u2192 {after}"
