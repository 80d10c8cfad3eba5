"""Paraphrases by nlpaug: which places change, and into what, is `ReservedAug`'s choice; the grammar is ours.

nlpaug's own tokenizer tears code and punctuation apart, so that it is given a lossless one: replaceable phrases are
tokens that carry the number of their group, all that lies between them is passed through. Its other classes want torch
and transformers; it does without where these are missing, and so does its import here, which is eight times faster.
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
"""Why a draw has no changes, where the next one may have some."""
_UNUSED_BY_NLPAUG = ("torch", "transformers")


@dataclass(frozen=True)
class Paraphrase:
    """A changed text, and the pairs of phrase and replacement that make the change, in the order of the text.

    :param unchanged: why there are no changes, where there are none.
    """

    text: str
    changes: tuple[tuple[str, str], ...]
    unchanged: str = "nothing_to_change"


def differences(original: str, changed: str) -> tuple[tuple[str, str], ...]:
    """The words that differ, each with the one in its place; where one text has more words, they face an empty one."""
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
    """Make `modules` look not installed, those apart that are loaded already."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None is how Python marks a blocked import
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextmanager
def isolated_draws() -> Iterator[None]:
    """Give Python's and numpy's global generators, which nlpaug draws from, back as they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def seed_draws(seed: int) -> None:
    """Seed the draws of nlpaug, which takes no seed of its own."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002


class Paraphraser:
    """Draws paraphrases of instructions.

    :param change_share: share of the replaceable places of a text that are changed, rounded up.
    :param min_changes: places that are changed at least, where the text has them.
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
            # Tokens are places and what lies around them, 2n + 1 for n places: half the share of the tokens.
            aug_p=change_share / 2,
            aug_min=min_changes,
            aug_max=None,
        )
        self._augmenter.include_detail = True

    def draw(self, text: str) -> Paraphrase:
        """One paraphrase of `text`, drawn from Python's global generator; `text` itself when nothing fits the table."""
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
    """`text` with a question mark at the end of its first sentence, which a name or the next sentence shows."""
    shadow = masked(text)
    stops = (match.start() for match in _STOP.finditer(shadow))
    end = next((stop for stop in stops if shadow[stop - 1] == MASK or _START.match(text, stop + 1)), None)
    return text if end is None else f"{text[:end]}?{text[end + 1 :]}"


def _join(tokens: list[str]) -> str:
    return _TAGGED.sub("", "".join(tokens))
