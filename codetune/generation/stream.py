"""Answers token by token, from several models at once, for whoever is watching.

The models take turns, one token each, so that their answers grow side by side and neither is favoured. Nothing runs
between two events: to stop, stop asking. Each model's time is its own, without the other's turns and the reader's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from codetune.core.errors import UserError
from codetune.generation.sampling import Choose, SamplingSettings, sampler
from codetune.models.prompt import completion_text, prompt_ids

if TYPE_CHECKING:
    from codetune.models.load import LoadedModel

MAX_INSTRUCTION_CHARS = 20_000
# Tokenizers must not be used by two threads at once, and two forward passes that share the cores are both slower than
# one after the other; so one step at a time, whoever asks.
_TURN = threading.Lock()
_INCOMPLETE = "\ufffd"


@dataclass(frozen=True)
class StreamEvent:
    """What one more token brought.

    :param name: which of the models.
    :param text_delta: the text to append; empty while a character is still incomplete.
    :param tokens: how many tokens the answer has, without the end token.
    :param seconds: time that this model has computed, the reading of the prompt included.
    :param first_token_s: the part of it up to the first token.
    :param stopped: whether the model ended the answer by itself; False at the limit of tokens.
    """

    name: str
    text_delta: str
    tokens: int
    seconds: float
    first_token_s: float
    finished: bool
    stopped: bool

    @property
    def tokens_per_s(self) -> float:
        """Tokens per second of computing time so far."""
        return self.tokens / self.seconds if self.seconds else 0.0


class _Answer:
    """One model's answer as it grows, with its own key-value cache and random generator."""

    def __init__(self, name: str, loaded: LoadedModel, instruction: str, settings: SamplingSettings) -> None:
        self.name = name
        self.loaded = loaded
        self.settings = settings
        with _TURN:
            prompt = prompt_ids(loaded.tokenizer, instruction)
        self.room = self._room(prompt)
        self.choose: Choose = sampler(settings, settings.seed)
        self.pending = torch.tensor([prompt])
        self.cache: Any = None
        self.ids: list[int] = []
        self.sent = ""
        self.seconds = 0.0
        self.first_token_s = 0.0
        self.finished = False

    def _room(self, prompt: list[int]) -> int:
        """How many tokens may be generated: as many as asked for, or as the model's context leaves."""
        context = self.loaded.context
        if len(prompt) >= context:
            raise UserError(
                f"the instruction takes {len(prompt)} tokens, and the model reads {context} at most",
                "Shorten the instruction.",
            )
        return min(self.settings.max_new_tokens, context - len(prompt))

    def step(self) -> StreamEvent:
        """Compute one more token."""
        with _TURN, torch.inference_mode():
            start = time.perf_counter()
            output = self.loaded.model(
                input_ids=self.pending, past_key_values=self.cache, use_cache=True, logits_to_keep=1
            )
            token = self.choose(output.logits[0, -1])
            self.cache = output.past_key_values
            self.pending = torch.tensor([[token]])
            stopped = token in self.loaded.end_ids
            if not stopped:
                self.ids.append(token)
            self.finished = stopped or len(self.ids) >= self.room
            delta = self._new_text()
            self.seconds += time.perf_counter() - start
        self.first_token_s = self.first_token_s or self.seconds
        return StreamEvent(
            self.name, delta, len(self.ids), self.seconds, self.first_token_s, self.finished, stopped=stopped
        )

    def _new_text(self) -> str:
        """The text that was not sent yet; the bytes of an incomplete character are kept back until the last token."""
        text = completion_text(self.loaded.tokenizer, self.ids)
        if not self.finished:
            text = text.rstrip(_INCOMPLETE)
        delta = text[len(self.sent) :]
        self.sent += delta
        return delta


def stream_answers(
    models: Mapping[str, LoadedModel], instruction: str, settings: SamplingSettings
) -> Iterator[StreamEvent]:
    """The answers of all models to one instruction, an event for each token of each.

    The texts of a model's events, joined, are its answer; its last event is `finished`.

    :param models: loaded models by the name to report them under.
    :raises UserError: when the instruction is empty, or too long for a model.
    """
    if not instruction.strip():
        raise UserError("the instruction is empty", "Write what the function should do.")
    if len(instruction) > MAX_INSTRUCTION_CHARS:
        raise UserError(
            f"the instruction has {len(instruction)} characters, at most {MAX_INSTRUCTION_CHARS} are read",
            "Shorten it.",
        )
    return _turns([_Answer(name, loaded, instruction, settings) for name, loaded in models.items()])


def _turns(answers: list[_Answer]) -> Iterator[StreamEvent]:
    """The events of all answers, one of each in turn until the last has finished."""
    while answers:
        for answer in answers:
            yield answer.step()
        answers = [answer for answer in answers if not answer.finished]
