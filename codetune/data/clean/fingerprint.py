"""Digests and hashes that find the duplicates of a candidate, one kilobyte or less per candidate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codetune.data.clean.duplicates import shingles
from codetune.data.clean.shingle_hashes import Hashes, hashed

# The probability that two of a million digests are equal by chance is below 10^-26.
_DIGEST_BYTES = 16
_WORD = re.compile(r"\w+|[^\w\s]")
_WORDING_SHINGLE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """Digests for exact duplicates and hashed shingles for near-duplicates.

    :param tree: digest; equal for two answers that differ only in layout and comments.
    :param renamed: digest; equal also for two answers that differ in local names, numbers and short texts; empty if
        there is none.
    :param instruction: digest of the instruction.
    :param shingles: hashed 5-grams of lexical tokens, shape (n,).
    :param wording: hashed 3-grams of words of the instruction, shape (n,); empty if only code is compared.
    :param functions: like `renamed`, one digest per function of the answer. The last is the function that the
        instruction asks for; those before are its helpers and inner functions.
    """

    tree: bytes
    renamed: bytes
    instruction: bytes
    shingles: Hashes
    wording: Hashes
    functions: tuple[bytes, ...] = ()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:_DIGEST_BYTES]


def words(text: str) -> list[str]:
    """Split a text into lower-case words and single punctuation marks, so that `==` and `!=` differ."""
    return _WORD.findall(text.casefold())


def fingerprint(
    tree: str,
    renamed: str,
    instruction: str,
    tokens: Sequence[str],
    wording: str = "",
    functions: Sequence[str] = (),
) -> Fingerprint:
    """Compute the fingerprint of a candidate.

    :param tree: the dumped syntax tree, which is equal for equal answers.
    :param renamed: hexadecimal digest of the renamed tree; empty if there is none.
    :param instruction: the instruction.
    :param tokens: lexical tokens of the answer.
    :param wording: the instruction without the fixed sentence frame.
    :param functions: hexadecimal digests of the renamed trees of the answer's functions.
    """
    said = hashed(shingles(words(wording), _WORDING_SHINGLE)) if wording else np.array([], np.uint64)
    short = bytes.fromhex(renamed)[:_DIGEST_BYTES]
    parts = tuple(bytes.fromhex(each)[:_DIGEST_BYTES] for each in functions if each)
    return Fingerprint(_digest(tree), short, _digest(instruction), hashed(shingles(tokens)), said, parts)
