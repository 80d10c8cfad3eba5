"""The forest plot: the differences of all metrics, with their intervals, on one axis."""

from __future__ import annotations

from typing import Any

import altair as alt

from codetune.app.ui.charts import categorical_channel, chart, zero_line
from codetune.app.ui.style import BASELINE_COLOR, BETTER_COLOR, WORSE_COLOR
from codetune.compare.comparison import MetricDifference, Verdict
from codetune.compare.effects import Effect, effects
from codetune.compare.wording import certainty_text, difference_text, discrimination_text, interval_text
from codetune.history.reports import Reports

_AXIS_LINES = ("Difference in standard deviations", "of the metric's own scores \u2192 better")  # fit narrow screens
AXIS = " ".join(_AXIS_LINES)
READING = (
    "Each difference and its interval is divided by the standard deviation of that metric's scores over the prompts "
    "(both sides pooled), so that metrics on different scales share an axis. Right of the line the candidate is "
    "better. Differences inside the pale bar are too small to be detected with these prompts. A grey circle is "
    "indistinguishable, also where its interval leaves out 0: the table says why."
)
# Verdicts differ in shape as well as in colour.
_LOOKS = {
    Verdict.BETTER: (BETTER_COLOR, "triangle-right"),
    Verdict.WORSE: (WORSE_COLOR, "triangle-left"),
    Verdict.INDISTINGUISHABLE: (BASELINE_COLOR, "circle"),
}
_ROW_PX = 26


def _row(effect: Effect, reports: Reports) -> dict[str, Any]:
    row = effect.row
    return {
        "metric": row.metric.label,
        "verdict": row.verdict.value,
        "value": effect.value,
        "low": effect.low,
        "high": effect.high,
        "least": effect.detectable or 0.0,
        "less": -(effect.detectable or 0.0),
        "difference": difference_text(row),
        "interval": interval_text(row),
        "certainty": certainty_text(row),
        "area": discrimination_text(reports, row.metric),
    }


def forest_height(rows: list[MetricDifference]) -> int:
    """Return the height of the plot in pixels; it grows with the number of metrics."""
    return _ROW_PX * len(effects(rows)) + 110


def forest(rows: list[MetricDifference], reports: Reports) -> Any | None:
    """Plot the differences of all metrics that have an interval, better to the right; return None if none has.

    :param rows: the metrics with their differences.
    :param reports: reports of the revision that describe how well each metric detects passing answers (in the tooltip).
    """
    data = [_row(effect, reports) for effect in effects(rows)]
    if not data:
        return None
    shown = [verdict for verdict in _LOOKS if any(row["verdict"] == verdict.value for row in data)]
    names = [verdict.value for verdict in shown]
    legend = alt.Legend(orient="top")
    color = categorical_channel(alt.Color, "verdict", names, [_LOOKS[verdict][0] for verdict in shown], legend)
    shape = categorical_channel(alt.Shape, "verdict", names, [_LOOKS[verdict][1] for verdict in shown], legend)
    order = [row["metric"] for row in data]
    told = [alt.Tooltip(f"{key}:N") for key in ("metric", "verdict", "difference", "interval", "certainty")]
    if any(row["area"] for row in data):
        told.append(alt.Tooltip("area:N", title="AUC of passing"))
    base = chart(data).encode(
        alt.Y("metric:N", title=None, sort=order, axis=alt.Axis(labelLimit=150)),
        tooltip=[*told, alt.Tooltip("value:Q", format="+.3f", title="standard deviations")],
    )
    unseen = base.mark_bar(color=BASELINE_COLOR, opacity=0.16, height=12).encode(alt.X("less:Q"), alt.X2("least:Q"))
    bars = base.mark_rule(strokeWidth=2).encode(alt.X("low:Q", title=_AXIS_LINES), alt.X2("high:Q"), color)
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(alt.X("value:Q"), color, shape)
    return alt.layer(unseen, zero_line(), bars, dots)
