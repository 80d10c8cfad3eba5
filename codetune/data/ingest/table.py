"""Rows of instruction and answer out of the records of a table: the meaning of its columns is detected.

Only text is read; a row that cannot be used is counted by reason and the others go on.
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
from codetune.data.ingest.records import CHATS, Broken

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
    Layout(instruction="prompt", completion="chosen"),
    Layout(messages="chosen"),
)
_EXPECTED = (
    "expected instruction and output (Alpaca), prompt and completion, prompt and chosen, messages or conversations"
)
# What tools call the roles of a chat, in any case.
_ROLES = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "ai"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
_SYSTEM = ("system", "system_prompt")
_LICENSE = ("license", "licence", "licenses", "licences", "spdx")
# Columns that are read where they stand, whatever the layout.
_READ = frozenset({*_SYSTEM, *_LICENSE, "history", "label"})
_LEFT_OUT = "column_left_out"
_NAMED_COLUMNS, _NAME_CHARS = 20, 40


@dataclass(frozen=True)
class Pair:
    """One row: what is asked, the answer, and the value that groups it (empty: none)."""

    instruction: str
    completion: str
    group: str = ""
    license: License | None = None
    """What a column of the table says of this row's licence."""


def choose_layout(where: str, records: Iterable[Any], named: Layout) -> Layout:
    """The layout of a table: the named columns, or the known layout that fits most of the records.

    :param where: the table, for errors.
    :param records: the first rows.
    :raises UserError: when a named column is missing, or no layout fits.
    """
    objects = [record for record in records if isinstance(record, dict)]
    present = Counter(str(key) for record in objects for key in record)
    shown = [name if name == name.strip() else repr(name) for name in sorted(present)]
    listed = ", ".join(shown[:20]) or "none"
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


def _text_of(content: Any) -> Any:
    """The text of a message, whose parts are joined where it is a list of them; anything else as it stands."""
    if not isinstance(content, list):
        return content
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    texts = [part for part in parts if isinstance(part, str)]
    return "\n".join(texts) if texts and len(texts) == len(parts) else content


def _turn(message: Any) -> tuple[str, Any]:
    """Role and content of a chat message, in the shape of OpenAI or of ShareGPT; a call of a tool is no text."""
    if not isinstance(message, dict):
        return "", None
    role, content = (
        next((message[key] for key in keys if message.get(key) is not None), None)
        for keys in (("role", "from"), ("content", "value"))
    )
    name = str(role or "").strip().lower()
    return _ROLES.get(name, name), None if message.get("tool_calls") else _text_of(content)


def _first_exchange(messages: list[Any], notes: Counter[str]) -> tuple[Any, Any] | str:
    """The first question with its answer; a system text and other turns are counted in `notes`."""
    turns = [_turn(message) for message in messages]
    spoken = [turn for turn in turns if turn[0] != "system"]
    for (asker, question), (answerer, answer) in pairwise(spoken):
        if (asker, answerer) == ("user", "assistant"):
            notes["system_text_left_out"] += len(turns) > len(spoken)
            notes["other_turns_left_out"] += len(spoken) - 2
            return question, answer
        if not {asker, answerer} <= {"user", "assistant"}:
            return "role_unknown"
        if asker == "user":  # two questions in a row: the second one alone may be half of what is asked
            return "earlier_turns"
    return "no_answer"


def _is_chat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(message, dict) for message in value)


def _chat_texts(asked: Any, answer: Any, notes: Counter[str]) -> tuple[Any, Any] | str:
    """The exchange of a prompt and a completion, one of which is a list of messages; the completion is the answer."""
    prompt = asked if _is_chat(asked) else [{"role": "user", "content": asked}]
    answers = answer if _is_chat(answer) else [{"role": "assistant", "content": answer}]
    if any(_turn(message)[0] == "user" for message in answers):  # a whole chat, which says the prompt again
        return _first_exchange(answers, notes)
    if any(_turn(message)[0] == "assistant" for message in prompt):
        return "earlier_turns"
    return _first_exchange([*prompt, *answers], notes)


def _unusable(record: Record, layout: Layout) -> str | None:
    """Why a record cannot be used, judged by what stands beside the instruction and the answer, or None."""
    if any(record.get(name) is None for name in layout.needed):
        return "columns_differ"
    earlier = record.get("history")  # as LLaMA-Factory has it: questions and answers before this one
    if layout.instruction == "instruction" and isinstance(earlier, list) and earlier:
        return "earlier_turns"
    # TRL's form of answers that people liked or did not
    return "labelled_bad" if layout.completion == "completion" and record.get("label") is False else None


def _texts(record: Record, layout: Layout, notes: Counter[str]) -> tuple[Any, Any] | str:
    if reason := _unusable(record, layout):
        return reason
    notes["system_text_left_out"] += any(isinstance(record.get(name), str) and record[name].strip() for name in _SYSTEM)
    if layout.messages:
        messages = _decoded(record[layout.messages])
        return _first_exchange(messages, notes) if isinstance(messages, list) else "not_a_chat"
    asked, answer, more = record[layout.instruction], record[layout.completion], record.get(layout.input)
    if _is_chat(asked) or _is_chat(answer):
        return _chat_texts(asked, answer, notes)
    if _is_missing(more):
        return asked, answer
    if isinstance(asked, str) and isinstance(more, str):
        return f"{asked.strip()}\n\n{more.strip()}", answer
    return None, answer


def _layout_of(record: Any, layout: Layout) -> Layout:
    """The layout of a record: that of its table, or of the other column of chats where it has that one alone."""
    if not isinstance(record, dict) or layout.messages not in CHATS or record.get(layout.messages) is not None:
        return layout
    other = next((name for name in CHATS if record.get(name) is not None), layout.messages)
    return replace(layout, messages=other)


def _license(record: Record) -> License | None:
    """What a record says of its own licence; several hold together, and what is not understood permits nothing."""
    cells = [(column, record.get(column)) for column in _LICENSE]
    texts = [(column, text) for column, cell in cells for text in (cell if isinstance(cell, list) else [cell])]
    return together(named_license(str(text).strip(), column) for column, text in texts if not _is_missing(text))


def _count_left_out(record: Record, layout: Layout, notes: Counter[str]) -> None:
    """Count the columns of a record that hold something and are not read, by name."""
    read = {*_READ, layout.instruction, layout.completion, layout.input, layout.messages, layout.group}
    for name, value in record.items():
        if name not in read and not _is_missing(value) and value not in ([], {}):
            key = f"{_LEFT_OUT}: {str(name)[:_NAME_CHARS]}"
            is_known = key in notes or sum(each.startswith(_LEFT_OUT) for each in notes) < _NAMED_COLUMNS
            notes[key if is_known else f"{_LEFT_OUT}: others"] += 1


def _decoded(messages: Any) -> Any:
    """A chat, read where it is a text of JSON."""
    try:
        return json.loads(messages) if isinstance(messages, str) else messages
    except (ValueError, RecursionError):
        return None


def _is_missing(value: Any) -> bool:
    """Whether an optional column holds nothing: in Parquet NaN stands for that too."""
    return value is None or value != value or (isinstance(value, str) and value.strip() in {"", "<noinput>"})  # noqa: PLR0124


def to_pair(record: Any, layout: Layout, notes: Counter[str]) -> Pair | str:  # noqa: PLR0911
    """The instruction and the answer of one record, or the reason why it has none."""
    if isinstance(record, Broken):
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
    group = "" if record.get(layout.group) is None else str(record[layout.group])
    if not storable(asked, answer, group):
        return "undecodable"
    notes.update(+own)
    _count_left_out(record, layout, notes)
    completion = with_line_feeds(answer).strip("\n").rstrip()
    return Pair(with_line_feeds(asked).strip(), completion, group, _license(record))


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
        pair = to_pair(record, layout if named.needed else _layout_of(record, layout), notes)
        if isinstance(pair, str):
            skipped[pair] += 1
        else:
            yield number, pair
