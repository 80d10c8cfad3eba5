"""Stream the answers of several models to one instruction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from codetune.core.errors import UserError
from codetune.generation.engines.engine import AnswerStream, Engine
from codetune.generation.sampling import SamplingSettings
from codetune.generation.stream import StreamEvent

MAX_INSTRUCTION_CHARS = 20_000


def stream_answers(asked: Mapping[str, tuple[Engine, str]], instruction: str, settings: SamplingSettings) -> SideBySide:
    """Start the answers of several models to one instruction.

    If all engines allow it, the models take turns, one token each, so that all answers grow at the same rate. Otherwise
    they answer one after the other, because they would compete for the same cores.

    :param asked: an engine and the name of a model in it, by the name that events give the model.
    :param instruction: the instruction, without the prompt template.
    :param settings: how tokens are chosen, and how many.
    :returns: the events of all answers. The texts of a model's events, joined, are its answer; its last event is
        `finished`.
    :raises UserError: when the instruction is empty, or too long for a model.
    """
    if not instruction.strip():
        raise UserError("the instruction is empty", "Write what the function should do.")
    if len(instruction) > MAX_INSTRUCTION_CHARS:
        raise UserError(
            f"the instruction has {len(instruction)} characters, expected at most {MAX_INSTRUCTION_CHARS}",
            "Shorten the instruction.",
        )
    messages = [{"role": "user", "content": instruction}]
    prompts = {name: engine.prompt(model, messages) for name, (engine, model) in asked.items()}
    streams = {name: engine.stream(model, prompts[name], settings) for name, (engine, model) in asked.items()}
    return SideBySide(streams, in_turn=all(engine.in_turn for engine, _ in asked.values()))


class SideBySide:
    """The events of several answers. An answer is started when its first event is asked for.

    :param streams: the answers, by the name that their events get.
    :param in_turn: whether the answers take turns, one token each; otherwise one follows the other.
    """

    def __init__(self, streams: Mapping[str, AnswerStream], *, in_turn: bool) -> None:
        self._streams = dict(streams)
        self._events: Iterator[StreamEvent] = (_in_turn if in_turn else _one_after_the_other)(self._streams)

    def __iter__(self) -> Iterator[StreamEvent]:
        return self

    def __next__(self) -> StreamEvent:
        """Return the next event.

        :raises EngineError: when an engine failed.
        """
        return next(self._events)

    def close(self) -> None:
        """Stop all answers and release their models. Any thread may call it, at any time, more than once."""
        streams, self._streams, self._events = self._streams, {}, iter(())
        for stream in streams.values():
            stream.close()


def _in_turn(streams: Mapping[str, AnswerStream]) -> Iterator[StreamEvent]:
    """Yield one event of each stream in turn, until the last stream ends."""
    remaining = dict(streams)
    while remaining:
        for name, stream in list(remaining.items()):
            event = next(stream, None)
            if event is None or event.finished:
                del remaining[name]
            if event is not None:
                yield replace(event, name=name)


def _one_after_the_other(streams: Mapping[str, AnswerStream]) -> Iterator[StreamEvent]:
    """Yield all events of a stream, then those of the next one."""
    for name, stream in streams.items():
        for event in stream:
            yield replace(event, name=name)
