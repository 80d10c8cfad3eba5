"""Plot of how often each metric gives the working program the higher score."""

from __future__ import annotations

from typing import Any

import altair as alt

from codetune.evaluation.validity.agreement import ALL
from codetune.reporting.svg import QUIET, chart, svg

_COLORS = {
    "better than chance": "#0072B2",
    "not distinguishable from chance": QUIET,
    "worse than chance": "#D55E00",
}
_SHAPES = ("triangle-right", "circle", "triangle-left")
_ROW = 22


def agreement_plot(metrics: dict[str, Any], confidence: float) -> str:
    """Plot, for each metric, the share of pairs in which the working program scores higher; the best metric on top.

    :param metrics: the result of `codetune.evaluation.validity.agreement.agreement`; the kind `ALL` is shown.
    :param confidence: confidence of the intervals, such as 0.95.
    :returns: SVG text.
    """
    rows = [{"metric": name, "verdict": _verdict(kinds[ALL]), **kinds[ALL]} for name, kinds in metrics.items()]
    rows.sort(key=lambda row: (-row["mean"], row["metric"]))
    names = list(_COLORS)
    base = chart(rows, alt.Step(_ROW)).encode(
        y=alt.Y("metric:N", sort=[row["metric"] for row in rows], title=None, axis=alt.Axis(grid=True)),
        color=alt.Color("verdict:N", title=None, scale=alt.Scale(domain=names, range=list(_COLORS.values()))),
    )
    title = "Share of pairs in which the working program scores higher"
    line = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(domain=[0, 1])), x2="high:Q"
    )
    shape = alt.Shape("verdict:N", title=None, scale=alt.Scale(domain=names, range=list(_SHAPES)))
    point = base.mark_point(filled=True, size=90, opacity=1).encode(x="mean:Q", shape=shape)
    coin = chart([{"coin": 0.5}], alt.Step(_ROW)).mark_rule(color="black", strokeDash=[4, 3]).encode(x="coin:Q")
    note = f"lines: {confidence * 100:g} % bootstrap intervals over the functions; dashed: chance (50 %)"
    return svg(alt.layer(coin, line, point), "Do the metrics prefer working programs to broken ones?", note)


def _verdict(share: dict[str, float]) -> str:
    more, open_, less = _COLORS
    return more if share["low"] > 0.5 else less if share["high"] < 0.5 else open_  # noqa: PLR2004  # chance
