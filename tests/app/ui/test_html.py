from __future__ import annotations

import re

import pytest

from codetune.app.ui import html
from codetune.app.ui.data_tables import funnel_table
from codetune.compare.inline import Piece
from codetune.ledger.overview import DataReports


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a <b> & `x<y`", "a &lt;b&gt; &amp; <code>x&lt;y</code>"),
        ("an odd ` <i>", "an odd ` &lt;i&gt;"),
    ],
)
def test_code_is_marked_and_all_is_escaped(text: str, shown: str) -> None:
    assert html.backticks_as_code(text) == shown


def test_changed_words_are_bold_and_escaped() -> None:
    assert html.bold([Piece("same", "a <"), Piece("extra", "<b>"), Piece("missing", "c")], "extra") == (
        'a &lt;<b style="text-decoration:underline">&lt;b&gt;</b>'
    )


def test_cells_name_their_columns_and_empty_ones_are_marked() -> None:
    table = html.table(["<n>", "One", "Two"], [["head", "x", ""]], (2,))
    assert re.findall(r'data-label="([^"]*)" class="([^"]*)"', table) == [("One", ""), ("Two", "words nothing")]
    assert "&lt;n&gt;" in table
    assert f"<div>{html.NOTHING}</div>" in table


@pytest.mark.parametrize(
    ("ends", "left", "width"), [((0, 50), 0.0, 50.0), ((25, 100), 25.0, 75.0), ((100, 100), 99.2, 0.8)]
)
def test_bars_are_to_scale_and_never_vanish(ends: tuple[int, int], left: float, width: float) -> None:
    found = re.search(r"left:([\d.]+)%;width:([\d.]+)%", html.bar(*ends, 100))
    assert found is not None
    assert (float(found[1]), float(found[2])) == (left, width)
    assert html.bar(0, 0, 0) == ""


def test_names_in_a_report_are_escaped() -> None:
    bad = "<script>alert(1)</script>"
    table = funnel_table(DataReports({"raw": 2, "kept": 1, "dropped": {bad: 1}}))
    assert "<script>" not in table
    assert "&lt;script&gt;" in table
