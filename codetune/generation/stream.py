"""Stream the answer of a model, token by token.

Nothing is computed between two events. To stop, do not ask for the next event. The time of an answer contains no time
of other answers or of the caller.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from codetune.core.errors import UserError
from codetune.generation.answer_text import AnswerText
from codetune.generation.sampling import SamplingSettings, TokenChooser, token_chooser

if TYPE_CHECKING:
    from codetune.models.load import LoadedModel

# Two threads must not use a tokenizer at once, and two forward passes on the same cores are slower than one after the
# other. So this lock allows one step at a time.
TURN = threading.Lock()


@dataclass(frozen=True)
class StreamEvent:
    """The result of one more token.

    :param name: name of the model.
    :param text_delta: the text to append; empty while a character is incomplete.
    :param tokens: number of tokens of the answer so far, without the end token.
    :param seconds: computing time of this model so far, with the prompt.
    :param first_token_s: computing time of this model up to the first token.
    :param finished: whether this is the last event of the model.
    :param stopped: whether the model ended the answer with an end token; False at the limit of tokens.
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
        """Tokens per second of computing time so far; 0 before any time has passed."""
        return self.tokens / self.seconds if self.seconds else 0.0


class _Answer:
    """The unfinished answer of one model, with its own key-value cache and random generator."""

    def __init__(self, name: str, loaded: LoadedModel, prompt: list[int], settings: SamplingSettings) -> None:
        self.name = name
        self.loaded = loaded
        self.settings = settings
        self.room = room_for_answer(prompt, loaded.context, settings.max_new_tokens)
        self.choose: TokenChooser = token_chooser(settings, settings.seed)
        self.pending = torch.tensor([prompt])
        self.cache: Any = None
        self.text = AnswerText(loaded.tokenizer)
        self.seconds = 0.0
        self.first_token_s = 0.0
        self.finished = False

    def step(self) -> StreamEvent:
        """Compute one more token and return its event."""
        with TURN, torch.inference_mode():
            start = time.perf_counter()
            output = self.loaded.model(
                input_ids=self.pending, past_key_values=self.cache, use_cache=True, logits_to_keep=1
            )
            token = self.choose(output.logits[0, -1])
            self.cache = output.past_key_values
            self.pending = torch.tensor([[token]])
            stopped = token in self.loaded.end_ids
            added = () if stopped else (token,)
            self.finished = stopped or len(self.text.ids) + len(added) >= self.room
            delta = self.text.add(added, finished=self.finished)
            self.seconds += time.perf_counter() - start
        self.first_token_s = self.first_token_s or self.seconds
        return StreamEvent(
            self.name, delta, len(self.text.ids), self.seconds, self.first_token_s, self.finished, stopped=stopped
        )


def room_for_answer(prompt: list[int], context: int, max_new_tokens: int) -> int:
    """Return how many tokens can be generated: as many as requested, or as the context allows.

    :param prompt: token ids.
    :param context: largest number of tokens of prompt and answer together.
    :raises UserError: when the prompt fills the context.
    """
    if len(prompt) >= context:
        raise UserError(
            f"the prompt has {len(prompt)} tokens, and the context of the model is {context} tokens",
            "Shorten the instruction.",
        )
    return min(max_new_tokens, context - len(prompt))


def stream_ids(name: str, loaded: LoadedModel, prompt: list[int], settings: SamplingSettings) -> Iterator[StreamEvent]:
    """Stream the answer of one model to a prompt.

    :param name: the name that events give the model.
    :param prompt: token ids.
    :param settings: how tokens are chosen, and how many.
    :returns: one event per token.
    :raises UserError: when the prompt fills the context of the model.
    """
    return _events(_Answer(name, loaded, prompt, settings))


def _events(answer: _Answer) -> Iterator[StreamEvent]:
    while not answer.finished:
        yield answer.step()


def answer_ids(loaded: LoadedModel, prompt: list[int], settings: SamplingSettings) -> list[int]:
    """Return the token ids of a whole answer, without the end token.

    :param prompt: token ids.
    :param settings: how tokens are chosen, and how many.
    :raises UserError: when the prompt fills the context of the model.
    """
    answer = _Answer("", loaded, prompt, settings)
    while not answer.finished:
        answer.step()
    return answer.text.ids
