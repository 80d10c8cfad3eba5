"""Plots of the scores as SVG text. Equal numbers give equal bytes, whatever fonts a machine has."""

from __future__ import annotations

from typing import Any

import altair as alt

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.registry import F1
from codetune.reporting.pictures import QUIET, chart, svg

# Okabe and Ito's palette, which colour-blind readers can distinguish; dashes and shapes repeat the distinction.
COLORS = {"base": "#D55E00", "tuned": "#0072B2"}
_DASHES = {"base": [5, 3], "tuned": [1, 0]}
_VERDICTS = {"better": "tuned better", "open": "not distinguishable", "worse": "base better"}
_VERDICT_COLORS = {"better": COLORS["tuned"], "open": QUIET, "worse": COLORS["base"]}
_VERDICT_SHAPES = {"better": "triangle-right", "open": "circle", "worse": "triangle-left"}
_HEIGHT, _ROW = 280, 22


def f1_picture(histogram: dict[str, list[JsonObject]], means: dict[str, float], width: float) -> str:
    """Plot the distribution of F1 over the prompts: one outline and one mean for each model.

    :param histogram: for each model, its bins in ascending order; `f1` is the lower edge.
    :param means: mean F1 of each model.
    :param width: width of a bin.
    :returns: SVG text.
    """
    names = {variant: f"{variant} (mean {means[variant]:.3f})" for variant in histogram}
    outlines = []
    for variant, bins in histogram.items():
        first, last = bins[0]["f1"], bins[-1]["f1"] + width
        points = [(first, 0), *((item["f1"], item["prompts"]) for item in bins), (last, 0)]
        outlines += [
            {"model": names[variant], "f1": round(f1, 2), "prompts": count, "place": place}
            for place, (f1, count) in enumerate(points)
        ]
    looks = {
        "color": alt.Color("model:N", title=None, scale=_scale(names, COLORS)),
        "strokeDash": alt.StrokeDash("model:N", title=None, scale=_scale(names, _DASHES)),
    }
    area = chart(outlines, _HEIGHT).encode(
        x=alt.X("f1:Q", title=f"{F1.label}, rescaled (0: like unrelated code, 1: identical)"),
        y=alt.Y("prompts:Q", title=f"Prompts per bin of {width:g}", stack=None),
        order="place:Q",
        **looks,
    )
    fill = area.mark_area(interpolate="step-after", fillOpacity=0.15, strokeOpacity=0)
    line = area.mark_line(interpolate="step-after", strokeWidth=2)
    rules = chart([{"model": names[variant], "f1": round(mean, 6)} for variant, mean in means.items()], _HEIGHT)
    rule = rules.mark_rule(strokeWidth=1.5).encode(x="f1:Q", **looks)
    return svg(alt.layer(fill, line, rule), "How similar the answers are to the references", "vertical lines: means")


def gain_picture(gains: list[JsonObject], overall: JsonObject, confidence: float) -> str:
    """Plot the mean gain in F1 over all prompts and in each package, with intervals.

    :param gains: for each package `package`, `prompts` (count), `gain`, `low` and `high`, in the order in which they
        are shown. `low` and `high` are None for a package without an interval.
    :param overall: the same values over all prompts, without `package`.
    :param confidence: confidence of the intervals, such as 0.95.
    :returns: SVG text.
    """
    rows = [_gain_row(item) for item in [{"package": "all packages", **overall}, *gains]]
    order = [row["label"] for row in rows]
    base = chart(rows, alt.Step(_ROW)).encode(
        y=alt.Y("label:N", sort=order, title="Test package (prompts)", axis=alt.Axis(grid=True, labelLimit=260)),
        color=alt.Color("verdict:N", title=None, scale=_scale(_VERDICTS, _VERDICT_COLORS)),
    )
    line = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", title=f"Gain in {F1.label}, rescaled: tuned minus base"), x2="high:Q"
    )
    shape = alt.Shape("verdict:N", title=None, scale=_scale(_VERDICTS, _VERDICT_SHAPES))
    point = base.mark_point(filled=True, size=90, opacity=1).encode(x="gain:Q", shape=shape)
    zero = chart([{"zero": 0}], alt.Step(_ROW)).mark_rule(color="black", strokeDash=[4, 3]).encode(x="zero:Q")
    note = f"lines: {confidence * 100:g} % bootstrap intervals; grey: the interval contains zero or is not known"
    return svg(alt.layer(zero, line, point), "Gain from tuning on packages that are not in the training data", note)


def _gain_row(item: JsonObject) -> JsonObject:
    """`item` with its label and its verdict; the verdict is open unless the interval excludes zero."""
    known = item["low"] is not None
    verdict = "better" if known and item["low"] > 0 else "worse" if known and item["high"] < 0 else "open"
    return {**item, "label": f"{item['package']} ({item['prompts']})", "verdict": _VERDICTS[verdict]}


def _scale(names: dict[str, str], looks: dict[str, Any]) -> alt.Scale:
    """A scale that shows `looks[key]` under `names[key]`."""
    return alt.Scale(domain=list(names.values()), range=[looks[key] for key in names])
