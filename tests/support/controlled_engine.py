"""An engine whose answers the test controls, and a server in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from codetune.generation.stream import StreamEvent
from codetune.serving.api import make_app
from codetune.serving.guard import Access
from codetune.serving.models import ServedModel
from codetune.serving.run import open_port


class Controlled:
    """An engine that yields one token whenever the test allows it. It counts its open and its simultaneous answers."""

    name = "controlled"
    context = 64

    def __init__(self) -> None:
        self.models = ["base"]
        self.steps = threading.Semaphore(0)
        self.open = self.most = 0
        self.failure: Exception | None = None
        self._lock = threading.Lock()

    def prompt(self, _model: str, messages: list[dict[str, str]]) -> list[int]:
        return [1] * sum(len(message["content"]) for message in messages)

    def stream(self, _model: str, _prompt: list[int], settings: Any, **_more: bool) -> ControlledStream:
        with self._lock:
            self.open += 1
            self.most = max(self.most, self.open)
        return ControlledStream(self, settings.max_new_tokens)

    def left(self) -> None:
        with self._lock:
            self.open -= 1

    def close(self) -> None:
        self.steps.release(10_000)


class ControlledStream:
    def __init__(self, engine: Controlled, room: int) -> None:
        self.engine, self.room, self.tokens, self.closed = engine, room, 0, False

    def __iter__(self) -> Iterator[StreamEvent]:
        return self

    def __next__(self) -> StreamEvent:
        if self.tokens == self.room:
            raise StopIteration
        while not self.engine.steps.acquire(timeout=0.05):
            if self.closed:
                raise StopIteration
        if self.engine.failure:
            raise self.engine.failure
        self.tokens += 1
        finished = self.tokens == self.room
        return StreamEvent("base", f"{self.tokens} ", self.tokens, 0.1, 0.1, finished, stopped=False)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.engine.left()


@contextmanager
def serving(engine: Any, *, slots: int = 2, access: Access | None = None) -> Iterator[int]:
    """Serve the models of an engine on a free port of this machine, in a thread. Yields the port."""
    models = {name: ServedModel(name, engine, 1) for name in engine.models}
    app = make_app(models, slots, 16, access or Access("127.0.0.1"))
    opened = open_port("127.0.0.1", 0, None)
    server = uvicorn.Server(uvicorn.Config(app, http="h11", log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
    thread.start()
    try:
        yield opened.getsockname()[1]
    finally:
        server.should_exit = True
        engine.close()
        thread.join()
        opened.close()
