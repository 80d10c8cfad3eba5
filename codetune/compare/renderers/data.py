"""Write a comparison for programs, with unrounded numbers: as JSON, and as one CSV table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from codetune.compare.comparison import Comparison, MetricDifference
from codetune.compare.gather import ComparisonReport, answers, flip_rows
from codetune.compare.reasons import stage_reasons
from codetune.compare.samples import Sample
from codetune.compare.wording import discrimination, verdict_sentence
from codetune.history.stages import StageChanges
from codetune.ledger.changes import HEADINGS

_NUMBERS = ("baseline", "candidate", "difference", "low", "high", "p_value", "detectable", "spread")
_AUC = {"auc": "mean", "auc_low": "low", "auc_high": "high"}
COLUMNS = ("part", "name", *_NUMBERS, *_AUC, "larger_is_better", "verdict")
# First characters of text that a spreadsheet would read as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(found: ComparisonReport) -> dict[str, Any]:
    """Convert a comparison to a mapping for JSON, with unrounded numbers."""
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
        "metrics": {role: _metrics(rows, comparison) for role, rows in comparison.rows.items()},
        "gain": _metrics(comparison.gain, comparison),
        "flips": [asdict(found) for found in comparison.flips],
        "by_source": {source: _metrics(rows, comparison) for source, rows in comparison.by_source.items()},
        "parameters": [asdict(item) for item in comparison.parameters],
        "stages": _stages(found.stages),
        "data": found.data[1],
        "moved_by": found.moved_by.key if found.moved_by else None,
        "moved": [_sample(sample) for sample in found.moved],
    }


def _metrics(rows: list[MetricDifference], comparison: Comparison) -> list[dict[str, Any]]:
    return [_metric(row, discrimination(comparison.candidate, row.metric)) for row in rows]


def _metric(row: MetricDifference, area: dict[str, float] | None) -> dict[str, Any]:
    """One metric; with the AUC of passing against failing answers if it is known."""
    return {
        "metric": row.metric.key,
        **{name: getattr(row, name) for name in _NUMBERS},
        **{name: area[key] if area else None for name, key in _AUC.items()},
        "larger_is_better": row.metric.larger_is_better,
        "verdict": row.verdict.value,
    }


def _stages(stages: StageChanges) -> dict[str, Any]:
    if stages.missing:
        return {"missing": stages.missing}
    return {
        "changed": [
            asdict(item) | {"causes": [asdict(cause) for cause in item.causes], "outputs": list(item.outputs)}
            for item in stages.differences
        ]
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "id": sample.prompt.id,
        "group": sample.prompt.group,
        "qualname": sample.prompt.qualname,
        "instruction": sample.prompt.instruction,
        "scores": {"baseline": sample.before.scores, "candidate": sample.after.scores},
        "answers": dict(answers(sample)),
    }


def as_csv(found: ComparisonReport) -> str:
    """Convert a comparison to one CSV table: the metrics first, then the other differences.

    The column `part` gives the kind of line: `tuned`, `base` and `gain` are metrics, `problem` a problem that was won
    or lost, `parameter` a parameter with both values, `stage` a stage with its state and reasons, `data` a number of
    rows with the same change, and `prompt` a prompt with its score by the metric `moved_by`.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in _rows(found):
        writer.writerow({name: _plain(value) for name, value in row.items()})
    return buffer.getvalue()


def _rows(found: ComparisonReport) -> Iterator[dict[str, Any]]:
    content = as_json(found)
    metrics = {"tuned": content["metrics"]["tuned"], "base": content["metrics"]["base"], "gain": content["gain"]}
    metrics |= {f"tuned on {source}": rows for source, rows in content["by_source"].items()}
    for part, rows in metrics.items():
        for row in rows:
            yield {"part": part, "name": row["metric"], **{key: row[key] for key in row if key != "metric"}}
    for name, way, problem in flip_rows(found.comparison):
        yield {"part": "problem", "name": f"{name} {problem}", "verdict": way}
    for item in content["parameters"]:
        yield {"part": "parameter", "name": item["key"], "baseline": item["baseline"], "candidate": item["candidate"]}
    for stage in found.stages.differences:
        why = "; ".join(stage_reasons(stage))
        yield {"part": "stage", "name": stage.stage, "candidate": why, "verdict": stage.state}
    yield from _data_rows(content["data"])
    for sample in found.moved:
        yield _moved_row(found, sample)


def _data_rows(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for happened in (words.replace(" ", "_") for words in HEADINGS.values()):
        for change in data.get(happened, []):
            states = {"baseline": change["before"], "candidate": change["after"]}
            yield {"part": "data", "name": happened, **states, "difference": change["rows"]}


def _moved_row(found: ComparisonReport, sample: Sample) -> dict[str, Any]:
    metric = found.moved_by
    if metric is None:
        return {}
    key = metric.score or metric.key
    values = {"baseline": sample.before.scores.get(key), "candidate": sample.after.scores.get(key)}
    way = sample.way(metric)
    return {
        "part": "prompt",
        "name": f"{sample.prompt.id} {metric.key}",
        **values,
        "difference": sample.change(metric),
        "verdict": way.value if way else "",
    }


def _plain(value: Any) -> Any:
    """A value that is safe in a spreadsheet: text that looks like a formula gets a leading quote."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
