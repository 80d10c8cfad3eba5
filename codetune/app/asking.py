"""One question to several models: what has been answered so far, and whether more is to come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from codetune.evaluation.metrics.scored import scored_text
from codetune.evaluation.metrics.syntax import syntax_valid
from codetune.generation.stream import StreamEvent
from codetune.models.answer_form import Task


@dataclass
class Asked:
    """A question that is being answered; it outlives the page's reruns, so that nothing starts over.

    :param events: the rest of the answers; consumed by `advance`.
    :param threads: how many threads torch may use for them; 0 leaves it as it is.
    :param task: what the answers are: of code what is fenced is looked at, as `score` does.
    """

    events: Iterator[StreamEvent]
    texts: dict[str, str] = field(default_factory=dict)
    last: dict[str, StreamEvent] = field(default_factory=dict)
    running: bool = True
    threads: int = 0
    task: Task = "python"

    def advance(self, seconds: float) -> bool:
        """Take in what the models say within about `seconds`; whether more is to come."""
        if self.threads:
            torch.set_num_threads(self.threads)
        until = time.perf_counter() + seconds
        while self.running and time.perf_counter() < until:
            try:
                event = next(self.events, None)
            except Exception:
                self.stop()
                raise
            if event is None:
                self.running = False
            else:
                self.texts[event.name] = self.texts.get(event.name, "") + event.text_delta
                self.last[event.name] = event
        return self.running

    def stop(self) -> None:
        """Ask for no more; what has been answered stays, and the models are let go."""
        self.running = False
        self.events = iter(())

    def facts(self, name: str) -> str:
        """Length, speed and fate of one answer, in one line."""
        event = self.last.get(name)
        if event is None:
            return "reading the prompt" if self.running else "stopped before the first token"
        parts = [
            f"{event.tokens} tokens",
            f"{event.seconds:.2f} s",
            f"first token {event.first_token_s:.2f} s",
            f"{event.tokens_per_s:.0f} tokens/s",
        ]
        if event.finished:
            parts.append("ended by itself" if event.stopped else "cut at the limit of tokens")
            parses = syntax_valid(scored_text(self.texts[name], self.task))
            parts.append("parses" if parses else "does not parse")
        elif not self.running:
            parts.append("stopped by you")
        return " · ".join(parts)
