"""Functions that all plots use to make SVG text. Equal numbers give equal bytes, whatever fonts a machine has."""

from __future__ import annotations

from typing import Any

import altair as alt
import vl_convert

from codetune.core.files import JsonObject

QUIET = "#6B6B6B"
WIDTH = 620
# The converter contains the first font and measures text with it; the others are substitutes for a viewer without it.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def chart(rows: list[JsonObject], height: Any) -> alt.Chart:
    """An empty Altair chart with `rows` as data.

    :param height: height in pixels, or an `alt.Step` with the height of each bar.
    """
    return alt.Chart(alt.Data(values=rows), width=WIDTH, height=height)


def svg(drawn: Any, title: str, note: str) -> str:
    """Convert a chart to SVG text.

    :param drawn: an Altair chart.
    :param title: text above the chart.
    :param note: smaller text below the title.
    """
    looks = drawn.properties(
        title=alt.Title(title, subtitle=note, anchor="start", subtitleColor=QUIET), background="white"
    ).configure(
        font=_FONT,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(labelFontSize=12, titleFontSize=13, gridColor="#E6E6E6", domainColor=QUIET, labelLimit=260),
        legend=alt.LegendConfig(orient="top", labelFontSize=13, symbolSize=160, labelLimit=0),
        title=alt.TitleConfig(fontSize=16, subtitleFontSize=12, offset=12),
    )
    text: str = vl_convert.vegalite_to_svg(looks.to_dict())
    return text
