"""Plots of the scores: JSON data for `dvc plots`, and SVG files."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

from codetune.core.files import JsonObject, write_json, write_text
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.registry import F1
from codetune.evaluation.metrics.samples import VARIANTS
from codetune.evaluation.metrics.statistics import DIGITS, gain_by_package, mean_gain
from codetune.reporting.score_pictures import f1_picture, gain_picture

_F1 = str(F1.score)
# Bin width in hundredths. Bins are computed in whole millionths (scores are rounded to 6 digits), because with floats
# 0.15 // 0.05 is 2, not 3.
_BIN_HUNDREDTHS = 5
_BIN_UNITS = _BIN_HUNDREDTHS * 10 ** (DIGITS - 2)


def f1_histogram(rows: list[JsonObject]) -> dict[str, list[JsonObject]]:
    """Count the prompts in each bin of rescaled BERTScore F1, for each model.

    :param rows: scores of each prompt, as in scores.jsonl; at least one.
    :returns: for each model, bins with `model`, `f1` (lower edge, inclusive) and `prompts` (count). All models have the
        same bins.
    """
    counts = {
        variant: Counter(round(row[variant][_F1] * 10**DIGITS) // _BIN_UNITS for row in rows) for variant in VARIANTS
    }
    places = [place for count in counts.values() for place in count]
    return {
        variant: [
            {"model": variant, "f1": place * _BIN_HUNDREDTHS / 100, "prompts": counts[variant][place]}
            for place in range(min(places), max(places) + 1)
        ]
        for variant in VARIANTS
    }


def write_plots(folder: Path, rows: list[JsonObject], params: ScoreParams) -> None:
    """Write the distribution of F1 and the gain per package into `folder`, as JSON data and as SVG files.

    :param rows: scores of each prompt, as in scores.jsonl; at least one.
    :param params: confidence and bootstrap settings of the intervals.
    """
    histogram, gains = f1_histogram(rows), gain_by_package(rows, _F1, params)
    means = {variant: math.fsum(row[variant][_F1] for row in rows) / len(rows) for variant in VARIANTS}
    overall = mean_gain(rows, _F1, params)
    for variant, bins in histogram.items():
        write_json(folder / f"f1_{variant}.json", bins)
    write_json(folder / "gain_by_package.json", gains)
    write_text(folder / "f1_distribution.svg", f1_picture(histogram, means, _BIN_HUNDREDTHS / 100))
    write_text(
        folder / "gain_by_package.svg",
        gain_picture(gains, {"prompts": len(rows), "gain": overall["mean"], **overall}, params.confidence),
    )
