"""How often each metric prefers the program that works, drawn."""

from __future__ import annotations

from typing import Any

import altair as alt

from codetune.evaluation.validity.agreement import ALL
from codetune.reporting.pictures import QUIET, chart, svg

_COLORS = {
    "more often than a coin": "#0072B2",
    "not told apart from a coin": QUIET,
    "less often than a coin": "#D55E00",
}
_SHAPES = ("triangle-right", "circle", "triangle-left")
_ROW = 22


def agreement_picture(metrics: dict[str, Any], confidence: float) -> str:
    """One line for each metric, the best on top, over all working variants.

    :param metrics: what `agreement` gave.
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
    note = f"lines: {confidence * 100:g} % bootstrap intervals over the functions; dashed: a coin"
    return svg(alt.layer(coin, line, point), "Do the metrics tell working programs from broken ones?", note)


def _verdict(share: dict[str, float]) -> str:
    more, open_, less = _COLORS
    return more if share["low"] > 0.5 else less if share["high"] < 0.5 else open_  # noqa: PLR2004  # a coin
