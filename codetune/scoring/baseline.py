"""The score of texts that have nothing to do with each other, for rescaling (Zhang et al. 2020, section 5)."""

from __future__ import annotations

import math
import random
from typing import Any

from codetune.files import stable_seed
from codetune.scoring.bertscore import BertScorer
from codetune.scoring.params import ScoreParams


def random_pairs(rows: list[dict[str, Any]], texts: int, pairs: int, seed: int) -> list[tuple[str, str]]:
    """`pairs` pairs of completions of different groups, drawn from `texts` of the rows.

    :param rows: train rows with `id`, `group` and `completion`; which are drawn depends on seed and ids alone.
    """
    chosen = sorted(rows, key=lambda row: (stable_seed(seed, "baseline", row["id"]), row["id"]))[:texts]
    generator = random.Random(stable_seed(seed, "pairs"))
    if len({row["group"] for row in chosen}) < 2:  # noqa: PLR2004
        return []
    drawn: list[tuple[str, str]] = []
    while len(drawn) < pairs:
        left, right = generator.choice(chosen), generator.choice(chosen)
        if left["group"] != right["group"]:
            drawn.append((left["completion"], right["completion"]))
    return drawn


def baseline(scorer: BertScorer, rows: list[dict[str, Any]], params: ScoreParams) -> tuple[float, float, float]:
    """Mean precision, recall and F1 of random pairs of train code; zeros when there are not two groups."""
    settings = params.bertscore
    pairs = random_pairs(rows, settings.baseline_texts, settings.baseline_pairs, params.seed)
    if not pairs:
        return 0.0, 0.0, 0.0
    scores = scorer.score([left for left, _ in pairs], [right for _, right in pairs], "baseline").tolist()
    precision, recall, f1 = (round(math.fsum(row[column] for row in scores) / len(scores), 6) for column in range(3))
    return precision, recall, f1


def rescale(raw: float, floor: float) -> float:
    """`raw` on the scale where `floor` is 0 and a perfect score is 1."""
    return (raw - floor) / (1.0 - floor)
