"""Extract the descriptions of an instruction and its paraphrase, so that their meanings can be compared.

Instructions made from code begin alike ("Write a Python method `m` of class `C` with parameter `x`."). The names are
equal if nothing protected changed, and the sentence frames of the phrase tables ("It should", "Its job is to") do not
describe the code. These parts are removed, because they would hide differences between the words that matter.
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
    """Return the offset at which the description of an original instruction starts; 0 if it has no known opening."""
    match = _OPENING.match(masked(text))
    return match.end() if match else 0


def descriptions(original: str, paraphrase: str) -> tuple[str, str]:
    """Return the descriptions of two instructions without openings and sentence frames.

    :param original: the original instruction.
    :param paraphrase: a paraphrase with the same protected texts in the same order: its opening ends at the same name.
    """
    end = opening_end(original)
    names = sum(stop <= end for _, stop in protected_spans(original))
    if not names:
        return _bare(original), _bare(paraphrase)
    source, other = (text[protected_spans(text)[names - 1][1] :].lstrip(".?,: ") for text in (original, paraphrase))
    return _bare(source), _bare(other, noun=_NOUN.match(source) is not None)


def _bare(description: str, *, noun: bool = False) -> str:
    """Return a description without the sentence frame at its start, with a capital first letter.

    :param noun: whether the original is a noun phrase, so that the frame ends with a verb ("It returns the ...").
    """
    verbs, nouns = _frames()
    match = (noun and nouns.match(description)) or verbs.match(description)
    return capitalized(description[match.end() :] if match else description)


@cache
def _frames() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns for the frames before verbs and for those before nouns, from both phrase tables."""
    leads = [load_table(file).leads for file in (TABLE_FILE, HELD_OUT_FILE)]
    verbs = (frame.replace("{verb}", "") for lead in leads for frame in (*lead.base, *lead.third))
    return _any_of(verbs), _any_of(frame for lead in leads for frame in (*lead.property, *lead.whether))


def _any_of(frames: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that matches one of the frames; longer frames are tried first."""
    filled = {frame.strip().replace("{kind}", kind) for frame in frames for kind in _KINDS} - {""}
    return re.compile(rf"(?:{'|'.join(map(re.escape, sorted(filled, key=lambda text: (-len(text), text))))}) (?=\w|`)")
