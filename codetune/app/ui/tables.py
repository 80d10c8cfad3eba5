"""The project's own tables as HTML. All text from outside is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from codetune.app.ui import html
from codetune.compare.comparison import MetricDifference, Verdict
from codetune.compare.intervals import settings_of
from codetune.compare.reasons import outputs_text, stage_reasons
from codetune.compare.wording import (
    certainty_text,
    corrected_p_text,
    detectable_text,
    difference_text,
    discrimination_text,
    interval_text,
    metric_help,
    verdict_reason,
)
from codetune.evaluation.alignment.result import Alignment
from codetune.history.parameters import ParameterDifference
from codetune.history.reports import Reports
from codetune.history.stages import StageDifference
from codetune.ledger.changes import HEADINGS

DISCRIMINATION = (
    "How often the metric scores a passing answer higher than a failing answer to the same problem (chance: 0.5), "
    "with the interval over the problems."
)
DETECTABLE = "The smallest difference that these prompts detect with a probability of 80 %."
CORRECTED = (
    "The probability that chance alone gives such a difference, corrected for all metrics of this table that have a "
    "p-value. Each set of problems that were run is corrected separately."
)
_MARKS = {
    Verdict.BETTER: ("\u25b2", "better"),
    Verdict.WORSE: ("\u25bc", "worse"),
    Verdict.INDISTINGUISHABLE: ("\u25cb", "quiet"),
    Verdict.SAME: ("=", "quiet"),
    Verdict.INCOMPARABLE: ("\u2715", "quiet"),
}


def verdict_mark(row: MetricDifference) -> tuple[str, str]:
    """Return the verdict with its sign, and the CSS class of its colour.

    Only a difference that chance does not explain gets a filled triangle.
    """
    if row.verdict is not Verdict.UNCERTAIN:
        sign, tone = _MARKS[row.verdict]
        return f"{sign} {row.verdict.value}", tone
    if row.improves is None:
        return html.NOTHING, "quiet"
    return ("\u25b3 better, no interval" if row.improves else "\u25bd worse, no interval"), "quiet"


def _verdict(words: str, reason: str) -> str:
    return escape(words) + (f'<span class="why">{escape(reason)}</span>' if reason else "")


def _cell(label: str, content: str, tone: str = "", title: str = "") -> str:
    return html.cell(label, content, tone if content else "nothing", title)


def _bar(row: MetricDifference, tone: str) -> str:
    """Return the interval as a small bar. The dashed line is no difference; right of it the candidate is better."""
    if row.low is None or row.high is None or row.difference is None or row.verdict is Verdict.SAME:
        return ""
    reach = max(abs(row.low), abs(row.high), abs(row.difference)) or 1.0
    sign = 1 if row.metric.larger_is_better else -1
    ends = sorted(50 + sign * 46 * value / reach for value in (row.low, row.high))
    dot = 50 + sign * 46 * row.difference / reach
    return (
        f'<span class="bar {tone}" aria-hidden="true">'
        f'<i style="left:{ends[0]:.1f}%;width:{ends[1] - ends[0]:.1f}%"></i><b style="left:{dot:.1f}%"></b></span>'
    )


def metric_table(rows: list[MetricDifference], reports: Reports, baseline: str, candidate: str) -> str:
    """Return a table of metrics: both values, the difference with its interval, and the verdict.

    :param rows: the metrics with their differences.
    :param reports: reports of the revision whose settings and whose AUC of passing are shown.
    :param baseline: title of the left value.
    :param candidate: title of the right value.
    """
    confidence = settings_of(reports.params).confidence
    interval = f"{confidence * 100:g}\u202f% interval"
    names = [
        "Metric", baseline, candidate, "Difference", interval, "p (Holm)", "Detectable", "Worse \u2190 0 \u2192 better",
        "Verdict",
        *(["AUC of passing"] if any(discrimination_text(reports, row.metric) for row in rows) else []),
    ]  # fmt: skip
    body = []
    for row in rows:
        words, tone = verdict_mark(row)
        way = "larger is better" if row.metric.larger_is_better else "smaller is better"
        note = f", {row.metric.note}" if row.metric.note else ""
        values = ["" if value is None else row.metric.show(value) for value in (row.baseline, row.candidate)]
        cells = [
            *(_cell(name, escape(value)) for name, value in zip(names[1:3], values, strict=True)),
            _cell(names[3], escape(difference_text(row)), tone),
            _cell(names[4], escape(interval_text(row))),
            _cell(names[5], escape(corrected_p_text(row)), "quiet", CORRECTED),
            _cell(names[6], escape(detectable_text(row)), "quiet", DETECTABLE),
            _cell(names[7], _bar(row, tone)),
            _cell(names[8], _verdict(words, verdict_reason(row, 1 - confidence)), f"words {tone}", certainty_text(row)),
            *(_cell(name, escape(discrimination_text(reports, row.metric)), "", DISCRIMINATION) for name in names[9:]),
        ]
        head = f"{escape(row.metric.label)}<span>{way}{escape(note)}</span>"
        body.append(html.row(head, cells, metric_help(reports, row.metric)))
    return html.frame(names, body, (8,))


def meaning_table(rows: Sequence[MetricDifference], reports: Reports) -> str:
    """Return a table of what each metric and column means, as the tooltips say it."""
    cells = [[escape(row.metric.label), escape(metric_help(reports, row.metric))] for row in rows]
    columns = [("p (Holm)", CORRECTED), ("Detectable", DETECTABLE)]
    if any(discrimination_text(reports, row.metric) for row in rows):
        columns.append(("AUC of passing", DISCRIMINATION))
    cells += [[f"Column {name}", escape(told)] for name, told in columns]
    return html.table(["Name", "Meaning"], cells, (1,), prose=True)


def parameter_table(rows: list[ParameterDifference], baseline: str, candidate: str) -> str:
    """Return a table of parameters with their values in both revisions."""
    cells = [list(map(html.code, (row.key, row.baseline, row.candidate))) for row in rows]
    return html.table(["Parameter", baseline, candidate], cells)


def flip_table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a table of problems whose result changed.

    :param rows: for each problem the name of its set, `won` or `lost`, and its title.
    """
    signs = {"won": "\u25b2", "lost": "\u25bc"}
    cells = [[html.code(problem), escape(name), f"{signs[way]} {way}"] for name, way, problem in rows]
    return html.table(["Problem", "Set", "Became"], cells, (1, 2))


def stage_table(rows: Sequence[StageDifference]) -> str:
    """Return a table of stages: why each re-ran, and which of its outputs differ."""
    cells = [
        [
            f'<code class="name">{escape(row.stage)}</code>',
            "".join(f"<div>{escape(reason)}</div>" for reason in stage_reasons(row)),
            escape(outputs_text(row)),
        ]
        for row in rows
    ]
    return html.table(["Stage", "Why", "Outputs that differ"], cells, (1, 2), look="wrap")


def data_table(counts: dict[str, Any]) -> str:
    """Return a table of data rows by what happened to them, with the reason on both sides and an example.

    :param counts: the result of `codetune.ledger.difference.data_difference`.
    """
    cells = []
    for words in HEADINGS.values():
        for change in counts.get(words.replace(" ", "_"), []):
            states = [escape(_state(change[side])) for side in ("before", "after")]
            example = next((str(row.get("qualname") or row.get("id")) for row in change["examples"]), "")
            cells.append([words, *states, f"{change['rows']:,}", html.code(example) if example else ""])
    cells.append(["unchanged", "", "", f"{counts['unchanged']:,}", ""])
    return html.table(["What happened", "Before", "After", "Rows", "For example"], cells, (4,), look="wrap")


def match_table(found: Alignment) -> str:
    """Return a table of the reference's tokens with the answer's tokens they match, the worst match first."""
    cells = [
        [html.code(found.reference[i]), html.code(found.answer[j]), f"{found.similarity[i][j]:.3f}"]
        for i, j in _worst_first(found, found.matches())
    ]
    return html.table(["Token of the reference", "Matched with", "Cosine"], cells)


def answer_match_table(found: Alignment) -> str:
    """Return a table of the answer's tokens with the reference's tokens they match, the worst match first."""
    cells = [
        [html.code(found.answer[j]), html.code(found.reference[i]), f"{found.similarity[i][j]:.3f}"]
        for i, j in _worst_first(found, found.answer_matches())
    ]
    return html.table(["Token of the answer", "Matched with", "Cosine"], cells)


def _worst_first(found: Alignment, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return sorted(pairs, key=lambda pair: found.similarity[pair[0]][pair[1]])


def _state(state: str | None) -> str:
    return {None: "", "keep": "kept"}.get(state, str(state).replace("_", " "))
