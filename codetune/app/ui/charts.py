"""The plots of the page Compare. Series differ in dash pattern or position as well as in colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd  # noqa: F401 - altair uses it; imported here so that no session sees it half imported

from codetune.app.ui.style import BASE_COLOR, BASELINE_COLOR, CANDIDATE_COLOR
from codetune.compare.groups import gain_by_package, histogram
from codetune.evaluation.metrics.registry import F1
from codetune.history.reports import Reports, Variant

NamedModel = tuple[str, Reports, Variant]
HEIGHT = 340
_INTERVAL = ("gain", "low", "high")
# Titles with units, by the last part of a curve's name.
MEASURES = {"loss": "Loss (nats per token)", "learning_rate": "Learning rate (per step)"}


def chart(rows: list[dict[str, Any]]) -> Any:
    """Return an Altair chart whose specification contains `rows` as its data."""
    return alt.Chart(alt.Data(values=rows))


def categorical_channel(channel: Any, field: str, names: Sequence[str], values: Sequence[Any], legend: Any) -> Any:
    """Return an encoding channel, without a title, that shows each name in `names` by the value at the same index.

    :param channel: the class of the channel, such as `alt.Color`.
    :param field: the field of the data that has the names.
    :param values: colours, dash patterns or shapes; used again from the start if there are more names.
    :param legend: an `alt.Legend`, or None for no legend.
    """
    scale = alt.Scale(domain=names, range=[values[place % len(values)] for place in range(len(names))])
    return channel(f"{field}:N", title=None, sort=names, scale=scale, legend=legend)


def zero_line() -> Any:
    """Return a dashed vertical line at zero, where nothing has changed."""
    return chart([{"zero": 0}]).mark_rule(strokeDash=[4, 3], color=BASELINE_COLOR).encode(alt.X("zero:Q"))


def _legend() -> Any:
    return alt.Legend(orient="top", labelLimit=320, columns=1)


def _revision_color(names: list[str]) -> Any:
    return categorical_channel(
        alt.Color, "revision", names, [BASELINE_COLOR, CANDIDATE_COLOR][-len(names) :], _legend()
    )


def measures(sides: list[tuple[str, Reports]]) -> list[str]:
    """Return the names of what training logged, such as `loss` and `learning_rate`; the loss first."""
    found = {curve.name.rpartition("/")[2] for _, reports in sides for curve in reports.curves}
    return sorted(found, key=lambda measure: (measure != "loss", measure))


def measure_label(measure: str) -> str:
    """Return the title of a logged measure, with its unit."""
    return MEASURES.get(measure, measure.replace("_", " ").capitalize())


def learning_curve(sides: list[tuple[str, Reports]], measure: str = "loss") -> Any | None:
    """Plot one measure of training for all revisions; return None if it was not logged.

    :param sides: name and reports of each revision, baseline first.
    :param measure: the last part of the curve's name, such as `loss` for the losses on train and val.
    """
    rows = [
        {"revision": name, "series": curve.name, "step": step, "value": value}
        for name, reports in sides
        for curve in reports.curves
        if curve.name.rpartition("/")[2] == measure
        for step, value in zip(curve.steps, curve.values, strict=True)
    ]
    if not rows:
        return None
    series = sorted({str(row["series"]) for row in rows}, key=lambda name: ("val" in name, name))
    dashes = [[1, 0]] if len(series) == 1 else [[2, 3], [1, 0], [6, 3], [8, 2, 2, 2]]
    return (
        chart(rows)
        .mark_line(strokeWidth=2)
        .encode(
            alt.X("step:Q", title="Optimizer step"),
            alt.Y("value:Q", title=measure_label(measure), scale=alt.Scale(zero=False)),
            _revision_color([name for name, _ in sides]),
            categorical_channel(alt.StrokeDash, "series", series, dashes, alt.Legend(orient="top", symbolSize=400)),
            tooltip=["revision:N", "series:N", "step:Q", alt.Tooltip("value:Q", format=".4~g")],
        )
    )


def f1_distribution(models: list[NamedModel]) -> Any | None:
    """Plot how F1 is distributed over the prompts; return None if no prompt was scored.

    :param models: up to three named models: of the baseline, of the candidate, and the base model of the candidate.
    """
    rows = []
    for name, reports, role in models:
        bins = histogram(reports, role, str(F1.score))
        rows += [{"model": name, "f1": part.start, "share": part.share} for part in bins]
        rows += [{"model": name, "f1": part.end, "share": 0.0} for part in bins[-1:]]
    if not rows:
        return None
    names = [name for name, _, _ in models]
    colors = (BASELINE_COLOR, CANDIDATE_COLOR, BASE_COLOR)[-len(names) :]
    dashes = ([6, 3], [1, 0], [2, 2])[-len(names) :]
    return (
        chart(rows)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            alt.X("f1:Q", title=F1.label),
            alt.Y("share:Q", title="Share of prompts", axis=alt.Axis(format="%")),
            categorical_channel(alt.Color, "model", names, colors, _legend()),
            categorical_channel(alt.StrokeDash, "model", names, dashes, _legend()),
            tooltip=["model:N", alt.Tooltip("f1:Q", title="F1 from"), alt.Tooltip("share:Q", format=".1%")],
        )
    )


def package_height(reports: Reports) -> int:
    """Return the height in pixels of the plot of gains; it grows with the number of packages."""
    return max(HEIGHT, 26 * len(gain_by_package(reports, str(F1.score))) + 120)


def package_gain(sides: list[tuple[str, Reports]]) -> Any | None:
    """Plot the gain of tuning in each package, with intervals, for all revisions; return None without scores.

    :param sides: name and reports of each revision, baseline first.
    """
    rows = [
        {
            **dict(zip(_INTERVAL, (gain.mean, gain.low, gain.high), strict=True)),
            "revision": name,
            "package": f"{gain.group} ({gain.prompts})",
        }
        for name, reports in reversed(sides)
        for gain in gain_by_package(reports, str(F1.score))
    ]
    if not rows:
        return None
    order = list(dict.fromkeys(row["package"] for row in rows))
    names = [name for name, _ in sides]
    base = chart(rows).encode(
        alt.Y("package:N", title=None, sort=order, axis=alt.Axis(labelLimit=180)),
        alt.YOffset("revision:N", sort=names),
        _revision_color(names),
        tooltip=["revision:N", "package:N", *(alt.Tooltip(f"{key}:Q", format="+.4f") for key in _INTERVAL)],
    )
    axis = alt.X("low:Q", title=f"Gain in {F1.label} (tuned minus base)")
    bars = base.mark_rule(strokeWidth=2).encode(axis, alt.X2("high:Q"))
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        alt.X("gain:Q"), alt.Shape("revision:N", title=None, sort=names, legend=None)
    )
    return alt.layer(zero_line(), bars, dots)
