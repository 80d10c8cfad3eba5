"""What is kept of a candidate's code to find its duplicates by: digests and hashes, a kilobyte or less for each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codetune.data.clean.duplicates import shingles
from codetune.data.clean.shingle_hashes import Hashes, hashed

# Of a million digests two are equal by chance once in 10^26 cases.
_DIGEST_BYTES = 16
_WORD = re.compile(r"\w+|[^\w\s]")
_WORDING_SHINGLE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """Digests that are equal, and shingles that are nearly the same, for candidates that are duplicates.

    :param tree: digest, equal for two answers that differ in layout and comments alone.
    :param renamed: digest, equal for two answers that differ in names of their own and constants as well; empty where
        there is none.
    :param instruction: digest of the instruction.
    :param shingles: hashed 5-grams of lexical tokens.
    :param wording: hashed 3-grams of words of the instruction; empty where instructions are not compared by themselves.
    :param functions: as `renamed`, of each function of an answer by itself; the last is the one that is asked for.
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
    """The words and signs of a text, in small letters: `==` and `!=` make a difference."""
    return _WORD.findall(text.casefold())


def fingerprint(
    tree: str,
    renamed: str,
    instruction: str,
    tokens: Sequence[str],
    wording: str = "",
    functions: Sequence[str] = (),
) -> Fingerprint:
    """The fingerprint of a candidate.

    :param tree: the text that makes two answers equal.
    :param renamed: the digest of the renamed tree, in hexadecimal; empty where there is none.
    :param wording: what the instruction says, without a frame that all of its kind have.
    :param functions: the digests of the renamed trees of an answer's functions, in hexadecimal.
    """
    said = hashed(shingles(words(wording), _WORDING_SHINGLE)) if wording else np.array([], np.uint64)
    short = bytes.fromhex(renamed)[:_DIGEST_BYTES]
    parts = tuple(bytes.fromhex(each)[:_DIGEST_BYTES] for each in functions if each)
    return Fingerprint(_digest(tree), short, _digest(instruction), hashed(shingles(tokens)), said, parts)
