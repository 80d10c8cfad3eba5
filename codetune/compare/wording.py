"""Describe a comparison in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from codetune.compare.comparison import Comparison, MetricDifference, Verdict
from codetune.compare.flips import Flips
from codetune.compare.intervals import settings_of
from codetune.evaluation.metrics.metric import Metric
from codetune.evaluation.metrics.registry import F1, main_metrics
from codetune.history.reports import Reports
from codetune.history.running import Run
from codetune.history.unfinished import OutdatedStage

_SMALLEST_P = 0.0001


def interval_text(row: MetricDifference) -> str:
    """Format the interval of a difference, such as `+0.011 to +0.031`; empty if there is none."""
    if row.low is None or row.high is None or row.verdict is Verdict.SAME:
        return ""
    return f"{row.metric.show(row.low, signed=True)} to {row.metric.show(row.high, signed=True)}"


def difference_text(row: MetricDifference) -> str:
    """Format a difference with its sign; empty if there is none."""
    return "" if row.difference is None else row.metric.show(row.difference, signed=True)


def detectable_text(row: MetricDifference) -> str:
    """Format the smallest detectable difference; empty if it is not known or both models have the same scores."""
    return "" if row.detectable is None or row.verdict is Verdict.SAME else row.metric.show_difference(row.detectable)


def p_value_text(value: float, equal: str = "") -> str:
    """Format a p-value, such as `0.0123`; a value that four digits would show as zero becomes `< 0.0001`.

    :param equal: text before the number, such as `= `; not used with `<`.
    """
    return f"{equal}{value:.4f}" if value >= _SMALLEST_P else f"< {_SMALLEST_P}"


def corrected_p_text(row: MetricDifference) -> str:
    """Format the corrected p-value; empty if there is none or both models have the same scores."""
    return "" if row.p_value is None or row.verdict is Verdict.SAME else p_value_text(row.p_value)


def verdict_reason(row: MetricDifference, level: float) -> str:
    """Say why a difference is indistinguishable although its interval or its p-value suggests otherwise.

    :param level: the largest p-value of a significant difference.
    :returns: a clause; empty if the interval and the p-value agree.
    """
    if row.verdict is not Verdict.INDISTINGUISHABLE or row.p_value is None or row.low is None or row.high is None:
        return ""
    if row.low <= 0 <= row.high:
        return "the interval contains 0" if row.p_value <= level else ""
    corrected = f" after correction for {row.family} metrics" if row.family > 1 else ""
    return f"p is above {level:g}{corrected}"


def _evidence(row: MetricDifference, reports: Reports) -> str:
    """Format the interval in parentheses, with the reason if the verdict does not follow it; empty without interval."""
    parts = [interval_text(row), verdict_reason(row, 1 - settings_of(reports.params).confidence)]
    return f" ({'; '.join(filter(None, parts))})" if parts[0] else ""


def certainty_text(row: MetricDifference) -> str:
    """Describe how certain a verdict is: corrected p-value and smallest detectable difference; empty if not known."""
    if row.p_value is None or row.detectable is None or row.verdict is Verdict.SAME:
        return ""
    found, least = p_value_text(row.p_value, "= "), detectable_text(row)
    return f"p {found}, corrected over all metrics; these prompts can show a difference of {least} or more"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listing(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def leading_metric(reports: Reports, rows: list[MetricDifference]) -> MetricDifference | None:
    """Find the row of the most important metric that has an interval, in the order of `main_metrics`."""
    by_key = {row.metric.key: row for row in rows if row.low is not None}
    return next((by_key[metric.key] for metric in main_metrics(reports.task) if metric.key in by_key), None)


def verdict_sentence(comparison: Comparison) -> str:
    """Describe the comparison in one sentence, and its most important metric in a second sentence."""
    rows = [row for row in comparison.rows["tuned"] if row.verdict is not Verdict.UNCERTAIN]
    counts = Counter(row.verdict for row in rows)
    told = [f"{verdict.value} on {counts[verdict]}" for verdict in Verdict if counts[verdict]]
    if not told:
        return "The two revisions share no metric that could be compared prompt by prompt."
    if counts[Verdict.SAME] == len(rows) == len(comparison.rows["tuned"]):
        return f"The candidate reports exactly what the baseline reports, over {_plural(comparison.shared, 'prompt')}."
    first = f"The candidate is {_listing(told)} of {_plural(len(rows), 'metric')}"
    over = f", over {_plural(comparison.shared, 'prompt')}." if comparison.shared else "."
    lead = leading_metric(comparison.candidate, [row for row in rows if row.verdict is not Verdict.SAME])
    if lead is None:
        return first + over
    return f"{first}{over} {lead.metric.label} {difference_text(lead)}{_evidence(lead, comparison.candidate)}."


def source_sentences(comparison: Comparison) -> list[str]:
    """Describe the difference of the most important metric over the prompts of each source, in one sentence each."""
    told = []
    for source, rows in comparison.by_source.items():
        lead = leading_metric(comparison.candidate, rows)
        if lead is not None:
            prompts = sum(
                comparison.candidate.sources.get(scores.group) == source and prompt in comparison.baseline.scores
                for prompt, scores in comparison.candidate.scores.items()
            )
            found = difference_text(lead)
            certain = _evidence(lead, comparison.candidate)
            told.append(
                f"{_plural(prompts, 'prompt')} of {source}: {lead.metric.label} {found}{certain}, {lead.verdict.value}"
            )
    return told


def meaning_text(reports: Reports, metric: Metric) -> str:
    """Describe how often the metric scored a working program higher than a broken one.

    The text is empty if that was not measured, or was measured with other settings of the metric.
    """
    signature = reports.validity.get("signatures", {}).get(metric.signature or "")
    if signature is not None and signature != reports.signatures.get(metric.signature or ""):
        return ""
    found = reports.validity.get("metrics", {}).get(metric.score or "", {}).get("all")
    if not isinstance(found, dict):
        return ""
    share, low, high = (f"{100 * found[key]:.0f}" for key in ("mean", "low", "high"))
    return (
        f"Of a working and a broken variant of a function it scored the working one higher in {share} % of pairs "
        f"({low} to {high}; chance: 50)."
    )


def discrimination(reports: Reports, metric: Metric) -> dict[str, float] | None:
    """How well a metric separates answers that pass from answers to the same problem that fail.

    :returns: `mean`, `low` and `high` of its AUC; None if that was not measured, or was measured with other settings of
        the metric.
    """
    asked = reports.answer_validity
    signature = asked.get("signatures", {}).get(metric.signature or "")
    found = asked.get("metrics", {}).get(metric.score or "")
    if not isinstance(found, dict) or signature not in (None, reports.signatures.get(metric.signature or "")):
        return None
    return found


def discrimination_text(reports: Reports, metric: Metric) -> str:
    """Format the AUC of `discrimination` with its interval, such as `0.61 (0.55 to 0.67)`; empty if it is not known."""
    found = discrimination(reports, metric)
    return f"{found['mean']:.2f} ({found['low']:.2f} to {found['high']:.2f})" if found else ""


def discrimination_sentence(reports: Reports, metric: Metric) -> str:
    """Describe the AUC of `discrimination` in a sentence; empty if it is not known."""
    area = discrimination_text(reports, metric)
    return f"AUC of passing against failing answers to the same problem: {area}; chance: 0.5." if area else ""


def metric_help(reports: Reports, metric: Metric) -> str:
    """Explain a metric, with the measured evidence of how well it recognises programs and answers that work."""
    note = "" if reports.task in metric.tasks else "It is made for code, and is not meaningful for other answers."
    parts = (metric.explanation, note, meaning_text(reports, metric), discrimination_sentence(reports, metric))
    return " ".join(filter(None, parts))


def flips_sentence(found: Flips) -> str:
    """Describe how many problems of a set were won and lost."""
    return f"{found.set}: {len(found.won)} won, {len(found.lost)} lost of {_plural(found.shared, 'problem')}"


def problem_name(reports: Reports, task: str) -> str:
    """Name a problem by its function and id, or only by its id if the reports do not have the function."""
    prompt = reports.prompts.get(task)
    return f"{prompt.qualname} ({task})" if prompt else task


def robustness_sentence(reports: Reports) -> str:
    """Describe how the tuned model answers reworded prompts; empty if it was not measured."""
    found = reports.metrics.get("robustness")
    if not isinstance(found, dict) or not isinstance(found.get("tuned"), dict):
        return ""
    tuned = found["tuned"]
    moved = tuned[F1.gain]
    ends = [F1.show(moved[key], signed=True) for key in ("mean", "low", "high")]
    share = f"{100 * tuned['changed']:.0f} % of {_plural(int(found['prompts']), 'reworded prompt')}"
    told, certain = _robustness_verdict(moved, 1 - settings_of(reports.params).confidence)
    return f"The tuned model gave another answer to {share}. {told}: {ends[0]} ({ends[1]} to {ends[2]}{certain})."


def _robustness_verdict(moved: Mapping[str, float], level: float) -> tuple[str, str]:
    """Word a change of F1 by its interval and its corrected p-value.

    :param moved: `mean`, `low`, `high` and `p_value`; older reports have no p-value.
    :param level: the largest p-value of a significant change.
    :returns: a clause, and the p-value as text; empty if there is none.
    """
    p_value = moved.get("p_value")
    if p_value is None:
        return f"Its {F1.label} changed, without a test", ""
    certain = f"; p {p_value_text(p_value, '= ')}, corrected over all metrics"
    if p_value > level or moved["low"] <= 0 <= moved["high"]:
        return f"Its {F1.label} shows no change that chance does not explain", certain
    return f"Its {F1.label} became {'better' if moved['mean'] > 0 else 'worse'}", certain


def unfinished_sentence(runs: Sequence[Run], outdated: Sequence[OutdatedStage]) -> str:
    """Describe why the reports of the workspace do not describe one model; empty if they do.

    :param runs: the pipelines that run now.
    :param outdated: the stages that have not run since their inputs were written again.
    """
    here = next((run for run in runs if run.here), None)
    if here is not None:
        stage = f", stage {here.stage}," if here.stage else ""
        return f"`{here.command}`{stage} runs in the workspace, so its reports are not compared until it ends."
    if not outdated:
        return ""
    first = outdated[0]
    stages = _listing(list(dict.fromkeys(each.stage for each in outdated)))
    return (
        f"The reports of the workspace are not compared: the stage {first.maker} wrote {first.path} again, and a run "
        f"stopped before {stages}. Run `dvc repro`, which runs what is missing."
    )


def gain_sentence(reports: Reports, rows: list[MetricDifference]) -> str:
    """Describe the gain within one revision in one sentence."""
    row = leading_metric(reports, rows)
    if row is None:
        return f"{reports.revision.title} has no per-prompt scores, so its gain has no interval."
    prompts = _plural(len(reports.scores), "prompt")
    words = {
        Verdict.BETTER: "Tuning made the model better",
        Verdict.WORSE: "Tuning made the model worse",
        Verdict.SAME: "Tuning changed no score",
    }.get(row.verdict, "Tuning made no difference that these prompts can show")
    return f"{words}: {row.metric.label} {difference_text(row)}{_evidence(row, reports)}, over {prompts}."
