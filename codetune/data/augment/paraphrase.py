"""Paraphrase with `ReservedAug` of nlpaug, which chooses the places and the replacements; our phrases fix the grammar.

nlpaug's own tokenizer breaks code and punctuation, so it gets a lossless one: replaceable phrases are tokens that carry
the number of their group, and the text between them is passed through. Other classes of nlpaug need torch and
transformers. nlpaug can be imported without them, which is eight times faster, so the import here hides them.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import numpy as np

from codetune.data.augment.phrases import Phrase, all_phrases, is_question
from codetune.data.augment.places import PlaceFinder
from codetune.data.augment.protection import MASK, masked
from codetune.data.augment.table import PhraseTable

_TAG = "\ue001"
_TAGGED = re.compile(f"{_TAG}[0-9]+")
_STOP = re.compile(r"(?<![eEiI]\.[a-z])\.(?=\s|$)")
_START = re.compile(r"\s+[A-Z`]|\s*$")
UNCHANGED, UNFINISHED = "unchanged", "unfinished"
"""Reasons why a draft has no changes although the next draft may have some."""
_UNUSED_BY_NLPAUG = ("torch", "transformers")


@dataclass(frozen=True)
class Paraphrase:
    """A changed text with its replacements.

    :param changes: pairs of phrase and replacement, in the order of the text.
    :param unchanged: the reason, if there are no changes.
    :param compared: the part that was written anew, before and after, if only this part's meaning shall be compared:
        equal text around it would hide a difference. None: the whole text.
    """

    text: str
    changes: tuple[tuple[str, str], ...]
    unchanged: str = "nothing_to_change"
    compared: tuple[str, str] | None = None


def differences(original: str, changed: str) -> tuple[tuple[str, str], ...]:
    """Return the words that differ, each paired with the word in its place; missing words are empty strings."""
    before, after = original.split(), changed.split()
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return tuple(
        pair
        for tag, i, j, k, m in codes
        if tag != "equal"
        for pair in zip_longest(before[i:j], after[k:m], fillvalue="")
    )


@contextmanager
def _hidden(*modules: str) -> Iterator[None]:
    """Make `modules` look as if they were not installed, except those that are already loaded."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None is how Python marks a blocked import
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextmanager
def isolated_draws() -> Iterator[None]:
    """Restore Python's and numpy's global random generators, which nlpaug uses, at the end of the block."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def seed_draws(seed: int) -> None:
    """Seed the global random generators, because nlpaug has no seed of its own."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002


class Paraphraser:
    """Generates paraphrases of instructions with a phrase table.

    :param table: the phrase table.
    :param change_share: share of the replaceable places of a text that are changed, rounded up.
    :param min_changes: smallest number of changed places, if the text has so many.
    """

    def __init__(self, table: PhraseTable, change_share: float, min_changes: int) -> None:
        phrases = all_phrases(table)
        self._table = table
        self._finder = PlaceFinder(phrases)
        self._numbers = {phrase: number for number, phrase in enumerate(phrases)}
        self._tokens = lru_cache(maxsize=1)(self._split)
        with _hidden(*_UNUSED_BY_NLPAUG):
            from nlpaug.augmenter.word import ReservedAug
        self._augmenter: Any = ReservedAug(
            reserved_tokens=[self._tagged(phrase) for phrase in phrases],
            tokenizer=self._tokenize,
            reverse_tokenizer=_join,
            # n places and the texts around them are 2n + 1 tokens, so the share of tokens is half the share of places.
            aug_p=change_share / 2,
            aug_min=min_changes,
            aug_max=None,
        )
        self._augmenter.include_detail = True

    def draw(self, text: str) -> Paraphrase:
        """Generate one paraphrase of `text` with Python's global random generator.

        :returns: the paraphrase; `text` without changes if no phrase of the table fits.
        """
        core = text.strip()
        if not core or MASK in text or _TAG in text:
            return Paraphrase(text, ())
        changed, log = self._augmenter.augment(core)[0]
        changes = sorted((entry["orig_start_pos"], entry["orig_token"], entry["new_token"]) for entry in log)
        pairs = tuple((_TAGGED.sub("", old), _TAGGED.sub("", new)) for _, old, new in changes)
        if pairs and is_question(pairs[0][1], self._table):
            changed = _asking(changed)
        return Paraphrase(text.replace(core, changed, 1), pairs)

    def _tagged(self, phrase: Phrase) -> list[str]:
        number = self._numbers[phrase]
        return [f"{surface}{_TAG}{number}" for surface in (phrase.surface, *phrase.alternatives)]

    def _tokenize(self, text: str) -> list[str]:
        return [text] if _TAG in text else list(self._tokens(text))

    def _split(self, text: str) -> tuple[str, ...]:
        tokens: list[str] = []
        previous = 0
        for place in self._finder.places(text):
            tokens += [text[previous : place.start], f"{place.phrase.surface}{_TAG}{self._numbers[place.phrase]}"]
            previous = place.end
        return (*tokens, text[previous:])


def _asking(text: str) -> str:
    """Return `text` with a question mark at the end of its first sentence, found by a name or the next sentence."""
    shadow = masked(text)
    stops = (match.start() for match in _STOP.finditer(shadow))
    end = next((stop for stop in stops if shadow[stop - 1] == MASK or _START.match(text, stop + 1)), None)
    return text if end is None else f"{text[:end]}?{text[end + 1 :]}"


def _join(tokens: list[str]) -> str:
    return _TAGGED.sub("", "".join(tokens))
