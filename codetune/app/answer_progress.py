"""Ask several models one question, and collect their answers while they are generated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch

from codetune.evaluation.metrics.scored import scored_text
from codetune.evaluation.metrics.syntax import syntax_valid
from codetune.generation.engines.engine import EngineError
from codetune.generation.stream import StreamEvent
from codetune.models.answer_form import Task


def _nothing(*, failed: bool = False) -> None:
    """Do nothing: a question without models to release."""


@dataclass
class AnswerProgress:
    """The state of one question that several models are answering.

    Streamlit runs the page again at every interaction. This object stays in the session, so that generation does not
    start again.

    :param events: the rest of the stream of answers; `advance` consumes it.
    :param texts: the text generated so far, by the name of the model.
    :param last: the latest event, by the name of the model.
    :param running: whether more events may come.
    :param failure: why the engine failed, and what to do; empty if it did not.
    :param close: releases the models; called once, with `failed=True` after an error of the generation.
    :param threads: number of threads that torch uses to generate; 0 leaves torch's setting unchanged.
    :param task: what the answers are, `python` or `text`; from Python answers the code is extracted as in `score`.
    """

    events: Iterator[StreamEvent]
    texts: dict[str, str] = field(default_factory=dict)
    last: dict[str, StreamEvent] = field(default_factory=dict)
    running: bool = True
    threads: int = 0
    task: Task = "python"
    failure: str = ""
    close: Callable[..., None] = _nothing

    def advance(self, seconds: float) -> bool:
        """Collect events of the models for about `seconds`.

        :returns: whether more events may come.
        :raises Exception: any other error of the generation, after the question is stopped.
        """
        if self.threads:
            torch.set_num_threads(self.threads)
        until = time.perf_counter() + seconds
        while self.running and time.perf_counter() < until:
            try:
                event = next(self.events, None)
            except EngineError as error:
                self.failure = f"{error}. Press Generate again, which starts the engine anew."
                self.stop(failed=True)
                break
            except Exception:
                self.stop(failed=True)
                raise
            if event is None:
                self.stop()
            else:
                self.texts[event.name] = self.texts.get(event.name, "") + event.text_delta
                self.last[event.name] = event
        return self.running

    def stop(self, *, failed: bool = False) -> None:
        """Stop generating and release the models. The texts generated so far stay.

        :param failed: whether the generation failed, so that the models must be loaded anew.
        """
        self.running = False
        self.events = iter(())
        close, self.close = self.close, _nothing
        close(failed=failed)

    def ended(self) -> AnswerProgress:
        """Return these answers without the models: whoever keeps the result keeps no model in use.

        The texts still grow while this object generates, so that a reload of the page shows them as far as they came.
        """
        return replace(self, events=iter(()), running=False, close=_nothing)

    def status_line(self, name: str) -> str:
        """Return length, speed and how the answer ended, in one line, for the model `name`."""
        event = self.last.get(name)
        if event is None:
            return "waiting for the first token" if self.running else "stopped before the first token"
        parts = [
            f"{event.tokens} {'token' if event.tokens == 1 else 'tokens'}",
            f"{event.seconds:.2f} s",
            f"first token after {event.first_token_s:.2f} s",
            f"{event.tokens_per_s:.1f} tokens/s",
        ]
        if event.finished:
            parts.append("ended by itself" if event.stopped else "cut at the limit of tokens")
            parses = syntax_valid(scored_text(self.texts[name], self.task))
            parts.append("parses" if parses else "does not parse")
        elif not self.running:
            parts.append("the engine failed" if self.failure else "stopped before the end")
        return " · ".join(parts)
