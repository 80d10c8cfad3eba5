"""Plain tables as HTML in the style of the page. All text from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from codetune.compare.inline import Piece

NOTHING = "\u2013"


def backticks_as_code(text: str) -> str:
    """Return a text as HTML, with parts in backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick: nothing is code
        return escape(text)
    return "".join(code(part) if place % 2 else escape(part) for place, part in enumerate(parts))


def bold(pieces: Iterable[Piece], own: Literal["missing", "extra"]) -> str:
    """Return one of two compared texts as HTML. Words that the other text lacks are bold and underlined.

    :param own: kind of the pieces that only this text has: `missing` or `extra`.
    """
    return "".join(
        f'<b style="text-decoration:underline">{escape(piece.text)}</b>' if piece.kind == own else escape(piece.text)
        for piece in pieces
        if piece.kind in ("same", own)
    )


def bar(start: float, end: float, whole: float, tone: str = "better") -> str:
    """Return a bar from `start` to `end` on a scale from 0 to `whole`, as HTML.

    :param tone: CSS class that sets the colour.
    """
    if not whole:
        return ""
    left, width = 100 * start / whole, max(0.8, 100 * (end - start) / whole)
    style = f"left:{min(left, 99.2):.2f}%;width:{width:.2f}%;height:.7rem;margin-top:-.35rem"
    return f'<span class="ct-span {tone}" aria-hidden="true"><i style="{style}"></i></span>'


def code(text: str) -> str:
    """Return a text as code, as HTML."""
    return f"<code>{escape(text)}</code>"


def cell(label: str, content: str, look: str = "", title: str = "") -> str:
    """Return a cell of a table, as HTML.

    :param label: the name of its column; narrow screens show it beside the cell.
    :param content: HTML; an empty cell shows a dash.
    :param look: its CSS classes.
    :param title: its tooltip.
    """
    start = f'<td role="cell" data-label="{escape(label)}" class="{look}"{_tooltip(title)}>'
    return f"{start}<div>{content or NOTHING}</div></td>"


def row(head: str, cells: Iterable[str], title: str = "") -> str:
    """Return a row of a table, as HTML.

    :param head: its heading, as HTML.
    :param cells: its cells, from `cell`.
    :param title: the tooltip of the heading.
    """
    return f'<tr role="row"><th role="rowheader" scope="row"{_tooltip(title)}>{head}</th>{"".join(cells)}</tr>'


def _tooltip(title: str) -> str:
    return f' title="{escape(title)}"' if title else ""


def frame(names: Sequence[str], body: Iterable[str], words: Sequence[int] = (), *, prose: bool = False) -> str:
    """Return a table with header around rows from `row`; see `table` for the parameters.

    The roles stand in the HTML because narrow screens lay the cells out as a list, and browsers then no longer take it
    for a table.
    """
    head = "".join(
        f'<th role="columnheader" scope="col"{" class=words" if place in words else ""}>{escape(name)}</th>'
        for place, name in enumerate(names)
    )
    look = ' class="prose"' if prose else ""
    return (
        f'<div class="ct"><table role="table"{look}><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(body)}</tbody></table></div>'
    )


def table(
    names: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int] = (), *, prose: bool = False,
    look: str = "words",
) -> str:  # fmt: skip
    """Return a table, as HTML. The first cell of each row is its heading.

    :param names: the names of the columns, as plain text.
    :param rows: the cells of each row, as HTML; text from outside is already escaped.
    :param words: indexes of the columns that hold words; these are aligned left.
    :param prose: whether the cells hold whole sentences, which are wrapped.
    :param look: CSS class of the cells in these columns: `words`, or `wrap` for long ones.
    """

    def look_of(place: int, content: str) -> str:
        return " ".join([look] * (place in words) + ["nothing"] * (not content))

    return frame(
        names,
        (
            row(first, (cell(names[at], text, look_of(at, text)) for at, text in enumerate(rest, start=1)))
            for first, *rest in rows
        ),
        words,
        prose=prose,
    )
