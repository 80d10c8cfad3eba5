"""The score of texts that have nothing to do with each other, for rescaling (Zhang et al. 2020, section 5)."""

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
from codetune.evaluation.metrics.kept import Kept
from codetune.evaluation.metrics.params import ScoreParams
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.problems import HELD_OUT_PROBLEMS
from codetune.schemas.reading import read_rows

_DIGITS = 6
# Above this the encoder tells no two texts apart, and rescaling would divide by next to nothing.
_MAX_FLOOR = 0.999
_PARTNERS = 64  # pairs that share a product
Across = Literal["groups", "rows"]


@dataclass(frozen=True)
class Baseline:
    """The mean raw scores of random pairs.

    :param across: whether the two texts of a pair come from different groups, or only from different rows, because
        there is one group.
    :param program_floor: the mean F3 of the programs that the texts of the same pairs are.
    :param texts: how many texts the pairs were drawn from; `long` of them were encoded in windows.
    """

    floor: Scores
    program_floor: float
    texts: int
    long: int
    pairs: int
    across: Across

    def rescale(self, raw: Scores) -> Scores:
        """`raw` on the scale where the baseline is 0 and equal texts are 1; worse than random is below 0."""
        return Scores(*((value - floor) / (1.0 - floor) for value, floor in zip(raw, self.floor, strict=True)))

    def rescale_program(self, raw: float) -> float:
        """The F3 of two programs on the scale where the mean of unrelated ones is 0 and equal ones are 1."""
        return (raw - self.program_floor) / (1.0 - self.program_floor)

    @property
    def signature(self) -> str:
        """What two rescaled scores must share, beside the encoder, to be compared."""
        return self._signature(*self.floor)

    @property
    def program_signature(self) -> str:
        """As `signature`, for scores of programs."""
        return self._signature(self.program_floor)

    def _signature(self, *floors: float) -> str:
        values = "/".join(f"{value:.{_DIGITS}f}" for value in floors)
        return f"baseline:{values}|pairs:{self.pairs}|across:{self.across}"


def read_references(problems: Path, test: Path) -> list[tuple[str, str]]:
    """The group and the answer of each row that could be a prompt: so what was trained on does not move the baseline.

    :param problems: held-out problems; where there are none, the rows of `test`.
    """
    asked = [(row["group"], row["reference"]) for row in read_rows(problems, HELD_OUT_PROBLEMS)]
    return asked or [(row["group"], row["completion"]) for row in read_rows(test, ORIGINALS)]


def measure_baseline(
    encoder: BertEncoder, references: Sequence[tuple[str, str]], params: ScoreParams, kept: Kept | None = None
) -> Baseline:
    """The baseline of `encoder`.

    :param references: as of `read_references`.
    :param kept: where an earlier run may have left it.
    :raises UserError: when there are not two references, or random pairs score as equal texts do.
    """
    if len(references) < 2:  # noqa: PLR2004 - a pair
        raise UserError(
            f"score: there are {len(references)} held-out rows, expected at least two: a baseline needs pairs of them",
            "Add data, or raise clean.test_share.",
        )
    across, pairs = draw_pairs([group for group, _ in references], params.bertscore.baseline_pairs, params.seed)
    texts = [text for _, text in references]
    floor, program_floor = _floors(encoder, texts, pairs, kept)
    if max(*floor, program_floor) > _MAX_FLOOR:
        raise UserError(
            f"score.bertscore: layer {encoder.layer} of {encoder.files.name} scores unrelated code "
            f"{max(*floor, program_floor):.4f}, expected less than {_MAX_FLOOR}: it tells nothing apart",
            "Choose another layer or model.",
        )
    long = sum(encoder.extent(text).long for text in texts)
    return Baseline(floor, program_floor, len(texts), long, len(pairs), across)


def _floors(
    encoder: BertEncoder, texts: list[str], pairs: list[tuple[int, int]], kept: Kept | None
) -> tuple[Scores, float]:
    """The mean scores of the pairs, and the mean F3 of the programs that their texts are."""
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
    """The scores of the pairs of which both are texts; those with the same left one come from the same products."""
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
    """`count` ordered pairs of indices into `groups`, of different groups where there are two, else of different rows.

    :param groups: the group of each text, at least two texts.
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
