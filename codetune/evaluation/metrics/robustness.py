"""Robustness: how much answers and scores change when a prompt is reworded."""

from __future__ import annotations

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.registry import family_metrics
from codetune.evaluation.metrics.samples import VARIANTS, Samples
from codetune.evaluation.metrics.statistics import DIGITS, paired_gains


def robustness(
    originals: tuple[Samples, list[JsonObject]], reworded: tuple[Samples, list[JsonObject]], params: ScoreParams
) -> JsonObject:
    """Compute the section `robustness` of metrics.json.

    :param originals: samples of the original prompts, and their rows from `score_prompts`.
    :param reworded: the same for the reworded prompts; they have the ids of the originals and may be fewer.
    :param params: bootstrap samples, confidence and seed.
    :returns: the number of `prompts`; for each variant `changed`, the share of prompts whose answer differs, and for
        some metrics the mean of reworded minus original as from `paired_gains`. It is negative when rewording makes the
        answers worse.
    """
    scores = {row["id"]: row for row in originals[1]}
    keys = {metric.gain: str(metric.score) for metric in family_metrics() if metric.robust}
    found: JsonObject = {"prompts": len(reworded[1])}
    for variant in VARIANTS:
        answers = {row["id"]: row["answer"] for row in originals[0][variant]}
        again = reworded[0][variant]
        pairs = [
            (
                [float(scores[row["id"]][variant][key]) for row in reworded[1]],
                [float(row[variant][key]) for row in reworded[1]],
            )
            for key in keys.values()
        ]
        found[variant] = {
            "changed": round(sum(row["answer"] != answers[row["id"]] for row in again) / len(again), DIGITS),
            **dict(zip(keys, paired_gains(pairs, params), strict=True)),
        }
    return found
