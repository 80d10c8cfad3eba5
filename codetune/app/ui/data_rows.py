"""Browse the rows of train, val and test, and paraphrases beside their originals, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from codetune.app import project
from codetune.app.ui import html
from codetune.app.ui.guard import escape_lines, escape_markdown
from codetune.compare.inline import reworded
from codetune.core.files import JsonObject
from codetune.ledger.browsing import RowIndex, missing_sentence, read_index, read_places, rows_by_id, rows_containing
from codetune.schemas.declaration import Schema
from codetune.schemas.instructions import AUGMENTED, ORIGINALS, PARAPHRASES

PAGE_ROWS = 20
EVERY = "All packages"
_LABEL_CHARS = 110


@dataclass(frozen=True)
class _Table:
    """A table to browse.

    :param path: its file.
    :param originals: for paraphrases, the file that has their originals.
    """

    path: str
    schema: Schema
    originals: str | None = None
    originals_schema: Schema = ORIGINALS


_TABLES = {
    "train": _Table("data/clean/train.jsonl", ORIGINALS),
    "val": _Table("data/clean/val.jsonl", ORIGINALS),
    "test": _Table("data/clean/test.jsonl", ORIGINALS),
    "paraphrases of train": _Table("data/augmented/train.jsonl", AUGMENTED, "data/augmented/train.jsonl", AUGMENTED),
    "test in other words": _Table("data/augmented/test.jsonl", PARAPHRASES, "data/clean/test.jsonl"),
}


@st.cache_resource(max_entries=2 * len(_TABLES), show_spinner="Counting the rows")
def _index(path: str, state: int) -> RowIndex:  # noqa: ARG001 - part of the cache's key
    return read_index(Path(path))


@st.cache_data(max_entries=50, show_spinner="Searching the rows")
def _places(path: str, state: int, group: str | None, text: str, *, paraphrases: bool) -> Sequence[int]:
    index = _index(path, state)
    found = index.places(group, paraphrases=True if paraphrases else None)
    return [int(place) for place in (rows_containing(index, found, text) if text else found)]


def _page(count: int) -> tuple[int, int]:
    """Return the first and last row (exclusive) of the current page, counted from 0."""
    pages = max(1, -(-count // PAGE_ROWS))
    st.session_state["data_page"] = min(max(1, st.session_state.get("data_page", 1)), pages)
    number = st.number_input(f"Page, of {pages:,}", 1, pages, key="data_page")
    start = (int(number) - 1) * PAGE_ROWS
    return start, min(count, start + PAGE_ROWS)


def _first_page() -> None:
    st.session_state["data_page"] = 1


def _row(row: JsonObject) -> None:
    instruction = " ".join(str(row["instruction"]).split())
    cut = instruction if len(instruction) <= _LABEL_CHARS else f"{instruction[: _LABEL_CHARS - 1]}…"
    with st.expander(escape_markdown(f"{row['qualname']} · {cut}")):
        st.markdown(escape_lines(str(row["instruction"])))
        st.code(row["completion"], language="python", wrap_lines=True)
        lines = f"{row['path']}:{row['lines'][0]}-{row['lines'][1]}"
        st.caption(escape_markdown(f"{row['id']} · {row['group']} {row['version']} · {lines} · {row['license']}"))


def _pairs(rows: Sequence[JsonObject], originals: dict[str, JsonObject]) -> str:
    cells = []
    for row in rows:
        original = originals.get(row["parent"])
        pieces = reworded(original["instruction"] if original else "", row["instruction"])
        head = f"{escape(row['qualname'])}<span>{escape(row['group'])} · {escape(row['id'])}</span>"
        cells.append([head, html.bold(pieces, "missing"), html.bold(pieces, "extra")])
    return html.table(["Row", "Original", "Paraphrase"], cells, (1, 2), prose=True)


def _chosen(table: _Table, path: Path) -> tuple[RowIndex, Sequence[int]]:
    """Return the index of a table, and the positions of the rows that match the search."""
    state = path.stat().st_mtime_ns
    index = _index(str(path), state)
    left, right = st.columns(2)
    group = left.selectbox("Package", [EVERY, *index.groups], key="data_group", on_change=_first_page)
    text = right.text_input("Text", key="data_text", max_chars=200, on_change=_first_page,
                            help="Rows whose instruction, code or path contains it; upper or lower case.")  # fmt: skip
    wanted = None if group == EVERY else group
    return index, _places(str(path), state, wanted, text, paraphrases=table.originals is not None)


def show_rows() -> None:
    """Draw one page of the table that the user chooses."""
    root = project.project_root()
    name = st.segmented_control(
        "Rows of", list(_TABLES), default="train", required=True, key="data_table", on_change=_first_page
    )
    table = _TABLES[name or "train"]
    if not (root / table.path).is_file():
        st.info(missing_sentence(table.path))
        return
    index, places = _chosen(table, root / table.path)
    if not places:
        st.info("No row fits. Choose another package or text.")
        return
    start, end = _page(len(places))
    st.caption(f"Rows {start + 1:,} to {end:,} of {len(places):,}, from the workspace.")
    rows = read_places(index, places[start:end], table.schema)
    if table.originals is None:
        for row in rows:
            _row(row)
        return
    originals = rows_by_id(root / table.originals, [row["parent"] for row in rows], table.originals_schema)
    st.html(_pairs(rows, originals))
    st.caption("Underlined: words that only one of the two texts has.")
