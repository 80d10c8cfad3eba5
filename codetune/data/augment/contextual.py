"""Paraphrase with `ContextualWordEmbsAug` of nlpaug: a masked language model replaces words of a description.

nlpaug normally splits and joins the text with the model's own tokenizer, which loses case, spaces and words outside the
vocabulary. Here it gets tokens that join to exactly the same text, and of which only ordinary words may change.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from nlpaug.augmenter.word import ContextualWordEmbsAug
from nlpaug.model.lang_models import LanguageModels

from codetune.data.augment.comparatives import comparatives
from codetune.data.augment.descriptions import opening_end
from codetune.data.augment.models import load_model
from codetune.data.augment.params import ContextualParams
from codetune.data.augment.paraphrase import Paraphrase, differences
from codetune.data.augment.protection import masked

_KEY = "augment.contextual"
_ORDINARY = re.compile(r"(?<![\w'’-])[a-z]{3,}(?![\w'’-])")
_PLAIN = re.compile(r"[a-z]{2,}")
_FUNCTION_WORDS = (
    "the and for with from that this these those which what when where while whether into onto upon over under than "
    "then its their his her our your are was were been being has have had does did can may must should will would "
    "could but nor per via out off about between through during against within"
)
_FIXED = frozenset(_FUNCTION_WORDS.split())
"""Function words. A sentence with another word in their place seldom has the same meaning."""


class MaskedLanguageModel(LanguageModels):  # type: ignore[misc] # nlpaug has no types
    """A masked language model with the interface that nlpaug expects; it is also the (lossless) tokenizer.

    :raises UserError: if the model cannot be loaded.
    """

    def __init__(self, params: ContextualParams) -> None:
        from transformers import pipeline

        super().__init__(device="cpu", top_k=params.top_k)
        model, tokenizer = load_model(params, _KEY, "AutoModelForMaskedLM")
        self.limit = int(model.config.max_position_embeddings) - 2
        self.config = model.config
        self._fill = pipeline("fill-mask", model=model, tokenizer=tokenizer, top_k=params.top_k, device="cpu")

    def tokens(self, text: str) -> int:
        """Count the tokens of `text` for the model, including special tokens."""
        return len(self._fill.tokenizer(text)["input_ids"])

    def predict(self, texts: list[str], target_words: list[str], n: int = 1) -> list[list[str]]:  # noqa: ARG002
        """Predict ordinary words for the masked word of each text.

        :param texts: texts with one mask each.
        :param target_words: the original word of each text, which is not returned.
        :param n: not used; required by nlpaug.
        :returns: for each text the words, most likely first.
        """
        found = [[guess["token_str"] for guess in self._fill(text)] for text in texts]
        starts = " " if any(word.startswith(" ") for words in found for word in words) else ""
        return [
            [word.strip() for word in words if word.startswith(starts) and self._fits(word.strip(), target)]
            for words, target in zip(found, target_words, strict=True)
        ]

    @staticmethod
    def _fits(word: str, target: str) -> bool:
        return _PLAIN.fullmatch(word) is not None and word != target and word not in _FIXED

    def get_tokenizer(self) -> MaskedLanguageModel:
        """Return the tokenizer, which is this object."""
        return self

    def get_model(self) -> MaskedLanguageModel:
        """Return the object that has the model's configuration."""
        return self

    def get_mask_token(self) -> str:
        """Return the text that marks the word to be predicted."""
        return str(self._fill.tokenizer.mask_token)

    def get_subword_prefix(self) -> str:
        """Return the prefix of subword tokens; it occurs in no text, because there are no such tokens."""
        return "\ue002"

    def get_max_num_token(self) -> int:
        """Return a length that no text reaches, so that nlpaug cuts none; `ContextualParaphraser.draw` checks it."""
        return 10**9

    def tokenize(self, text: str) -> list[str]:
        """Split a text into the ordinary words of its description and the text between them, alternating."""
        end = opening_end(text)
        shadow = masked(text)
        tokens: list[str] = []
        previous = 0
        for match in _ORDINARY.finditer(shadow, end):
            tokens += [text[previous : match.start()], match.group()]
            previous = match.end()
        return [*tokens, text[previous:]]

    def convert_tokens_to_ids(self, tokens: list[str]) -> list[str]:
        """Return the tokens unchanged."""
        return tokens

    def decode(self, tokens: list[str]) -> str:
        """Join tokens to a text."""
        return "".join(tokens)


class _Augmenter(ContextualWordEmbsAug):  # type: ignore[misc] # nlpaug has no types
    """nlpaug's augmenter with a loaded model, which also chooses the tokens that may change.

    `model` is passed instead of a path, because the original class would load any path, including pickle files.
    """

    def get_model(self, model_path: MaskedLanguageModel, **_: Any) -> MaskedLanguageModel:
        return model_path

    def pre_skip_aug(self, tokens: list[str], tuple_idx: int | None = None) -> list[int]:  # noqa: ARG002
        return [place for place, token in enumerate(tokens) if place % 2 and may_change(token)]

    def skip_aug(self, token_idxes: list[int], tokens: list[str]) -> list[int]:  # noqa: ARG002
        return token_idxes


def may_change(word: str) -> bool:
    """Return whether `word` may be replaced."""
    return word not in _FIXED and not comparatives(word)


class ContextualParaphraser:
    """Generates paraphrases in which a masked language model replaces words.

    :param min_changes: smallest number of replaced words, if the text has so many.
    :raises UserError: if the model cannot be loaded; this happens on first use.
    """

    def __init__(self, params: ContextualParams, min_changes: int) -> None:
        self._params, self._min_changes = params, min_changes

    @cached_property
    def _model(self) -> MaskedLanguageModel:
        return MaskedLanguageModel(self._params)

    @cached_property
    def _augmenter(self) -> Any:
        return _Augmenter(
            self._model,
            model_type="bert",
            # n words and the texts between them are 2n + 1 tokens, so the share of tokens is half the share of words.
            aug_p=self._params.change_share / 2,
            aug_min=self._min_changes,
            aug_max=None,
        )

    def draw(self, text: str) -> Paraphrase:
        """Generate one paraphrase of `text` with Python's global random generator.

        :returns: the paraphrase; without changes if the text is longer than the model allows.
        """
        if self._model.get_mask_token() in text or not text.strip():
            return Paraphrase(text, ())
        if self._model.tokens(text) > self._model.limit:
            return Paraphrase(text, (), unchanged="too_long")
        core = text.strip()
        changed = self._augmenter.augment(core)[0]
        return Paraphrase(text.replace(core, changed, 1), differences(core, changed))
