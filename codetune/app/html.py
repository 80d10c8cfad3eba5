"""Plain tables as HTML in the look of the page: every text from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

NOTHING = "\u2013"


def marked(text: str) -> str:
    """A text as HTML, with what stands in backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick: nothing is code
        return escape(text)
    return "".join(f"<code>{escape(part)}</code>" if place % 2 else escape(part) for place, part in enumerate(parts))


def bold(pieces: Iterable[tuple[str, bool]]) -> str:
    """Pieces of a text as HTML, those that are marked in bold and underlined."""
    return "".join(
        f'<b style="text-decoration:underline">{escape(text)}</b>' if mark else escape(text) for text, mark in pieces
    )


def bar(start: float, end: float, whole: float, tone: str = "better") -> str:
    """A bar from `start` to `end` on a scale from 0 to `whole`, in the colour of a class of the page."""
    if not whole:
        return ""
    left, width = 100 * start / whole, max(0.8, 100 * (end - start) / whole)
    style = f"left:{min(left, 99.2):.2f}%;width:{width:.2f}%;height:.7rem;margin-top:-.35rem"
    return f'<span class="ct-span {tone}" aria-hidden="true"><i style="{style}"></i></span>'


def table(
    names: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int] = (), *, prose: bool = False
) -> str:
    """A table; the first cell of each row is its heading.

    :param names: of the columns, as plain text.
    :param rows: their cells, as HTML: what came from outside has been escaped.
    :param words: the columns that hold words, and stand to the left.
    :param prose: whether the cells hold whole sentences, which are wrapped.
    """

    def cell(place: int, content: str) -> str:
        look = "words" if place in words else ""
        look = look if content else f"{look} nothing".strip()
        return f'<td data-label="{escape(names[place])}" class="{look}"><div>{content or NOTHING}</div></td>'

    head = "".join(
        f'<th scope="col"{" class=words" if place in words else ""}>{escape(name)}</th>'
        for place, name in enumerate(names)
    )
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(cell(place, text) for place, text in enumerate(rest, start=1))}</tr>'
        for first, *rest in rows
    )
    look = ' class="prose"' if prose else ""
    return f'<div class="ct"><table{look}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
