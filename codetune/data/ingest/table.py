"""Extract instruction and completion from the records of a table. The meaning of the columns is detected.

Only text is read. A row that cannot be used is counted by reason.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice, pairwise
from typing import Any

from codetune.core.errors import UserError
from codetune.data.ingest.decoding import storable, with_line_feeds
from codetune.data.ingest.licenses import License, named_license, together
from codetune.data.ingest.records import CHATS, UnreadableRow

Record = dict[str, Any]
_SAMPLE = 100


@dataclass(frozen=True)
class Layout:
    """Names of the columns of a table; empty for a column that it does not have.

    :param instruction: column with the instruction.
    :param completion: column with the completion.
    :param input: column with a text that is appended to the instruction.
    :param messages: column with a chat; it replaces the three columns above.
    :param group: column with the group.
    """

    instruction: str = ""
    completion: str = ""
    input: str = ""
    messages: str = ""
    group: str = ""

    @property
    def needed(self) -> tuple[str, ...]:
        """Names of the columns in which every row must have a value."""
        return tuple(name for name in (self.instruction, self.completion, self.messages) if name)


LAYOUTS = (
    *(Layout(messages=name) for name in CHATS),
    Layout(instruction="instruction", input="input", completion="output"),
    Layout(instruction="prompt", completion="completion"),
    Layout(instruction="instruction", input="input", completion="completion"),
    Layout(instruction="prompt", completion="chosen"),
    Layout(messages="chosen"),
)
_EXPECTED = (
    "expected instruction and output (Alpaca), prompt and completion, prompt and chosen, messages or conversations"
)
# Names that tools use for the roles of a chat, in lower case.
_ROLES = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "ai"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
_SYSTEM = ("system", "system_prompt")
_LICENSE = ("license", "licence", "licenses", "licences", "spdx")
# Columns that are read in every layout.
_READ = frozenset({*_SYSTEM, *_LICENSE, "history", "label"})
# Fields of a message that are read. A tool call makes a row unusable.
_FIELDS = frozenset({"role", "from", "content", "value", "tool_calls"})
_LEFT_OUT = "column_left_out"
_NAMED_COLUMNS, _NAME_CHARS = 20, 40


@dataclass(frozen=True)
class Pair:
    """One row of a table.

    :param instruction: the task.
    :param completion: the correct answer.
    :param group: value of the group column; empty if there is none.
    :param license: licence that the row names; None if it names none.
    """

    instruction: str
    completion: str
    group: str = ""
    license: License | None = None


def choose_layout(where: str, records: Iterable[Any], named: Layout) -> Layout:
    """Return the layout of a table: the named columns, or the known layout that fits most of the records.

    :param where: the source and file, for error messages.
    :param records: the first records of the table.
    :param named: the columns that params.yaml names.
    :raises UserError: when a named column is missing, or no known layout fits.
    """
    objects = [record for record in records if isinstance(record, dict)]
    present = Counter(str(key) for record in objects for key in record)
    shown = [name if name == name.strip() and name.isprintable() else ascii(name) for name in sorted(present)]
    listed = ", ".join(shown[:20]) or "none"
    wanted = [name for name in (*named.needed, named.input, named.group) if name]
    if missing := [name for name in wanted if objects and name not in present]:
        raise UserError(f"{where} has no column {missing[0]!r}, found: {listed}", "Correct `columns` of the source.")
    if named.needed or not objects:
        return named
    fits = {layout: min(present[name] for name in layout.needed) for layout in LAYOUTS}
    best = max(LAYOUTS, key=lambda layout: fits[layout])
    if not fits[best]:
        raise UserError(
            f"{where}: the columns {listed} are not understood, {_EXPECTED}",
            "Name the columns in the source: `columns: {instruction: …, completion: …}`.",
        )
    return Layout(best.instruction, best.completion, best.input, best.messages, named.group)


def _cell(record: Record, column: str) -> Any:
    """Return a value of a record; None if the layout does not have the column, even if a column has an empty name."""
    return record.get(column) if column else None


def _text_of(content: Any) -> Any:
    """Return the text of a message. A list of text parts is joined by line feeds; other values are returned as is."""
    if not isinstance(content, list):
        return content
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    texts = [part for part in parts if isinstance(part, str)]
    return "\n".join(texts) if texts and len(texts) == len(parts) else content


def _turn(message: Any) -> tuple[str, Any]:
    """Return role and content of a chat message in the format of OpenAI or ShareGPT; a tool call has content None."""
    if not isinstance(message, dict):
        return "", None
    role, content = (
        next((message[key] for key in keys if message.get(key) is not None), None)
        for keys in (("role", "from"), ("content", "value"))
    )
    name = str(role or "").strip().lower()
    return _ROLES.get(name, name), None if message.get("tool_calls") else _text_of(content)


def _first_exchange(messages: list[Any], notes: Counter[str]) -> tuple[Any, Any] | str:
    """Return the first question and its answer, or a drop reason. Turns that are left out are counted in `notes`."""
    turns = [(*_turn(message), message) for message in messages]
    spoken = [turn for turn in turns if turn[0] != "system"]
    for (asker, question, asked), (answerer, answer, answered) in pairwise(spoken):
        if (asker, answerer) == ("user", "assistant"):
            notes["system_text_left_out"] += len(turns) > len(spoken)
            notes["other_turns_left_out"] += len(spoken) - 2
            _count_fields((asked, answered), notes)
            return question, answer
        if not {asker, answerer} <= {"user", "assistant"}:
            return "role_unknown"
        if asker == "user":  # of two questions in a row, the second alone may be incomplete
            return "earlier_turns"
    return "no_answer"


def _count_fields(messages: Iterable[Record], notes: Counter[str]) -> None:
    """Count the fields of messages that have a value but are not read, such as `reasoning_content`, by name."""
    found = {name for message in messages for name, value in message.items() if not _is_empty(value)} - _FIELDS
    for name in sorted(found):  # in this order, because only the first names are counted one by one
        _count_name(f"field {name} of a message", notes)


def _is_chat(value: Any) -> bool:
    return _has_objects(value) and any("role" in message or "from" in message for message in value)


def _has_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _joined(value: Any) -> Any:
    """Return the text of a column. Only objects are parts of a text: strings may be several answers."""
    return _text_of(value) if _has_objects(value) else value


def _chat_texts(asked: Any, answer: Any, notes: Counter[str]) -> tuple[Any, Any] | str:
    """Return question and answer of a row whose prompt or completion is a list of messages, or a drop reason."""
    prompt = asked if _is_chat(asked) else [{"role": "user", "content": asked}]
    answers = answer if _is_chat(answer) else [{"role": "assistant", "content": answer}]
    if any(_turn(message)[0] == "user" for message in answers):  # a whole chat, which repeats the prompt
        return _first_exchange(answers, notes)
    if any(_turn(message)[0] == "assistant" for message in prompt):
        return "earlier_turns"
    return _first_exchange([*prompt, *answers], notes)


def _unusable(record: Record, layout: Layout) -> str | None:
    """Return a drop reason from columns other than the instruction and the completion, or None."""
    if any(record.get(name) is None for name in layout.needed):
        return "columns_differ"
    earlier = record.get("history")  # in the format of LLaMA-Factory: earlier questions and answers
    if layout.instruction == "instruction" and isinstance(earlier, list) and earlier:
        return "earlier_turns"
    # format of TRL for good and bad answers (unpaired preferences)
    return "labelled_bad" if layout.completion == "completion" and record.get("label") is False else None


def _texts(record: Record, layout: Layout, notes: Counter[str]) -> tuple[Any, Any] | str:
    if reason := _unusable(record, layout):
        return reason
    notes["system_text_left_out"] += any(isinstance(record.get(name), str) and record[name].strip() for name in _SYSTEM)
    if layout.messages:
        messages = _decoded(record[layout.messages])
        return _first_exchange(messages, notes) if isinstance(messages, list) else "not_a_chat"
    asked, answer = (_unpacked(record[name]) for name in (layout.instruction, layout.completion))
    more = _cell(record, layout.input)
    if _is_chat(asked) or _is_chat(answer):
        return _chat_texts(asked, answer, notes)
    asked, answer, more = map(_joined, (asked, answer, more))
    if _is_missing(more):
        return asked, answer
    if isinstance(asked, str) and isinstance(more, str):
        return f"{asked.strip()}\n\n{more.strip()}", answer
    return None, answer


def _layout_of(record: Any, layout: Layout) -> Layout:
    """Return the layout of a record: that of its table, or with the other chat column if the record has only that."""
    if not isinstance(record, dict) or layout.messages not in CHATS or record.get(layout.messages) is not None:
        return layout
    other = next((name for name in CHATS if record.get(name) is not None), layout.messages)
    return replace(layout, messages=other)


def _license(record: Record) -> License | None:
    """Return the licence that a record names; None if it names none.

    Several licences apply together. One that is not understood permits nothing.
    """
    cells = [(column, record.get(column)) for column in _LICENSE]
    texts = [(column, text) for column, cell in cells for text in (cell if isinstance(cell, list) else [cell])]
    return together(named_license(str(text).strip(), column) for column, text in texts if not _is_missing(text))


def _count_left_out(record: Record, layout: Layout, notes: Counter[str]) -> None:
    """Count the columns of a record that have a value but are not read, by name."""
    own = (layout.instruction, layout.completion, layout.input, layout.messages, layout.group)
    read = {*_READ, *filter(None, own)}
    for name, value in record.items():
        if name not in read and not _is_empty(value):
            _count_name(str(name), notes)


def _count_name(name: str, notes: Counter[str]) -> None:
    key = f"{_LEFT_OUT}: {name[:_NAME_CHARS]}"
    is_known = key in notes or sum(each.startswith(_LEFT_OUT) for each in notes) < _NAMED_COLUMNS
    notes[key if is_known else f"{_LEFT_OUT}: others"] += 1


def _decoded(messages: Any) -> Any:
    """Return a chat, parsed if it is JSON text; None if the text is not JSON."""
    try:
        return json.loads(messages) if isinstance(messages, str) else messages
    except (ValueError, RecursionError):
        return None


def _unpacked(value: Any) -> Any:
    """Return a chat that is stored as JSON text; any other value unchanged."""
    found = _decoded(value) if isinstance(value, str) and value.lstrip().startswith("[") else None
    return found if _is_chat(found) else value


def _is_missing(value: Any) -> bool:
    """Return whether an optional column has no value. In Parquet, NaN can mean that too."""
    return value is None or value != value or (isinstance(value, str) and value.strip() in {"", "<noinput>"})  # noqa: PLR0124


def _is_empty(value: Any) -> bool:
    return _is_missing(value) or value in ([], {})


def to_pair(record: Any, layout: Layout, notes: Counter[str]) -> Pair | str:  # noqa: PLR0911
    """Extract instruction and completion from one record.

    :param record: the record; any JSON value, or `UnreadableRow`.
    :param layout: the columns to read.
    :param notes: counts what is left out of the record, by name.
    :returns: the row, or the reason why the record cannot be used.
    """
    if isinstance(record, UnreadableRow):
        return record.reason
    if not isinstance(record, dict):
        return "not_an_object"
    own = Counter[str]()
    texts = _texts(record, layout, own)
    if isinstance(texts, str):
        return texts
    asked, answer = texts
    if not isinstance(asked, str) or not isinstance(answer, str):
        return "not_text"
    if not asked.strip() or not answer.strip():
        return "instruction_empty" if not asked.strip() else "completion_empty"
    named = _cell(record, layout.group)
    group = "" if named is None else str(named)
    if not storable(asked, answer, group):
        return "undecodable"
    notes.update(+own)
    _count_left_out(record, layout, notes)
    completion = with_line_feeds(answer).strip("\n").rstrip()
    return Pair(with_line_feeds(asked).strip(), completion, group, _license(record))


def _up_to_objects(records: Iterator[Any]) -> list[Any]:
    """Return the records up to the hundredth object: the sample that the layout is detected from."""
    first: list[Any] = []
    objects = 0
    while objects < _SAMPLE and (some := list(islice(records, 1))):
        first += some
        objects += isinstance(some[0], dict)
    return first


def read_pairs(
    where: str, records: Iterator[Any], named: Layout, skipped: Counter[str], notes: Counter[str]
) -> Iterator[tuple[int, Pair]]:
    """Yield the usable rows of a table with their numbers, counted from 1.

    :param where: the source and file, for error messages.
    :param records: the records of the table.
    :param named: the columns that params.yaml names; the others are detected.
    :param skipped: counts the rows that cannot be used, by reason.
    :param notes: counts what is left out of usable rows, by name.
    :raises UserError: when the columns are not understood.
    """
    first = _up_to_objects(records)
    layout = choose_layout(where, first, named)
    for number, record in enumerate(chain(first, records), start=1):
        pair = to_pair(record, layout if named.needed else _layout_of(record, layout), notes)
        if isinstance(pair, str):
            skipped[pair] += 1
        else:
            yield number, pair
