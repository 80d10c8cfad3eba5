"""Find words that compare, order or quantify; a paraphrase keeps them in the same order."""

from __future__ import annotations

import re

_WORDS = (
    "more less fewer most least larger largest smaller smallest greater greatest bigger biggest lesser higher highest "
    "lower lowest upper longer longest shorter shortest older oldest newer newest earlier earliest later latest nearer "
    "nearest closer closest farther farthest better best worse worst before after above below beyond beneath last "
    "final next minimum maximum minimal maximal min max all any each every everything always ever sometimes often "
    "ascending descending increasing decreasing backward backwards forward forwards left right"
)
_RULE = re.compile(rf"\b(?:{'|'.join(sorted(_WORDS.split()))})\b", re.IGNORECASE)


def comparatives(text: str) -> list[str]:
    """Return these words of `text`, in order and in lower case."""
    return [word.lower() for word in _RULE.findall(text)]
