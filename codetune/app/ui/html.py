"""Plain tables as HTML in the look of the page: every text from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from codetune.compare.inline import Piece

NOTHING = "\u2013"


def marked(text: str) -> str:
    """A text as HTML, with what stands in backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick: nothing is code
        return escape(text)
    return "".join(code(part) if place % 2 else escape(part) for place, part in enumerate(parts))


def bold(pieces: Iterable[Piece], own: Literal["missing", "extra"]) -> str:
    """One of two texts as HTML: what the other lacks, the pieces of kind `own`, in bold and underlined."""
    return "".join(
        f'<b style="text-decoration:underline">{escape(piece.text)}</b>' if piece.kind == own else escape(piece.text)
        for piece in pieces
        if piece.kind in ("same", own)
    )


def bar(start: float, end: float, whole: float, tone: str = "better") -> str:
    """A bar from `start` to `end` on a scale from 0 to `whole`, in the colour of a class of the page."""
    if not whole:
        return ""
    left, width = 100 * start / whole, max(0.8, 100 * (end - start) / whole)
    style = f"left:{min(left, 99.2):.2f}%;width:{width:.2f}%;height:.7rem;margin-top:-.35rem"
    return f'<span class="ct-span {tone}" aria-hidden="true"><i style="{style}"></i></span>'


def code(text: str) -> str:
    """A text as code, as HTML."""
    return f"<code>{escape(text)}</code>"


def cell(label: str, content: str, look: str = "", title: str = "") -> str:
    """A cell of a table.

    :param label: the name of its column, which narrow screens show beside it.
    :param content: as HTML; a cell without any shows a dash.
    :param look: its classes; `title` is told on hover.
    """
    hover = f' title="{escape(title)}"' if title else ""
    return f'<td data-label="{escape(label)}" class="{look}"{hover}><div>{content or NOTHING}</div></td>'


def frame(names: Sequence[str], body: Iterable[str], words: Sequence[int] = (), *, prose: bool = False) -> str:
    """A table around rows that are HTML; the parameters are those of `table`."""
    head = "".join(
        f'<th scope="col"{" class=words" if place in words else ""}>{escape(name)}</th>'
        for place, name in enumerate(names)
    )
    look = ' class="prose"' if prose else ""
    return f'<div class="ct"><table{look}><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def table(
    names: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int] = (), *, prose: bool = False,
    look: str = "words",
) -> str:  # fmt: skip
    """A table; the first cell of each row is its heading.

    :param names: of the columns, as plain text.
    :param rows: their cells, as HTML: what came from outside has been escaped.
    :param words: the columns that hold words, and stand to the left.
    :param prose: whether the cells hold whole sentences, which are wrapped.
    :param look: the class of the cells of these columns: `words`, or `wrap` for long ones.
    """

    def look_of(place: int, content: str) -> str:
        return " ".join([look] * (place in words) + ["nothing"] * (not content))

    return frame(
        names,
        (
            f'<tr><th scope="row">{first}</th>'
            f"{''.join(cell(names[at], text, look_of(at, text)) for at, text in enumerate(rest, start=1))}</tr>"
            for first, *rest in rows
        ),
        words,
        prose=prose,
    )
