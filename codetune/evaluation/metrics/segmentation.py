"""Choice of the sacrebleu tokenizer that splits texts into words for BLEU, by the script of the references."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Literal

Tokenizer = Literal["13a", "zh", "ja-mecab", "char"]
DEFAULT: Tokenizer = "13a"

_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_KANA = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
# Thai, Lao, Tibetan, Burmese, Khmer, Tai scripts, Balinese and Javanese have no spaces between words either.
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF),
    (0x1B00, 0x1B7F), (0xA980, 0xA9DF),
)  # fmt: skip
# Smallest share of kana in Japanese text: Japanese rarely lacks kana, and Chinese hardly has any.
_LEAST_KANA = 0.05


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= ord(character) <= high for low, high in ranges)


def bleu_tokenizer(references: Iterable[str]) -> Tokenizer:
    """Choose the tokenizer of sacrebleu 2.6 that suits the references.

    :param references: the reference texts.
    :returns: `13a`, unless more than half of the letters belong to scripts without spaces between words, in which `13a`
        would treat a sentence as one word. Then `zh` for Chinese, `ja-mecab` for Japanese, and `char` (single
        characters) for other scripts and for Japanese without MeCab.
    """
    letters = [each for text in references for each in text if each.isalpha()]
    han = sum(_within(each, _HAN) for each in letters)
    kana = sum(_within(each, _KANA) for each in letters)
    unspaced = sum(_within(each, _UNSPACED) for each in letters)
    if 2 * (han + kana + unspaced) <= len(letters):
        return DEFAULT
    if unspaced > han + kana:
        return "char"
    if kana < _LEAST_KANA * (han + kana):
        return "zh"
    return "ja-mecab" if has_mecab() else "char"


def has_mecab() -> bool:
    """Return whether the two packages are installed that sacrebleu needs to split Japanese into words."""
    return all(find_spec(name) is not None for name in ("MeCab", "ipadic"))


def print_tokenizer(tokenizer: Tokenizer) -> None:
    """Print on standard error which tokenizer BLEU uses, unless it is the default.

    :param tokenizer: the tokenizer in use.
    """
    if tokenizer != DEFAULT:
        said = f"score: the references have no spaces between words, so BLEU is computed with tokenizer {tokenizer}"
        if tokenizer == "char":
            said += " (single characters); to split Japanese into words, install `sacrebleu[ja]`"
        sys.stderr.write(f"{said}\n")
