"""Paraphrase with `BackTranslationAug` of nlpaug: a description is translated to another language and back.

Protected texts are replaced by placeholders that translation models copy. If a placeholder is lost or moved, the check
`protected_changed` rejects the draft. The opening of an instruction is not translated, because it consists of names.
"""

from __future__ import annotations

import random
import re
from functools import cached_property
from typing import Any

import torch
from nlpaug.augmenter.word import BackTranslationAug
from nlpaug.model.lang_models import LanguageModels

from codetune.data.augment.descriptions import opening_end
from codetune.data.augment.models import load_model
from codetune.data.augment.params import BackTranslationParams
from codetune.data.augment.paraphrase import Paraphrase, differences
from codetune.data.augment.protection import protected_spans

_KEY = "augment.back_translation"
_PLACEHOLDER = re.compile(r"\bX(\d+)\b")


class TooLongError(Exception):
    """A text has more tokens than a translation model accepts."""


class TranslationModels(LanguageModels):  # type: ignore[misc] # nlpaug has no types
    """Two translation models with the interface that nlpaug expects.

    The class of nlpaug loads pickle files, starts a process for every text, and fails with tokenizers that return more
    than ids and mask.

    :raises UserError: if a model cannot be loaded.
    """

    def __init__(self, params: BackTranslationParams) -> None:
        super().__init__(device="cpu")
        self._params = params
        self._forward = load_model(params.forward, f"{_KEY}.forward", "AutoModelForSeq2SeqLM")
        self._back = load_model(params.back, f"{_KEY}.back", "AutoModelForSeq2SeqLM")

    def predict(self, texts: str, target_words: Any = None, n: int = 1) -> str:  # noqa: ARG002
        """Translate one text to the other language and back.

        :param texts: a single text, in spite of the name that nlpaug requires.
        :param target_words: not used; required by nlpaug.
        :param n: not used; required by nlpaug.
        """
        abroad = self._translate(texts, *self._forward, temperature=0.0)
        return self._translate(abroad, *self._back, temperature=self._params.temperature)

    @torch.inference_mode()
    def _translate(self, text: str, model: Any, tokenizer: Any, temperature: float) -> str:
        batch = tokenizer(text, return_tensors="pt")
        limit = getattr(model.config, "max_position_embeddings", None)
        if limit and batch["input_ids"].shape[1] > limit:
            raise TooLongError
        draws = {"do_sample": True, "temperature": temperature, "num_beams": 1} if temperature else {"do_sample": False}
        made = model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=self._params.max_tokens,
            **draws,
        )
        return str(tokenizer.decode(made[0], skip_special_tokens=True)).strip()


class _Augmenter(BackTranslationAug):  # type: ignore[misc] # nlpaug has no types
    """nlpaug's augmenter with loaded models, which are passed instead of a model name."""

    def get_model(self, from_model_name: TranslationModels, **_: Any) -> TranslationModels:
        return from_model_name


class BackTranslationParaphraser:
    """Generates paraphrases by back-translation.

    :raises UserError: if a model cannot be loaded; this happens on first use.
    """

    def __init__(self, params: BackTranslationParams) -> None:
        self._params = params

    @cached_property
    def _augmenter(self) -> Any:
        return _Augmenter(from_model_name=TranslationModels(self._params), to_model_name=None)

    def draw(self, text: str) -> Paraphrase:
        """Generate one paraphrase of `text` with Python's global random generator.

        :returns: the paraphrase; without changes if the text is too long for a model.
        """
        end = opening_end(text)
        description = text[end:].strip()
        if not description:
            return Paraphrase(text, ())
        sent, held = with_placeholders(description)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(random.getrandbits(63))
                changed = restore_placeholders(self._augmenter.augment(sent)[0], held)
        except TooLongError:
            return Paraphrase(text, (), unchanged="too_long")
        return Paraphrase(text.replace(description, changed, 1), differences(description, changed))


def with_placeholders(text: str) -> tuple[str, list[str]]:
    """Replace the protected texts in `text` by X0, X1, and so on; a text with a digit such as X0 is itself protected.

    :returns: the new text, and the protected texts in order.
    """
    parts: list[str] = []
    held: list[str] = []
    previous = 0
    for start, stop in protected_spans(text):
        parts += [text[previous:start], f"X{len(held)}"]
        held.append(text[start:stop])
        previous = stop
    return "".join([*parts, text[previous:]]), held


def restore_placeholders(text: str, held: list[str]) -> str:
    """Replace placeholders by the protected texts; unknown placeholders stay.

    :param held: the protected texts in order.
    """

    def name(match: re.Match[str]) -> str:
        number = int(match.group(1))
        return held[number] if number < len(held) else match.group()

    return _PLACEHOLDER.sub(name, text)
