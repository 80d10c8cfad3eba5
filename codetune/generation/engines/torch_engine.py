"""The engine `torch`: exactly the models and the arithmetic that the pipeline measures with.

An adapter is merged into the weights, as in the stages `generate` and `export`. Tensors that a merge leaves unchanged,
such as the embeddings, are in memory once for all models.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

from codetune.core.errors import error_text
from codetune.generation.engines.engine import AnswerStream, EngineError, EngineLimits, EngineModels
from codetune.generation.engines.model_text import ModelText
from codetune.generation.sampling import SamplingSettings
from codetune.generation.stream import TURN, StreamEvent, answer_ids, room_for_answer, stream_ids
from codetune.models.load import LoadedModel, load_model


class TorchEngine:
    """Generates with transformers and torch, one token of one answer at a time.

    :param models: the models.
    :param limits: the context; several answers take turns, so the number of slots does not matter here.
    :raises UserError: when a model cannot be loaded, or has a shorter context than asked for.
    """

    name = "torch"
    in_turn = True

    def __init__(self, models: EngineModels, limits: EngineLimits) -> None:
        self._loaded = {
            name: load_model(models.base, adapter, models.revision, models.system(name))
            for name, adapter in models.adapters.items()
        }
        first, *others = self._loaded.values()
        for other in others:
            share_equal_weights(first, other)
        self.context = limits.context_for(min(loaded.context for loaded in self._loaded.values()), first.name)
        self._texts = {name: ModelText(it.tokenizer, it.end_ids, TURN) for name, it in self._loaded.items()}

    @property
    def models(self) -> list[str]:
        """Return the names of the models."""
        return list(self._loaded)

    @property
    def largest(self) -> int:
        """Return the number of parameters of the largest model."""
        sizes = [sum(int(part.numel()) for part in loaded.model.parameters()) for loaded in self._loaded.values()]
        return max(sizes)

    def prompt(self, model: str, messages: list[dict[str, str]]) -> list[int]:
        """Return the token ids of the prompt for a conversation.

        :raises UserError: when the chat template refuses the conversation.
        """
        return self._texts[model].prompt(messages)

    def stream(
        self, model: str, prompt: list[int], settings: SamplingSettings, *, repeatable: bool = True
    ) -> AnswerStream:
        """Start the answer of one model; every answer is repeatable.

        :raises UserError: when the prompt fills the context.
        """
        del repeatable
        return _TorchStream(stream_ids(model, self._loaded[model], prompt, self._limited(prompt, settings)))

    def answer_ids(self, model: str, prompt: list[int], settings: SamplingSettings) -> list[int]:
        """Return the token ids of a whole answer, without the end token.

        :raises UserError: when the prompt fills the context.
        """
        return answer_ids(self._loaded[model], prompt, self._limited(prompt, settings))

    def _limited(self, prompt: list[int], settings: SamplingSettings) -> SamplingSettings:
        """Return the settings with as many tokens as the context allows."""
        return replace(settings, max_new_tokens=room_for_answer(prompt, self.context, settings.max_new_tokens))

    def close(self) -> None:
        """Release the models."""
        self._loaded, self._texts = {}, {}


class _TorchStream:
    """An answer that stops before its next token once it is closed."""

    def __init__(self, events: Iterator[StreamEvent]) -> None:
        self._events = events
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[StreamEvent]:
        return self

    def __next__(self) -> StreamEvent:
        if self._closed.is_set():
            raise StopIteration
        try:
            return next(self._events)
        except (RuntimeError, MemoryError) as error:  # torch, for example when memory is short
            raise EngineError(f"torch failed: {error_text(error)}") from error

    def close(self) -> None:
        self._closed.set()


def share_equal_weights(kept: LoadedModel, other: LoadedModel) -> None:
    """Let `other` use the tensors of `kept` wherever the two are equal, so that they are in memory once."""
    tensors = dict(kept.model.named_parameters())
    for name, weight in other.model.named_parameters():
        same = tensors.get(name)
        if same is not None and same.shape == weight.shape and bool((same == weight).all()):
            weight.data = same.data
