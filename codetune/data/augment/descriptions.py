"""What two instructions are compared by: their descriptions, without what is known to mean the same.

Instructions that are made from code open alike ("Write a Python method `m` of class `C` with parameter `x`."); the
names are equal where nothing protected changed, and the frames of the phrase tables ("It should", "Its job is to") say
nothing of what the code does. Left in, both drown the words that matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from codetune.data.augment.inflection import capitalized
from codetune.data.augment.protection import MASK, masked, protected_spans
from codetune.data.augment.table import HELD_OUT_FILE, TABLE_FILE, load_table

_OPENING = re.compile(
    rf"Write an? (?:(?:asynchronous|async) )?Python (?:function|(?:static |class )?method|property) {MASK}+"
    rf"(?: of class {MASK}+)?(?: with parameters? {MASK}+(?:, {MASK}+)*(?: and {MASK}+)?)?\.(?: (?=\S)|\s*$)"
)
_NOUN = re.compile(r"(?:The|An?|Whether)\b")
_KINDS = ("function", "method", "property")


def opening_end(text: str) -> int:
    """The offset at which the description of an original instruction starts; 0 when it has no opening."""
    match = _OPENING.match(masked(text))
    return match.end() if match else 0


def descriptions(original: str, paraphrase: str) -> tuple[str, str]:
    """What the two say after the last name of the original's opening, the sentence frames taken away.

    :param paraphrase: holds the same protected texts in the same order, so that its opening ends at the same name.
    """
    end = opening_end(original)
    names = sum(stop <= end for _, stop in protected_spans(original))
    if not names:
        return _bare(original), _bare(paraphrase)
    source, other = (text[protected_spans(text)[names - 1][1] :].lstrip(".?,: ") for text in (original, paraphrase))
    return _bare(source), _bare(other, noun=_NOUN.match(source) is not None)


def _bare(description: str, *, noun: bool = False) -> str:
    """`description` without the frame that it starts with, as a sentence.

    :param noun: whether the original is a noun phrase, before which a frame ends with a verb ("It returns the ...").
    """
    verbs, nouns = _frames()
    match = (noun and nouns.match(description)) or verbs.match(description)
    return capitalized(description[match.end() :] if match else description)


@cache
def _frames() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The frames before verbs, and those before nouns, of both phrase tables."""
    leads = [load_table(file).leads for file in (TABLE_FILE, HELD_OUT_FILE)]
    verbs = (frame.replace("{verb}", "") for lead in leads for frame in (*lead.base, *lead.third))
    return _any_of(verbs), _any_of(frame for lead in leads for frame in (*lead.property, *lead.whether))


def _any_of(frames: Iterable[str]) -> re.Pattern[str]:
    """Any of `frames` in full, the longest first."""
    filled = {frame.strip().replace("{kind}", kind) for frame in frames for kind in _KINDS} - {""}
    return re.compile(rf"(?:{'|'.join(map(re.escape, sorted(filled, key=lambda text: (-len(text), text))))}) (?=\w|`)")
