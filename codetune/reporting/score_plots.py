"""Plots of the scores: JSON data for `dvc plots`, and SVG files."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import altair as alt

from codetune.core.files import JsonObject, write_json, write_text
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.registry import F1
from codetune.evaluation.metrics.samples import VARIANTS
from codetune.evaluation.metrics.statistics import DIGITS, gain_by_package, mean_gain
from codetune.reporting.svg import QUIET, chart, svg

# Okabe and Ito's palette, which colour-blind readers can distinguish; dashes and shapes repeat the distinction.
COLORS = {"base": "#D55E00", "tuned": "#0072B2"}
_DASHES = {"base": [5, 3], "tuned": [1, 0]}
_VERDICTS = {"better": "tuned better", "open": "not distinguishable", "worse": "base better"}
_VERDICT_COLORS = {"better": COLORS["tuned"], "open": QUIET, "worse": COLORS["base"]}
_VERDICT_SHAPES = {"better": "triangle-right", "open": "circle", "worse": "triangle-left"}
_HEIGHT, _ROW = 280, 22
_F1 = str(F1.score)
# Bin width in hundredths. Bins are computed in whole millionths (scores are rounded to 6 digits), because with floats
# 0.15 // 0.05 is 2, not 3.
_BIN_HUNDREDTHS = 5
_BIN_UNITS = _BIN_HUNDREDTHS * 10 ** (DIGITS - 2)


def f1_histogram(rows: list[JsonObject]) -> dict[str, list[JsonObject]]:
    """Count the prompts in each bin of rescaled BERTScore F1, for each model.

    :param rows: scores of each prompt, as in scores.jsonl; at least one.
    :returns: for each model, bins with `model`, `f1` (lower edge, inclusive) and `prompts` (count). All models have the
        same bins.
    """
    counts = {
        variant: Counter(round(row[variant][_F1] * 10**DIGITS) // _BIN_UNITS for row in rows) for variant in VARIANTS
    }
    places = [place for count in counts.values() for place in count]
    return {
        variant: [
            {"model": variant, "f1": place * _BIN_HUNDREDTHS / 100, "prompts": counts[variant][place]}
            for place in range(min(places), max(places) + 1)
        ]
        for variant in VARIANTS
    }


def write_plots(folder: Path, rows: list[JsonObject], params: ScoreParams) -> None:
    """Write the distribution of F1 and the gain per package into `folder`, as JSON data and as SVG files.

    :param rows: scores of each prompt, as in scores.jsonl; at least one.
    :param params: confidence and bootstrap settings of the intervals.
    """
    histogram, gains = f1_histogram(rows), gain_by_package(rows, _F1, params)
    means = {variant: math.fsum(row[variant][_F1] for row in rows) / len(rows) for variant in VARIANTS}
    overall = mean_gain(rows, _F1, params)
    for variant, bins in histogram.items():
        write_json(folder / f"f1_{variant}.json", bins)
    write_json(folder / "gain_by_package.json", gains)
    write_text(folder / "f1_distribution.svg", f1_plot(histogram, means, _BIN_HUNDREDTHS / 100))
    write_text(
        folder / "gain_by_package.svg",
        gain_plot(gains, {"prompts": len(rows), "gain": overall["mean"], **overall}, params.confidence),
    )


def f1_plot(histogram: dict[str, list[JsonObject]], means: dict[str, float], width: float) -> str:
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


def gain_plot(gains: list[JsonObject], overall: JsonObject, confidence: float) -> str:
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
