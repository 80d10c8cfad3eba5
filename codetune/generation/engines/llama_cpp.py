"""The engine `llama.cpp`: one copy of a GGUF base model, with adapters beside it that each request chooses.

The token ids of the prompt and the end tokens are those of the pipeline. The weights are the quantised ones of the
file, and llama.cpp also rounds the numbers that they are multiplied with. So an answer can differ from that of torch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.generation.engines.adapter_gguf import adapter_gguf, check_adapter
from codetune.generation.engines.engine import AnswerStream, EngineLimits, EngineModels
from codetune.generation.engines.llama_cpp_client import Completion, LlamaCppProcess
from codetune.generation.engines.model_text import ModelText
from codetune.generation.sampling import SamplingSettings
from codetune.generation.stream import StreamEvent, room_for_answer
from codetune.models.gguf.config import make_config, make_generation_config
from codetune.models.gguf.header import is_gguf, read_gguf
from codetune.models.load import all_end_ids, load_tokenizer
from codetune.models.locate import locate_model, weight_files

_NEUTRAL = {
    "min_p": 0.0, "typical_p": 1.0, "repeat_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
    "dry_multiplier": 0.0, "xtc_probability": 0.0, "mirostat": 0, "dynatemp_range": 0.0,
}  # fmt: skip
_MAX_SEED = 2**32 - 1  # this seed means "random" to llama.cpp


def completion_request(
    prompt: list[int], settings: SamplingSettings, scales: list[dict[str, Any]], *, repeatable: bool
) -> dict[str, Any]:
    """Return the request to llama.cpp for one answer.

    :param prompt: token ids.
    :param settings: how tokens are chosen, and how many.
    :param scales: for each adapter of the process its place (`id`) and its factor (`scale`).
    :param repeatable: whether the keys and values of earlier prompts must not be used.
    """
    return {
        **_NEUTRAL,
        "prompt": prompt,
        "n_predict": settings.max_new_tokens,
        "temperature": settings.temperature,
        "top_k": settings.top_k,
        "top_p": settings.top_p,
        "samplers": ["top_k", "temperature", "top_p"],  # the order of `codetune.generation.sampling`
        "seed": settings.seed % _MAX_SEED,
        "lora": scales,
        "cache_prompt": not repeatable,
        "return_tokens": True,
        "timings_per_token": True,
    }


def whole_answer(process: LlamaCppProcess, request: dict[str, Any], end_ids: frozenset[int]) -> list[int]:
    """Return the token ids of an answer, without the end token.

    :param request: the result of `completion_request`.
    :param end_ids: token ids that end an answer.
    :raises EngineError: when llama.cpp fails.
    """
    ids = [int(token) for token in process.complete(request, stream=False).whole()["tokens"]]
    ends = [place for place, token in enumerate(ids) if token in end_ids]
    return ids[: ends[0]] if ends else ids


class LlamaCppEngine:
    """Generates with llama.cpp, several answers at the same time.

    :param models: the models. The base must have a GGUF file.
    :param limits: slots, context and threads; converted adapters are kept in the cache.
    :raises UserError: when the base has no GGUF file or a damaged one, an adapter does not belong to it, or the context
        is longer than that of the model.
    """

    name = "llama.cpp"
    in_turn = False

    def __init__(self, models: EngineModels, limits: EngineLimits) -> None:
        file = read_gguf(_gguf_of(models))
        generation = make_generation_config(file)
        self.context = limits.context_for(make_config(file).max_position_embeddings, models.base)
        self._texts = {}
        for name, adapter in models.adapters.items():
            tokenizer = load_tokenizer(models.base, models.revision, models.system(name), adapter)
            self._texts[name] = ModelText(tokenizer, all_end_ids(tokenizer, generation))
        folders = list(dict.fromkeys(folder for folder in models.adapters.values() if folder is not None))
        files = [adapter_gguf(folder, file, limits.cache) for folder in folders]
        self._scales = {
            name: [{"id": place, "scale": float(folder == adapter)} for place, folder in enumerate(folders)]
            for name, adapter in models.adapters.items()
        }
        self._process = LlamaCppProcess(
            file.path,
            files,
            slots=limits.slots,
            context=self.context,
            threads=limits.threads,
            prompt_lookup=limits.prompt_lookup,
        )

    @property
    def models(self) -> list[str]:
        """Return the names of the models."""
        return list(self._texts)

    def prompt(self, model: str, messages: list[dict[str, str]]) -> list[int]:
        """Return the token ids of the prompt for a conversation.

        :raises UserError: when the chat template refuses the conversation.
        """
        return self._texts[model].prompt(messages)

    def stream(
        self, model: str, prompt: list[int], settings: SamplingSettings, *, repeatable: bool = True
    ) -> AnswerStream:
        """Start the answer of one model.

        If it must be repeatable, the keys and values of earlier prompts are not used: llama.cpp then computes
        the prompt in other portions, which changes the rounding.

        :raises UserError: when the prompt fills the context.
        """
        request = self._request(model, prompt, settings, repeatable=repeatable)
        return _LlamaCppStream(model, self._texts[model], self._process.complete(request))

    def answer_ids(self, model: str, prompt: list[int], settings: SamplingSettings) -> list[int]:
        """Return the token ids of a whole answer, without the end token.

        A streamed answer does not have all of them: llama.cpp sends no tokens that end within a character.

        :raises UserError: when the prompt fills the context.
        :raises EngineError: when llama.cpp fails.
        """
        request = self._request(model, prompt, settings, repeatable=True)
        return whole_answer(self._process, request, self._texts[model].end_ids)

    def _request(
        self, model: str, prompt: list[int], settings: SamplingSettings, *, repeatable: bool
    ) -> dict[str, Any]:
        """Return the request to llama.cpp."""
        limited = replace(settings, max_new_tokens=room_for_answer(prompt, self.context, settings.max_new_tokens))
        return completion_request(prompt, limited, self._scales[model], repeatable=repeatable)

    def close(self) -> None:
        """End the process of llama.cpp."""
        self._process.close()


class _LlamaCppStream:
    """The events of llama.cpp as events of codetune. It ends at codetune's end tokens."""

    def __init__(self, model: str, text: ModelText, completion: Completion) -> None:
        self._completion = completion
        self._events = self._read(model, text)

    def __iter__(self) -> Iterator[StreamEvent]:
        return self

    def __next__(self) -> StreamEvent:
        return next(self._events)

    def close(self) -> None:
        self._completion.close()

    def _read(self, model: str, text: ModelText) -> Iterator[StreamEvent]:
        start, first, tokens = time.perf_counter(), 0.0, 0
        for event in self._completion:
            before, tokens = tokens, int(event["tokens_predicted"])
            ended = any(token in text.end_ids for token in event["tokens"])
            stopped = ended or event.get("stop_type") == "eos"
            finished = stopped or bool(event["stop"])
            # The beginning is decoded here, because some tokenizers drop the space before the first word.
            delta = text.decode(event["tokens"]) if tokens == 1 and not before else event["content"]
            seconds = _computing_s(event) or time.perf_counter() - start
            first = first or seconds
            if finished:
                self._completion.close()
            yield StreamEvent(
                model, "" if ended else delta, tokens - stopped, seconds, first, finished, stopped=stopped
            )
            if finished:
                return


def _computing_s(event: dict[str, Any]) -> float:
    """Return the computing time of an answer so far, as llama.cpp measured it, without the wait for a slot."""
    timings = event.get("timings") or {}
    return float(timings.get("prompt_ms", 0.0) + timings.get("predicted_ms", 0.0)) / 1000


def check_models(models: EngineModels) -> None:
    """Check that the base has a GGUF file, and that the adapters have a form that llama.cpp can use. Nothing is loaded.

    :raises UserError: when llama.cpp cannot answer for these models.
    """
    _gguf_of(models)
    for adapter in models.adapters.values():
        if adapter is not None:
            check_adapter(adapter)


def _gguf_of(models: EngineModels) -> Path:
    """Return the GGUF file of the base model.

    :raises UserError: when it has none.
    """
    files = weight_files(locate_model(models.base, models.revision))
    found = next((path for path in files if is_gguf(path)), None)
    if found is None:
        raise UserError(
            f"the engine llama.cpp needs a GGUF file, and {models.base} has safetensors only",
            "Set serve.engine: torch, or use a base with a GGUF file.",
        )
    return found
