"""Measure whether a paraphrase has the same meaning, by the cosine similarity of sentence embeddings.

The threshold is the highest one that accepts at least the share `KEPT_SHARE` of the good pairs in labelled_pairs.jsonl.
Embeddings separate topics better than opposites: "add" and "remove" are close together. The report states how many of
the bad pairs in the same file are accepted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import split_lines
from codetune.data.augment.descriptions import descriptions

LABELLED_FILE = Path(__file__).with_name("labelled_pairs.jsonl")
KEPT_SHARE = 0.97
_DIGITS = 4
"""Decimal places of similarities; further digits depend on the processor."""

Embed = Callable[[Sequence[str], str], Any]
"""Function of texts and a progress label that returns unit vectors of shape `(texts, hidden)`."""
Pair = tuple[str, str]
"""An original instruction and its paraphrase."""


@dataclass(frozen=True)
class LabelledPair:
    """An instruction and a paraphrase that a person has judged.

    :param good: whether both mean the same.
    :param kind: what is wrong with a bad pair, or what changes in a good one.
    """

    original: str
    paraphrase: str
    good: bool
    kind: str


@dataclass(frozen=True)
class Calibration:
    """Similarities of the labelled pairs, compared with the threshold.

    :param good: similarities of the pairs with the same meaning.
    :param bad: kinds and similarities of the other pairs.
    :param threshold: the threshold that the run uses.
    """

    good: list[float]
    bad: list[tuple[str, float]]
    threshold: float

    @property
    def calibrated_threshold(self) -> float:
        """Highest threshold, to two decimal places, that accepts the share `KEPT_SHARE` of the good pairs."""
        return highest_keeping(self.good, KEPT_SHARE)

    @property
    def false_rejects(self) -> float:
        """Share of the good pairs below the threshold."""
        return sum(value < self.threshold for value in self.good) / len(self.good)

    @property
    def false_accepts(self) -> float:
        """Share of the bad pairs that reach the threshold."""
        return sum(value >= self.threshold for _, value in self.bad) / len(self.bad)

    def accepted_by_kind(self) -> dict[str, list[int]]:
        """Return the number of accepted bad pairs and of all bad pairs, by kind."""
        found: dict[str, list[int]] = {}
        for kind, value in sorted(self.bad):
            counts = found.setdefault(kind, [0, 0])
            counts[0] += value >= self.threshold
            counts[1] += 1
        return found


def similarities(pairs: Sequence[Pair], embed: Embed, label: str = "comparing meanings") -> list[float]:
    """Return the cosine similarity of the two descriptions of each pair, rounded to four decimal places.

    If only sentence frames differ, the descriptions are equal and the similarity is 1 without an embedding.

    :param pairs: original and paraphrase.
    :param embed: computes the embeddings.
    :param label: text of the progress bar.
    """
    compared = [descriptions(*pair) for pair in pairs]
    differing = [text for one, other in compared if one != other for text in (one, other)]
    vectors = iter(embed(differing, label) if differing else ())
    return [1.0 if one == other else round(float(next(vectors) @ next(vectors)), _DIGITS) for one, other in compared]


def highest_keeping(values: Sequence[float], share: float) -> float:
    """Return the highest threshold, to two decimal places, that at least the given share of values reaches."""
    ranked = sorted(values, reverse=True)
    return math.floor(ranked[math.ceil(share * len(ranked)) - 1] * 100) / 100


def labelled_pairs(path: Path = LABELLED_FILE) -> list[LabelledPair]:
    """Read the labelled pairs.

    :raises UserError: if the file is missing or a line is not a labelled pair.
    """
    try:
        lines = split_lines(path.read_text(encoding="utf-8"))
        return [LabelledPair(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "Restore it with `git checkout`.") from None


def calibrate(embed: Embed, threshold: float) -> Calibration:
    """Compute the similarities of the labelled pairs to assess a threshold.

    :param embed: computes the embeddings.
    :param threshold: the threshold that the run uses.
    """
    pairs = labelled_pairs()
    values = similarities([(pair.original, pair.paraphrase) for pair in pairs], embed, "comparing labelled pairs")
    rated = list(zip(pairs, values, strict=True))
    return Calibration(
        good=[value for pair, value in rated if pair.good],
        bad=[(pair.kind, value) for pair, value in rated if not pair.good],
        threshold=threshold,
    )
