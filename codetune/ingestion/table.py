"""Rows of instruction and answer out of the records of a table: the meaning of its columns is detected.

Only text is read; a row that cannot be used is counted by reason and the others go on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Any

from codetune.errors import UserError
from codetune.ingestion.decoding import storable, with_line_feeds
from codetune.ingestion.records import CHATS, Broken

Record = dict[str, Any]
_SAMPLE = 100


@dataclass(frozen=True)
class Layout:
    """Which columns hold what; `messages` excludes the others."""

    instruction: str = ""
    completion: str = ""
    input: str = ""
    messages: str = ""
    group: str = ""

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that every row must have."""
        return tuple(name for name in (self.instruction, self.completion, self.messages) if name)


LAYOUTS = (
    *(Layout(messages=name) for name in CHATS),
    Layout(instruction="instruction", input="input", completion="output"),
    Layout(instruction="prompt", completion="completion"),
    Layout(instruction="instruction", input="input", completion="completion"),
)
_EXPECTED = "expected instruction and output (Alpaca), prompt and completion, or messages"


@dataclass(frozen=True)
class Pair:
    """One row: what is asked, the answer, and the value that groups it (empty: none)."""

    instruction: str
    completion: str
    group: str = ""


def choose_layout(where: str, records: Iterable[Any], named: Layout) -> Layout:
    """The layout of a table: the named columns, or the known layout that fits most of the records.

    :param where: the table, for errors.
    :param records: the first rows.
    :raises UserError: when a named column is missing, or no layout fits.
    """
    objects = [record for record in records if isinstance(record, dict)]
    present = Counter(str(key) for record in objects for key in record)
    listed = ", ".join(sorted(present)[:20]) or "none"
    wanted = [name for name in (*named.needed, named.input, named.group) if name]
    if missing := [name for name in wanted if objects and name not in present]:
        raise UserError(f"{where} has no column {missing[0]!r}, found: {listed}", "Mend `columns` of the source.")
    if named.needed or not objects:
        return named
    fits = {layout: min(present[name] for name in layout.needed) for layout in LAYOUTS}
    best = max(LAYOUTS, key=lambda layout: fits[layout])
    if not fits[best]:
        raise UserError(
            f"{where}: the columns {listed} are not understood, {_EXPECTED}",
            "Name them: `columns: {instruction: …, completion: …}`.",
        )
    return Layout(best.instruction, best.completion, best.input, best.messages, named.group)


def _turn(message: Any) -> tuple[str, Any]:
    """Role and content of a chat message, in the shape of OpenAI or of ShareGPT."""
    if not isinstance(message, dict):
        return "", None
    role = str(message.get("role", message.get("from", "")))
    role = {"human": "user", "gpt": "assistant"}.get(role, role)
    return role, message.get("content", message.get("value"))


def _first_exchange(messages: Any, notes: Counter[str]) -> tuple[Any, Any] | str:
    """The first question with its answer; other turns are counted in `notes`."""
    if isinstance(messages, str):
        try:
            messages = json.loads(messages)
        except (ValueError, RecursionError):
            return "not_json"
    if not isinstance(messages, list):
        return "columns_differ"
    turns = [_turn(message) for message in messages]
    for (asker, question), (answerer, answer) in pairwise(turns):
        if (asker, answerer) == ("user", "assistant"):
            notes["other_turns_left_out"] += len(turns) - 2
            return question, answer
    return "no_answer"


def _texts(record: Record, layout: Layout, notes: Counter[str]) -> tuple[Any, Any] | str:
    if any(record.get(name) is None for name in layout.needed):
        return "columns_differ"
    if layout.messages:
        return _first_exchange(record[layout.messages], notes)
    asked, more = record[layout.instruction], record.get(layout.input)
    if isinstance(asked, str) and isinstance(more, str) and more.strip() not in {"", "<noinput>"}:
        asked = f"{asked.strip()}\n\n{more.strip()}"
    return asked, record[layout.completion]


def to_pair(record: Any, layout: Layout, notes: Counter[str]) -> Pair | str:  # noqa: PLR0911
    """The instruction and the answer of one record, or the reason why it has none."""
    if isinstance(record, Broken):
        return record.reason
    if not isinstance(record, dict):
        return "not_an_object"
    texts = _texts(record, layout, notes)
    if isinstance(texts, str):
        return texts
    asked, answer = texts
    if not isinstance(asked, str) or not isinstance(answer, str):
        return "not_text"
    if not asked.strip() or not answer.strip():
        return "instruction_empty" if not asked.strip() else "completion_empty"
    group = "" if record.get(layout.group) is None else str(record[layout.group])
    if not storable(asked, answer, group):
        return "undecodable"
    return Pair(with_line_feeds(asked).strip(), with_line_feeds(answer).strip("\n").rstrip(), group)


def _up_to_objects(records: Iterator[Any]) -> list[Any]:
    """The records up to the hundredth object: as many as a layout is told from."""
    first: list[Any] = []
    objects = 0
    while objects < _SAMPLE and (some := list(islice(records, 1))):
        first += some
        objects += isinstance(some[0], dict)
    return first


def read_pairs(
    where: str, records: Iterator[Any], named: Layout, skipped: Counter[str], notes: Counter[str]
) -> Iterator[tuple[int, Pair]]:
    """Yield the rows that can be used with their numbers, counted from 1; the others are counted in `skipped`.

    :raises UserError: when the columns are not understood.
    """
    first = _up_to_objects(records)
    layout = choose_layout(where, first, named)
    for number, record in enumerate(chain(first, records), start=1):
        pair = to_pair(record, layout, notes)
        if isinstance(pair, str):
            skipped[pair] += 1
        else:
            yield number, pair
