"""Plots of the data as SVG text. Equal numbers give equal bytes, whatever fonts a machine has."""

from __future__ import annotations

import altair as alt

from codetune.core.files import JsonObject
from codetune.reporting.data_card.facts import SPLITS, Step
from codetune.reporting.svg import chart, svg

# Okabe and Ito's palette, which colour-blind readers can distinguish, and three more colours; order and labels of the
# bars repeat it.
_STAGES = {
    "licence": "#000000", "place": "#56B4E9", "docstring": "#E69F00", "code": "#009E73", "context": "#7B61A8",
    "instruction": "#8C564B", "length": "#CC79A7", "safety": "#D55E00", "duplicate": "#9A8C00", "share": "#A6761D",
    "review": "#00A0A0", "other": "#6B6B6B",
}  # fmt: skip
_KEPT = "#0072B2"
_SPLITS = {"train": "#0072B2", "val": "#E69F00", "test": "#D55E00"}
_DASHES = {"train": [1, 0], "val": [6, 3], "test": [2, 2]}
_LEFT = "rows left"
_HEIGHT, _ROW = 240, 21


def funnel_plot(rows: int, steps: list[Step], splits: dict[str, int]) -> str:
    """Plot how the rules reduce the raw rows to the splits.

    The bar of a rule begins at the number of rows after the rule and ends at the number before it.

    :param rows: number of raw rows.
    :param splits: number of kept rows of each split.
    :returns: SVG text.
    """
    kept = sum(splits.values())
    bars = [_bar("raw rows", 0, rows, _LEFT, f"{rows:,}")]
    bars += [_bar(step.reason, step.left, step.left + step.dropped, step.stage, f"−{step.dropped:,}") for step in steps]
    bars.append(_bar("kept", 0, kept, _LEFT, f"{kept:,}"))
    start = 0
    for split in SPLITS:
        bars.append(_bar(f"  {split}", start, start + splits[split], _LEFT, f"{splits[split]:,}"))
        start += splits[split]
    colors = {_LEFT: _KEPT} | {stage: color for stage, color in _STAGES.items() if any(s.stage == stage for s in steps)}
    base = chart(bars, alt.Step(_ROW)).encode(
        y=alt.Y("name:N", sort=[bar["name"] for bar in bars], title=None, axis=alt.Axis(ticks=False, domain=False))
    )
    bar = base.mark_bar(height=14).encode(
        x=alt.X(
            "from:Q", title="rows", scale=alt.Scale(domain=[0, rows * 1.08], nice=False), axis=alt.Axis(format=",d")
        ),
        x2="to:Q",
        color=alt.Color("stage:N", title=None, scale=alt.Scale(domain=list(colors), range=list(colors.values()))),
    )
    text = base.mark_text(align="left", dx=4, fontSize=11).encode(x="to:Q", text="label:N")
    note = (
        f"{kept / rows:.1%} are kept; each rule is applied to the rows that remain after the rules above it"
        if rows
        else "no rows"
    )
    return svg(alt.layer(bar, text), "From raw rows to splits", note)


def _bar(name: str, start: int, end: int, stage: str, label: str) -> JsonObject:
    return {"name": name, "from": start, "to": end, "stage": stage, "label": label}


def lengths_plot(bins: list[JsonObject], medians: dict[str, int]) -> str:
    """Plot the distribution of code lengths: one line for each split.

    :param bins: bins with `split`, `tokens` (lower edge) and `share` of the split's rows.
    :param medians: median length of each split, in tokens.
    :returns: SVG text.
    """
    names = {split: f"{split} (median {medians[split]})" for split in SPLITS if split in medians}
    rows = [{**item, "split": names[item["split"]]} for item in bins]
    domain = list(names.values())
    line = (
        chart(rows, _HEIGHT)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("tokens:Q", title="tokens of code, without docstring and comments"),
            y=alt.Y("share:Q", title="share of the split's rows, bins of 10", axis=alt.Axis(format="%")),
            color=alt.Color("split:N", title=None, scale=alt.Scale(domain=domain, range=[_SPLITS[s] for s in names])),
            strokeDash=alt.StrokeDash(
                "split:N", title=None, scale=alt.Scale(domain=domain, range=[_DASHES[s] for s in names])
            ),
        )
    )
    return svg(line, "How long the answers are", "similar lines mean that the splits are comparable")
