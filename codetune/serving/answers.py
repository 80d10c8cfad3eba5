"""Generate the answers that clients ask for: at most as many at a time as there are slots, first come, first served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from codetune.generation.engines.engine import AnswerStream, Engine, EngineError
from codetune.generation.sampling import SamplingSettings
from codetune.generation.stream import StreamEvent
from codetune.serving.errors import ApiError
from codetune.serving.stops import StopTexts

MAX_WAITING = 256


@dataclass(frozen=True)
class Question:
    """What an engine is asked.

    :param engine: the engine.
    :param model: the name of the model in the engine.
    :param prompt: token ids.
    :param settings: how tokens are chosen, and how many.
    :param repeatable: whether the same question must get the same answer.
    :param stops: texts that end the answer.
    """

    engine: Engine
    model: str
    prompt: list[int]
    settings: SamplingSettings
    repeatable: bool
    stops: list[str]


@dataclass(frozen=True)
class Piece:
    """A piece of an answer.

    :param text: the text to append.
    :param tokens: number of tokens of the answer so far, without the end token.
    :param reason: why the answer ended; None if it goes on.
    """

    text: str
    tokens: int
    reason: Literal["stop", "length"] | None = None


class Slots:
    """Answers questions, a limited number at the same time.

    :param count: number of answers at the same time.
    """

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._threads = ThreadPoolExecutor(count, "slot")
        self._waiting = 0

    async def answer(self, question: Question) -> AsyncGenerator[Piece, None]:
        """Generate an answer, as soon as a slot is free. Closing the generator, or cancelling its task, frees the slot.

        :raises ApiError: when too many questions wait already.
        :raises EngineError: when the engine fails.
        """
        if self._waiting >= MAX_WAITING:
            raise ApiError(429, "too many requests wait for a slot; try again later", "server_busy")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            stream = question.engine.stream(
                question.model, question.prompt, question.settings, repeatable=question.repeatable
            )
            try:
                async with aclosing(self._pieces(stream, question.stops)) as pieces:
                    async for piece in pieces:
                        yield piece
            finally:
                stream.close()
        finally:
            self._free.release()

    async def _pieces(self, stream: AnswerStream, stops: list[str]) -> AsyncGenerator[Piece, None]:
        stop, loop = StopTexts(stops), asyncio.get_running_loop()
        while (event := await loop.run_in_executor(self._threads, _next, stream)) is not None:
            text = stop.add(event.text_delta)
            if stop.found:
                yield Piece(text, event.tokens, "stop")
                return
            if event.finished:
                yield Piece(text + stop.rest(), event.tokens, "stop" if event.stopped else "length")
                return
            yield Piece(text, event.tokens)
        raise EngineError("the engine was closed before the answer ended")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _next(stream: AnswerStream) -> StreamEvent | None:
    """Return the next event, or None at the end; `StopIteration` cannot pass through a future."""
    return next(iter(stream), None)
