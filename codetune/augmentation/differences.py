"""Which words of a text became which others."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import zip_longest


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
