"""The baseline of BERTScore: the mean score of unrelated texts, for rescaling (Zhang et al. 2020, section 5)."""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codetune.core.errors import UserError
from codetune.core.files import stable_seed
from codetune.core.progress import track
from codetune.evaluation.metrics.bertscore import BertEncoder, Embedding, Scores, match_many
from codetune.evaluation.metrics.code_bertscore import f3, normalized
from codetune.evaluation.metrics.kept import ScoreCache
from codetune.evaluation.metrics.params import ScoreParams
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.problems import HELD_OUT_PROBLEMS
from codetune.schemas.reading import read_rows

_DIGITS = 6
# Above this baseline the encoder cannot distinguish texts, and rescaling would divide by almost 0.
_MAX_FLOOR = 0.999
_PARTNERS = 64  # maximal number of pairs in one matrix product
Across = Literal["groups", "rows"]


@dataclass(frozen=True)
class Baseline:
    """The mean raw scores of random pairs of texts.

    :param floor: the mean precision, recall and F1.
    :param program_floor: the mean F3 of the same pairs as normalized programs.
    :param texts: the number of texts from which the pairs were drawn.
    :param long: the number of those texts that were encoded in several windows.
    :param pairs: the number of pairs.
    :param across: `groups` if the two texts of a pair come from different groups; `rows` if there is only one group,
        so that they only come from different rows.
    """

    floor: Scores
    program_floor: float
    texts: int
    long: int
    pairs: int
    across: Across

    def rescale(self, raw: Scores) -> Scores:
        """Rescale raw scores so that the baseline becomes 0 and equal texts get 1; scores below it become negative.

        :param raw: the raw scores of a pair of texts.
        """
        return Scores(*((value - floor) / (1.0 - floor) for value, floor in zip(raw, self.floor, strict=True)))

    def rescale_program(self, raw: float) -> float:
        """Rescale the raw F3 of two programs so that the baseline becomes 0 and equal programs get 1.

        :param raw: the raw F3.
        """
        return (raw - self.program_floor) / (1.0 - self.program_floor)

    @property
    def signature(self) -> str:
        """The signature of the baseline: together with the encoder's it decides whether scores may be compared."""
        return self._signature(*self.floor)

    @property
    def program_signature(self) -> str:
        """The same as `signature`, for scores of programs."""
        return self._signature(self.program_floor)

    def _signature(self, *floors: float) -> str:
        values = "/".join(f"{value:.{_DIGITS}f}" for value in floors)
        return f"baseline:{values}|pairs:{self.pairs}|across:{self.across}"


def read_references(problems: Path, test: Path) -> list[tuple[str, str]]:
    """Read the references of held-out rows; training rows are not used, so they do not change the baseline.

    :param problems: the file of held-out problems.
    :param test: the file of test rows, used when there are no held-out problems.
    :returns: pairs of group and reference.
    """
    asked = [(row["group"], row["reference"]) for row in read_rows(problems, HELD_OUT_PROBLEMS)]
    return asked or [(row["group"], row["completion"]) for row in read_rows(test, ORIGINALS)]


def measure_baseline(
    encoder: BertEncoder, references: Sequence[tuple[str, str]], params: ScoreParams, kept: ScoreCache | None = None
) -> Baseline:
    """Measure the baseline of an encoder on random pairs of references.

    :param encoder: computes the embeddings.
    :param references: pairs of group and reference, as from `read_references`.
    :param params: the number of pairs and the seed.
    :param kept: the cache, which may have the baseline from an earlier run; None: no cache.
    :raises UserError: when there are fewer than two references, or when random pairs score almost as high as equal
        texts.
    """
    if len(references) < 2:  # noqa: PLR2004 - a pair
        raise UserError(
            f"score: there are {len(references)} held-out rows, expected at least two for the pairs of the baseline",
            "Add data, or raise clean.test_share.",
        )
    across, pairs = draw_pairs([group for group, _ in references], params.bertscore.baseline_pairs, params.seed)
    texts = [text for _, text in references]
    floor, program_floor = _floors(encoder, texts, pairs, kept)
    if max(*floor, program_floor) > _MAX_FLOOR:
        raise UserError(
            f"score.bertscore: layer {encoder.layer} of {encoder.files.name} scores unrelated code "
            f"{max(*floor, program_floor):.4f}, expected less than {_MAX_FLOOR}: it cannot distinguish texts",
            "Choose another layer or model.",
        )
    long = sum(encoder.extent(text).long for text in texts)
    return Baseline(floor, program_floor, len(texts), long, len(pairs), across)


def _floors(
    encoder: BertEncoder, texts: list[str], pairs: list[tuple[int, int]], kept: ScoreCache | None
) -> tuple[Scores, float]:
    """Return the mean scores of the pairs of texts, and the mean F3 of the same pairs as normalized programs."""
    programs = [normalized(text) for text in texts]
    asked = [*texts, *(program or "" for program in programs), json.dumps(pairs)]
    found = kept.get("baseline", asked) if kept else None
    if found is not None:
        *means, program_floor = json.loads(found)
        return Scores(*means), program_floor
    embedded = encoder.embed_all([*texts, *filter(None, programs)], "baseline texts")
    scores = _pair_scores(texts, pairs, embedded)
    program_scores = [f3(each) for each in _pair_scores(programs, pairs, embedded)]
    floor = Scores(*(_mean(part) for part in zip(*scores, strict=True)))
    program_floor = _mean(program_scores) if program_scores else 0.0
    if kept:
        kept.put("baseline", asked, json.dumps([*floor, program_floor]).encode())
    return floor, program_floor


def _pair_scores(
    texts: Sequence[str | None], pairs: list[tuple[int, int]], embedded: Mapping[str, Embedding]
) -> list[Scores]:
    """Return the scores of the pairs without None; pairs with the same left text share matrix products."""
    partners: dict[str, list[Embedding]] = defaultdict(list)
    for left, right in pairs:
        one, other = texts[left], texts[right]
        if one is not None and other is not None:
            partners[one].append(embedded[other])
    batches = [
        (one, others[start : start + _PARTNERS])
        for one, others in partners.items()
        for start in range(0, len(others), _PARTNERS)
    ]
    return [
        scores
        for one, others in track(batches, len(batches), "baseline pairs")
        for scores in match_many(embedded[one], others)
    ]


def _mean(values: Sequence[float]) -> float:
    return round(math.fsum(values) / len(values), _DIGITS)


def draw_pairs(groups: list[str], count: int, seed: int) -> tuple[Across, list[tuple[int, int]]]:
    """Draw random pairs of texts from different groups, or from different rows if there is only one group.

    :param groups: the group of each text, for at least two texts.
    :param count: the number of pairs.
    :param seed: determines the pairs.
    :returns: `groups` or `rows`, and ordered pairs of indices into `groups`.
    """
    across: Across = "groups" if len(set(groups)) > 1 else "rows"
    kinds: list[str] | range = groups if across == "groups" else range(len(groups))
    generator = random.Random(stable_seed(seed, "pairs"))
    pairs: list[tuple[int, int]] = []
    while len(pairs) < count:
        left, right = generator.randrange(len(groups)), generator.randrange(len(groups))
        if kinds[left] != kinds[right]:
            pairs.append((left, right))
    return across, pairs
