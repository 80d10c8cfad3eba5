"""Answers of several models to one instruction: in turn, or one after the other."""

import gc
from weakref import ref

import pytest

from codetune.core.errors import UserError
from codetune.generation.engines.side_by_side import MAX_INSTRUCTION_CHARS, SideBySide, stream_answers
from codetune.generation.sampling import SamplingSettings
from codetune.generation.stream import StreamEvent

SETTINGS = SamplingSettings(max_new_tokens=3)


class Stream:
    """An answer of a few letters; it says in `log` when it is asked for an event."""

    def __init__(self, text, log):
        self.text, self.log, self.place, self.closed = text, log, 0, False

    def __iter__(self):
        return self

    def __next__(self):
        if self.closed or self.place == len(self.text):
            raise StopIteration
        self.log.append(self.text[self.place])
        self.place += 1
        end = self.place == len(self.text)
        return StreamEvent("inner name", self.text[self.place - 1], self.place, 1.0, 1.0, end, stopped=end)

    def close(self):
        self.closed = True


class Engine:
    """An engine whose model `m` answers with its instruction in capitals."""

    def __init__(self, *, in_turn):
        self.in_turn, self.log, self.asked = in_turn, [], []

    def prompt(self, model, messages):
        return [ord(letter) for letter in f"{model}{messages[0]['content']}"]

    def stream(self, model, prompt, settings):
        self.asked.append((model, settings))
        return Stream("".join(map(chr, prompt)), self.log)


@pytest.mark.parametrize(("in_turn", "order"), [(True, ["left", "right"] * 3), (False, ["left"] * 3 + ["right"] * 3)])
def test_models_take_turns_where_the_engine_allows_it(in_turn, order):
    engine = Engine(in_turn=in_turn)
    events = list(stream_answers({"left": (engine, "a"), "right": (engine, "b")}, "xy", SETTINGS))
    assert [event.name for event in events] == order
    texts = {name: "".join(event.text_delta for event in events if event.name == name) for name in ("left", "right")}
    assert texts == {"left": "axy", "right": "bxy"}
    assert engine.asked == [("a", SETTINGS), ("b", SETTINGS)]


def test_one_engine_that_cannot_take_turns_lets_all_wait():
    turns, none = Engine(in_turn=True), Engine(in_turn=False)
    events = stream_answers({"left": (turns, "a"), "right": (none, "b")}, "x", SETTINGS)
    assert [event.name for event in events] == ["left", "left", "right", "right"]


def test_an_answer_starts_when_it_is_its_turn():
    engine = Engine(in_turn=False)
    events = stream_answers({"left": (engine, "a"), "right": (engine, "b")}, "x", SETTINGS)
    next(events)
    assert engine.log == ["a"]


@pytest.mark.parametrize("in_turn", [True, False])
def test_closing_ends_all_answers(in_turn):
    streams = {name: Stream("abc", []) for name in ("left", "right")}
    events = SideBySide(streams, in_turn=in_turn)
    next(events)
    events.close()
    events.close()
    assert not list(events)
    assert all(stream.closed for stream in streams.values())
    known = [ref(stream) for stream in streams.values()]
    streams.clear()
    gc.collect()
    assert [stream() for stream in known] == [None, None], "their models could not be released"


@pytest.mark.parametrize("instruction", ["", "  \n ", "x" * (MAX_INSTRUCTION_CHARS + 1)])
def test_an_instruction_that_cannot_be_answered_is_refused_at_once(instruction):
    engine = Engine(in_turn=True)
    with pytest.raises(UserError):
        stream_answers({"m": (engine, "a")}, instruction, SETTINGS)
    assert not engine.asked
