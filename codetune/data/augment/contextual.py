"""Paraphrases by nlpaug's `ContextualWordEmbsAug`: a masked language model puts other words into a description.

nlpaug lets the model's own tokenizer take the text apart and put it together, which loses case, spaces and whatever is
not in the vocabulary. Here it gets tokens of which only ordinary words may change, and that join to the very text.
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
"""Words that carry the grammar: another one in their place seldom leaves a sentence that means the same."""


class MaskedLanguageModel(LanguageModels):  # type: ignore[misc] # nlpaug has no types
    """A masked language model in the shape that nlpaug wants; it is also the tokenizer, a lossless one."""

    def __init__(self, params: ContextualParams) -> None:
        from transformers import pipeline

        super().__init__(device="cpu", top_k=params.top_k)
        model, tokenizer = load_model(params, _KEY, "AutoModelForMaskedLM")
        self.limit = int(model.config.max_position_embeddings) - 2
        self.config = model.config
        self._fill = pipeline("fill-mask", model=model, tokenizer=tokenizer, top_k=params.top_k, device="cpu")

    def tokens(self, text: str) -> int:
        """How many tokens of the model's own `text` has, special ones included."""
        return len(self._fill.tokenizer(text)["input_ids"])

    def predict(self, texts: list[str], target_words: list[str], n: int = 1) -> list[list[str]]:  # noqa: ARG002
        """Ordinary words for the mask of each text, likeliest first, without the word that stood there."""
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
        """What takes texts apart."""
        return self

    def get_model(self) -> MaskedLanguageModel:
        """What has the configuration."""
        return self

    def get_mask_token(self) -> str:
        """What stands in the place of the word that is asked for, and is replaced by the model."""
        return str(self._fill.tokenizer.mask_token)

    def get_subword_prefix(self) -> str:
        """What marks a part of a word: there are none."""
        return "\ue002"

    def get_max_num_token(self) -> int:
        """What nlpaug would cut a text at: never, since `ContextualParaphraser` refuses what is too long."""
        return 10**9

    def tokenize(self, text: str) -> list[str]:
        """The ordinary words of the description, and all that lies between them."""
        end = opening_end(text)
        shadow = masked(text)
        tokens: list[str] = []
        previous = 0
        for match in _ORDINARY.finditer(shadow, end):
            tokens += [text[previous : match.start()], match.group()]
            previous = match.end()
        return [*tokens, text[previous:]]

    def convert_tokens_to_ids(self, tokens: list[str]) -> list[str]:
        """The tokens themselves."""
        return tokens

    def decode(self, tokens: list[str]) -> str:
        """The text that the tokens make."""
        return "".join(tokens)


class _Augmenter(ContextualWordEmbsAug):  # type: ignore[misc] # nlpaug has no types
    """nlpaug's augmenter with a model that is loaded already, and a say in which tokens may change.

    `model` is passed in place of a path; the class would load from any path, pickles included.
    """

    def get_model(self, model_path: MaskedLanguageModel, **_: Any) -> MaskedLanguageModel:
        return model_path

    def pre_skip_aug(self, tokens: list[str], tuple_idx: int | None = None) -> list[int]:  # noqa: ARG002
        return [place for place, token in enumerate(tokens) if place % 2 and may_change(token)]

    def skip_aug(self, token_idxes: list[int], tokens: list[str]) -> list[int]:  # noqa: ARG002
        return token_idxes


def may_change(word: str) -> bool:
    """Whether another word may stand in the place of `word`."""
    return word not in _FIXED and not comparatives(word)


class ContextualParaphraser:
    """Draws paraphrases whose words a masked language model proposes.

    :param min_changes: words that are changed at least, where the text has them.
    :raises UserError: when the model cannot be had.
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
            # Tokens are words and what lies between them, 2n + 1 for n words: half the share of the tokens.
            aug_p=self._params.change_share / 2,
            aug_min=self._min_changes,
            aug_max=None,
        )

    def draw(self, text: str) -> Paraphrase:
        """One paraphrase of `text`, drawn from Python's global generator."""
        if self._model.get_mask_token() in text or not text.strip():
            return Paraphrase(text, ())
        if self._model.tokens(text) > self._model.limit:
            return Paraphrase(text, (), unchanged="too_long")
        core = text.strip()
        changed = self._augmenter.augment(core)[0]
        return Paraphrase(text.replace(core, changed, 1), differences(core, changed))
