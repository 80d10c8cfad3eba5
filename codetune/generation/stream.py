"""Stream the answers of several models to one instruction, token by token.

The models take turns, one token each, so that all answers grow at the same rate. Nothing is computed between two
events. To stop, do not ask for the next event. The time of a model contains no time of other models or of the caller.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from codetune.core.errors import UserError
from codetune.generation.answer_text import AnswerText
from codetune.generation.sampling import SamplingSettings, TokenChooser, token_chooser
from codetune.models.prompt import prompt_ids

if TYPE_CHECKING:
    from codetune.models.load import LoadedModel

MAX_INSTRUCTION_CHARS = 20_000
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
    return _turns([_Answer(name, loaded, prompt, settings)])


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


def stream_answers(
    models: Mapping[str, LoadedModel], instruction: str, settings: SamplingSettings
) -> Iterator[StreamEvent]:
    """Stream the answers of all models to one instruction.

    :param models: loaded models by the name that events give them.
    :param instruction: the instruction, without the prompt template.
    :param settings: how tokens are chosen, and how many.
    :returns: one event per token of each model. The texts of a model's events, joined, are its answer; its last event
        is `finished`.
    :raises UserError: when the instruction is empty, or too long for a model.
    """
    if not instruction.strip():
        raise UserError("the instruction is empty", "Write what the function should do.")
    if len(instruction) > MAX_INSTRUCTION_CHARS:
        raise UserError(
            f"the instruction has {len(instruction)} characters, expected at most {MAX_INSTRUCTION_CHARS}",
            "Shorten the instruction.",
        )
    with TURN:
        prompts = {name: prompt_ids(loaded.tokenizer, instruction) for name, loaded in models.items()}
    return _turns([_Answer(name, loaded, prompts[name], settings) for name, loaded in models.items()])


def _turns(answers: list[_Answer]) -> Iterator[StreamEvent]:
    """Yield the events of all answers, one of each in turn, until the last answer is finished."""
    while answers:
        for answer in answers:
            yield answer.step()
        answers = [answer for answer in answers if not answer.finished]
