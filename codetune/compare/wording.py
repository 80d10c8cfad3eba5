"""What a comparison amounts to, in sentences."""

from __future__ import annotations

from collections import Counter

from codetune.compare.comparison import Comparison, MetricDifference, Verdict
from codetune.compare.flips import Flips
from codetune.evaluation.metrics.metric import Metric
from codetune.evaluation.metrics.registry import F1, leads
from codetune.history.reports import Reports

_SMALLEST_P = 0.0001


def interval_text(row: MetricDifference) -> str:
    """The interval such as `+0.011 to +0.031`, or an empty text where there is none."""
    if row.low is None or row.high is None or row.verdict is Verdict.SAME:
        return ""
    return f"{row.metric.show(row.low, signed=True)} to {row.metric.show(row.high, signed=True)}"


def difference_text(row: MetricDifference) -> str:
    """The signed difference, or an empty text where there is none."""
    return "" if row.difference is None else row.metric.show(row.difference, signed=True)


def detectable_text(row: MetricDifference) -> str:
    """The smallest difference that these prompts would have shown; empty where it is not known, or all is the same."""
    return "" if row.detectable is None or row.verdict is Verdict.SAME else row.metric.show_difference(row.detectable)


def p_value_text(value: float, equal: str = "") -> str:
    """A p-value such as `0.0123`, and `< 0.0001` where four digits would show zero.

    :param equal: what comes before the number where it is given itself.
    """
    return f"{equal}{value:.4f}" if value >= _SMALLEST_P else f"< {_SMALLEST_P}"


def corrected_p_text(row: MetricDifference) -> str:
    """The corrected p-value; empty where there is none, or both models have the same scores."""
    return "" if row.p_value is None or row.verdict is Verdict.SAME else p_value_text(row.p_value)


def certainty_text(row: MetricDifference) -> str:
    """How sure a verdict is: the corrected p-value, and what the prompts could have shown; empty where not known."""
    if row.p_value is None or row.detectable is None or row.verdict is Verdict.SAME:
        return ""
    found, least = p_value_text(row.p_value, "= "), detectable_text(row)
    return f"p {found}, corrected over all metrics; these prompts show {least} or more"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listing(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def headline(reports: Reports, rows: list[MetricDifference]) -> MetricDifference | None:
    """The row of the metric that matters most and has an interval: BLEU where the answers are prose, else F1."""
    by_key = {row.metric.key: row for row in rows if row.low is not None}
    return next((by_key[metric.key] for metric in leads(reports.task) if metric.key in by_key), None)


def verdict_sentence(comparison: Comparison) -> str:
    """The comparison in one sentence, and the headline metric in a second."""
    rows = [row for row in comparison.rows["tuned"] if row.verdict is not Verdict.UNCERTAIN]
    counts = Counter(row.verdict for row in rows)
    told = [f"{verdict.value} on {counts[verdict]}" for verdict in Verdict if counts[verdict]]
    if not told:
        return "The two revisions share no metric that could be compared prompt by prompt."
    if counts[Verdict.SAME] == len(rows) == len(comparison.rows["tuned"]):
        return f"The candidate reports exactly what the baseline reports, over {_plural(comparison.shared, 'prompt')}."
    first = f"The candidate is {_listing(told)} of {_plural(len(rows), 'metric')}"
    over = f", over {_plural(comparison.shared, 'prompt')}." if comparison.shared else "."
    lead = headline(comparison.candidate, [row for row in rows if row.verdict is not Verdict.SAME])
    if lead is None:
        return first + over
    return f"{first}{over} {lead.metric.label} {difference_text(lead)} ({interval_text(lead)})."


def source_sentences(comparison: Comparison) -> list[str]:
    """What became of the metric that matters most over the prompts of each source, a sentence for each."""
    told = []
    for source, rows in comparison.by_source.items():
        lead = headline(comparison.candidate, rows)
        if lead is not None:
            prompts = sum(
                comparison.candidate.sources.get(scores.group) == source and prompt in comparison.baseline.scores
                for prompt, scores in comparison.candidate.scores.items()
            )
            found = difference_text(lead)
            certain = f" ({interval_text(lead)})" if interval_text(lead) else ""
            told.append(
                f"{_plural(prompts, 'prompt')} of {source}: {lead.metric.label} {found}{certain}, {lead.verdict.value}"
            )
    return told


def meaning_text(reports: Reports, metric: Metric) -> str:
    """How often the metric preferred a program that works to a broken one; empty where nobody asked.

    Nor is it told of a metric that was set up differently when it was asked.
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
        f"({low} to {high}; a coin: 50)."
    )


def discrimination(reports: Reports, metric: Metric) -> dict[str, float] | None:
    """How well a metric tells answers that pass from answers to the same problem that fail.

    :returns: `mean`, `low` and `high` of its AUC; None where it is not known, or the metric was set up otherwise then.
    """
    asked = reports.answer_validity
    signature = asked.get("signatures", {}).get(metric.signature or "")
    found = asked.get("metrics", {}).get(metric.score or "")
    if not isinstance(found, dict) or signature not in (None, reports.signatures.get(metric.signature or "")):
        return None
    return found


def discrimination_text(reports: Reports, metric: Metric) -> str:
    """The AUC with its interval, such as `0.61 (0.55 to 0.67)`; empty where it is not known."""
    found = discrimination(reports, metric)
    return f"{found['mean']:.2f} ({found['low']:.2f} to {found['high']:.2f})" if found else ""


def discrimination_sentence(reports: Reports, metric: Metric) -> str:
    """The same as a sentence; empty where it is not known."""
    area = discrimination_text(reports, metric)
    return f"AUC of passing against failing answers to the same problem: {area}; a coin: 0.5." if area else ""


def metric_help(reports: Reports, metric: Metric) -> str:
    """What a metric tells, and what is known of its worth: on programs that were changed, and on answers."""
    apt = "" if reports.task in metric.apt else "It is made for code, and says nothing of other answers."
    parts = (metric.explanation, apt, meaning_text(reports, metric), discrimination_sentence(reports, metric))
    return " ".join(filter(None, parts))


def flips_sentence(found: Flips) -> str:
    """How many problems of a set changed sides."""
    return f"{found.set}: {len(found.won)} won, {len(found.lost)} lost of {_plural(found.shared, 'problem')}"


def problem_name(reports: Reports, task: str) -> str:
    """A problem as people know it: the function that it asks for, where the reports have it, else its id."""
    prompt = reports.prompts.get(task)
    return f"{prompt.qualname} ({task})" if prompt else task


def robustness_sentence(reports: Reports) -> str:
    """What asking in other words did to the tuned model; empty where nobody did."""
    found = reports.metrics.get("robustness")
    if not isinstance(found, dict) or not isinstance(found.get("tuned"), dict):
        return ""
    tuned = found["tuned"]
    moved = tuned[F1.gain]
    ends = [F1.show(moved[key], signed=True) for key in ("mean", "low", "high")]
    return (
        f"Asked {_plural(int(found['prompts']), 'prompt')} in other words, the tuned model gave another answer to "
        f"{100 * tuned['changed']:.0f} %, and its {F1.label} moved by {ends[0]} ({ends[1]} to {ends[2]})."
    )


def gain_sentence(reports: Reports, rows: list[MetricDifference]) -> str:
    """What tuning did within one revision, in one sentence."""
    row = headline(reports, rows)
    if row is None:
        return f"{reports.revision.title} has no per-prompt scores, so its gain has no interval."
    prompts = _plural(len(reports.scores), "prompt")
    words = {
        Verdict.BETTER: "Tuning made the model better",
        Verdict.WORSE: "Tuning made the model worse",
        Verdict.SAME: "Tuning changed no score",
    }.get(row.verdict, "Tuning made no difference that these prompts could show")
    return f"{words}: {row.metric.label} {difference_text(row)} ({interval_text(row)}), over {prompts}."
