"""Whether a paraphrase means the same: the cosine of sentence embeddings, and the threshold that labelled pairs yield.

The threshold is the highest that keeps `KEPT_SHARE` of the good pairs of labelled_pairs.jsonl. An embedding tells
topics apart better than it tells opposites: "add" and "remove" lie close together. What it lets through is measured on
the bad pairs of the same file, and stands in the report.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import lines_of
from codetune.data.augment.descriptions import descriptions

LABELLED_FILE = Path(__file__).with_name("labelled_pairs.jsonl")
KEPT_SHARE = 0.97
_DIGITS = 4
"""Decimals that similarities are compared by: the bits behind them depend on the processor."""

Embed = Callable[[Sequence[str], str], Any]
"""Texts and a label for the progress bar to vectors of length one, of shape `(texts, hidden)`."""
Pair = tuple[str, str]
"""An original instruction and its paraphrase."""


@dataclass(frozen=True)
class LabelledPair:
    """A pair that a reader judged; `kind` says what is wrong with a bad one, or what changes in a good one."""

    original: str
    paraphrase: str
    good: bool
    kind: str


@dataclass(frozen=True)
class Calibration:
    """What the labelled pairs say of the threshold.

    :param good: similarities of the pairs that mean the same, `bad` of those that do not, with their kinds.
    :param threshold: that the run uses.
    """

    good: list[float]
    bad: list[tuple[str, float]]
    threshold: float

    @property
    def yielded(self) -> float:
        """The highest threshold, to two decimals, that keeps `KEPT_SHARE` of the good pairs."""
        return highest_keeping(self.good, KEPT_SHARE)

    @property
    def false_rejects(self) -> float:
        """The share of good pairs below the threshold."""
        return sum(value < self.threshold for value in self.good) / len(self.good)

    @property
    def false_accepts(self) -> float:
        """The share of bad pairs that pass."""
        return sum(value >= self.threshold for _, value in self.bad) / len(self.bad)

    def accepted_by_kind(self) -> dict[str, list[int]]:
        """For each kind of bad pair how many pass, and of how many."""
        found: dict[str, list[int]] = {}
        for kind, value in sorted(self.bad):
            counts = found.setdefault(kind, [0, 0])
            counts[0] += value >= self.threshold
            counts[1] += 1
        return found


def similarities(pairs: Sequence[Pair], embed: Embed, label: str = "comparing meanings") -> list[float]:
    """The cosine of the two descriptions of each pair, rounded so that the last bits do not matter.

    Where only frames changed the descriptions are the same, and nothing is embedded.
    """
    compared = [descriptions(*pair) for pair in pairs]
    differing = [text for one, other in compared if one != other for text in (one, other)]
    vectors = iter(embed(differing, label) if differing else ())
    return [1.0 if one == other else round(float(next(vectors) @ next(vectors)), _DIGITS) for one, other in compared]


def highest_keeping(values: Sequence[float], share: float) -> float:
    """The highest threshold, to two decimals, that at least `share` of `values` reach."""
    ranked = sorted(values, reverse=True)
    return math.floor(ranked[math.ceil(share * len(ranked)) - 1] * 100) / 100


def labelled_pairs(path: Path = LABELLED_FILE) -> list[LabelledPair]:
    """The pairs of the labelled sample.

    :raises UserError: when the file is missing or a line is no labelled pair.
    """
    try:
        lines = lines_of(path.read_text(encoding="utf-8"))
        return [LabelledPair(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "Restore it with `git checkout`.") from None


def calibrate(embed: Embed, threshold: float) -> Calibration:
    """How the labelled pairs lie about `threshold`."""
    pairs = labelled_pairs()
    values = similarities([(pair.original, pair.paraphrase) for pair in pairs], embed, "comparing labelled pairs")
    rated = list(zip(pairs, values, strict=True))
    return Calibration(
        good=[value for pair, value in rated if pair.good],
        bad=[(pair.kind, value) for pair, value in rated if not pair.good],
        threshold=threshold,
    )
