"""Search the ledger and draw the history of a row, as `codetune why` prints it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from codetune.app import project
from codetune.app.ui import html
from codetune.app.ui.address import is_link, write_query
from codetune.app.ui.guard import escape_markdown
from codetune.core.errors import UserError
from codetune.ledger.browsing import missing_sentence
from codetune.ledger.history_text import history_steps, row_text
from codetune.ledger.ledger import LEDGER_PATH, Ledger, read_ledger
from codetune.ledger.life import RowHistory, row_history
from codetune.ledger.why import QueryResult, look_up, no_match_error

MAX_CHARS = 200
_MAX_LISTED = 200
ROW_QUERY = "row"


@st.cache_resource(max_entries=2, show_spinner="Reading the ledger")
def _ledger(path: str, state: int) -> Ledger:  # noqa: ARG001 - part of the cache's key
    return read_ledger(Path(path))


@st.cache_data(max_entries=50, show_spinner="Looking the row up")
def _answer(root: str, query: str, state: int) -> QueryResult:
    return look_up(Path(root), _ledger(str(Path(root) / LEDGER_PATH), state), query)


def _life(life: RowHistory) -> None:
    rows = [[label, "<br>".join(map(html.backticks_as_code, texts))] for label, texts in history_steps(life)]
    st.html(html.table(["", "What happened to it"], rows, (1,), prose=True))


def _several(root: Path, ledger: Ledger, answer: QueryResult) -> None:
    listed = answer.places[:_MAX_LISTED]
    texts = dict(zip(listed, map(row_text, ledger.rows(listed)), strict=True))
    more = f", the first {len(listed)} of them" if len(listed) < len(answer.places) else ""
    place = st.selectbox(f"{len(answer.places):,} rows have this name{more}", listed, format_func=texts.__getitem__)
    if place is not None:
        _life(row_history(root, ledger, place))


def _query() -> str:
    """Return what the user searches for: the typed text, at first the one from the link."""
    if is_link([ROW_QUERY]) or "data_query" not in st.session_state:
        st.session_state["data_query"] = st.query_params.get(ROW_QUERY, "")[:MAX_CHARS]
    query = st.text_input(
        "Find a row", key="data_query", max_chars=MAX_CHARS, placeholder="an id, core.py:120, or a function's name",
        help="An id or its beginning; a path or its end, also with :LINE; the name of a function.",
    ).strip()  # fmt: skip
    if query:
        write_query({ROW_QUERY: query})
    elif ROW_QUERY in st.query_params:
        del st.query_params[ROW_QUERY]
    return query


def show_ledger() -> None:
    """Draw the search box, and the history of the row that is found."""
    root = project.project_root()
    path = root / LEDGER_PATH
    if not path.is_file():
        st.info(missing_sentence(LEDGER_PATH))
        return
    query, state = _query(), path.stat().st_mtime_ns
    if not query:
        st.caption("The ledger has a line for every raw row: kept, or dropped with the reason and the measured values.")
        return
    try:
        answer = _answer(str(root), query, state)
        if not answer.places:
            raise no_match_error(query, answer.nearest)
    except UserError as error:
        st.info(escape_markdown(str(error)))
        return
    if answer.life is None:
        _several(root, _ledger(str(path), state), answer)
        return
    if answer.paraphrase is not None:
        st.write(escape_markdown(f"{answer.paraphrase['id']} is a paraphrase of {answer.paraphrase['parent']}:"))
    _life(answer.life)
