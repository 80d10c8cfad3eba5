"""Plots of the scores: data for `dvc plots`, and pictures that a person can read."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from codetune.files import write_json, write_text
from codetune.scoring.params import ScoreParams
from codetune.scoring.table import VARIANTS, gain

_BIN = 0.05
# Okabe and Ito's palette: told apart by colour-blind readers too.
COLOURS = {"base": "#E69F00", "tuned": "#0072B2"}
_WIDTH, _HEIGHT = 560, 260


def f1_histogram(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Prompts per bin of rescaled BERTScore F1, for each variant; `f1` is the lower edge of the bin."""
    counts = {variant: Counter(round(row[variant]["bertscore_f1"] // _BIN) for row in rows) for variant in VARIANTS}
    bins = [place for count in counts.values() for place in count]
    return [
        {"model": variant, "f1": round(place * _BIN, 2), "prompts": counts[variant][place]}
        for variant in VARIANTS
        for place in range(min(bins), max(bins) + 1)
    ]


def gain_by_package(rows: list[dict[str, Any]], params: ScoreParams) -> list[dict[str, Any]]:
    """Mean gain in rescaled BERTScore F1 per package with its interval, the largest gain first."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    found = []
    for group, members in sorted(groups.items()):
        interval = gain(members, "bertscore_f1", params)
        found.append(
            {"package": group, "prompts": len(members), "gain": interval["mean"], "low": interval["low"],
             "high": interval["high"]}
        )  # fmt: skip
    return sorted(found, key=lambda item: (-item["gain"], item["package"]))


def _histogram_chart(data: list[dict[str, Any]]) -> alt.Chart:
    bars = [item | {"end": round(item["f1"] + _BIN, 2)} for item in data]
    return (
        alt.Chart(alt.Data(values=bars), width=_WIDTH, height=_HEIGHT, title="BERTScore F1 of each answer, rescaled")
        .mark_bar(opacity=0.6)
        .encode(
            x=alt.X("f1:Q", title="BERTScore F1 (0: like unrelated code, 1: identical)"),
            x2="end:Q",
            y=alt.Y("prompts:Q", title="prompts", stack=None),
            color=alt.Color(
                "model:N", title="model", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
            ),
        )
    )


def _gain_chart(data: list[dict[str, Any]], confidence: float) -> alt.LayerChart:
    labelled = [item | {"label": f"{item['package']} ({item['prompts']})"} for item in data]
    order = [item["label"] for item in labelled]
    y = alt.Y("label:N", sort=order, title="test package (prompts)")
    title = f"Gain in BERTScore F1, tuned less base, with {confidence:.0%} interval"
    base = alt.Chart(alt.Data(values=labelled), width=_WIDTH, height=18 * len(labelled), title=title)
    lines = base.mark_rule(color=COLOURS["tuned"], strokeWidth=2).encode(
        x=alt.X("low:Q", title="gain in BERTScore F1"), x2="high:Q", y=y
    )
    points = base.mark_point(filled=True, size=60, color=COLOURS["tuned"]).encode(x="gain:Q", y=y)
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color="#666666", strokeDash=[4, 4]).encode(x="zero:Q")
    return zero + lines + points


def _write_picture(path: Path, chart: Any) -> None:
    specification = chart.configure_view(stroke=None).configure(background="white").to_json()
    write_text(path, vl_convert.vegalite_to_svg(specification))


def write_plots(folder: Path, rows: list[dict[str, Any]], params: ScoreParams) -> None:
    """Write the distribution of F1 and the gain per package into `folder`, as JSON data and as SVG pictures."""
    histogram, gains = f1_histogram(rows), gain_by_package(rows, params)
    for variant in VARIANTS:
        write_json(folder / f"f1_{variant}.json", [item for item in histogram if item["model"] == variant])
    write_json(folder / "gain_by_package.json", gains)
    _write_picture(folder / "f1_distribution.svg", _histogram_chart(histogram))
    _write_picture(folder / "gain_by_package.svg", _gain_chart(gains, params.confidence))
