"""The protocol that every engine follows, and what an engine is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from codetune.core.errors import UserError
from codetune.generation.sampling import SamplingSettings
from codetune.generation.stream import StreamEvent
from codetune.models.prompt import KEEP_SYSTEM


@dataclass(frozen=True)
class EngineModels:
    """The models of one engine: a base model, and what is put on top of it.

    :param base: a value of `model.base`.
    :param revision: the commit, when `base` is a hub id.
    :param adapters: for each model its adapter's folder; None for the base model itself. At least one model.
    :param systems: the system text of each model's prompts, as in `model.system`; `keep` for models without one.
    """

    base: str
    revision: str | None
    adapters: Mapping[str, Path | None]
    systems: Mapping[str, str]

    def system(self, model: str) -> str:
        """Return the system text of a model's prompts."""
        return self.systems.get(model, KEEP_SYSTEM)


@dataclass(frozen=True)
class EngineLimits:
    """How much an engine may do at once.

    :param slots: number of answers that are generated at the same time.
    :param context: largest number of tokens of prompt and answer together; 0: as many as the model allows.
    :param threads: number of threads of the engine.
    :param cache: folder for converted files.
    :param shorten: whether a model with a shorter context than `context` is used with its own one, instead of refused.
    :param prompt_lookup: whether llama.cpp guesses tokens that repeat earlier text and checks several at once; the
        torch engine does not.
    """

    slots: int
    context: int
    threads: int
    cache: Path
    shorten: bool = False
    prompt_lookup: bool = False

    def context_for(self, model_context: int, name: str) -> int:
        """Return the context to use, in tokens.

        :param model_context: the context of the model.
        :param name: the name of the model, for the error message.
        :raises UserError: when more is asked than the model allows.
        """
        if self.context > model_context and self.shorten:
            return model_context
        if self.context > model_context:
            raise UserError(
                f"serve.context: found {self.context}, expected at most {model_context}, the context of {name}",
                "Lower serve.context, or set it to 0 for the context of the model.",
            )
        return self.context or model_context


class EngineError(Exception):
    """The engine stopped working while it generated an answer. The message is one line."""


class AnswerStream(Protocol):
    """The answer of one model while it is generated. Iterating yields its events; the last one is `finished`."""

    def __iter__(self) -> Iterator[StreamEvent]: ...

    def __next__(self) -> StreamEvent:
        """Return the next event.

        :raises EngineError: when the engine failed.
        """

    def close(self) -> None:
        """Stop generating and free the slot. Any thread may call it, at any time, more than once."""


class Engine(Protocol):
    """Generates answers of several models with one base. Its methods may be called from any thread."""

    name: str
    """The value of `serve.engine` for this engine."""
    in_turn: bool
    """Whether answers may take turns, one token each: nothing is computed before the next event is asked for."""

    @property
    def models(self) -> list[str]:
        """Return the names of the models."""

    @property
    def context(self) -> int:
        """Return the largest number of tokens of prompt and answer together."""

    def prompt(self, model: str, messages: list[dict[str, str]]) -> list[int]:
        """Return the token ids of the prompt for a conversation.

        :param messages: as for `codetune.models.prompt.conversation_ids`.
        :raises UserError: when the chat template refuses the conversation.
        """

    def stream(
        self, model: str, prompt: list[int], settings: SamplingSettings, *, repeatable: bool = True
    ) -> AnswerStream:
        """Start the answer of one model.

        :param model: one of `models`.
        :param prompt: token ids.
        :param settings: how tokens are chosen, and how many.
        :param repeatable: whether the same request must get the same answer, so that no state of earlier requests may
            be used.
        :raises UserError: when the prompt fills the context.
        """

    def answer_ids(self, model: str, prompt: list[int], settings: SamplingSettings) -> list[int]:
        """Return the token ids of a whole answer, without the end token. The answer is repeatable.

        :raises UserError: when the prompt fills the context.
        :raises EngineError: when the engine failed.
        """

    def close(self) -> None:
        """Release the memory and end all processes of the engine. Answers that are still generated fail."""
