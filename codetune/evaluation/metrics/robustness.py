"""Whether an answer holds when the prompt says the same in other words."""

from __future__ import annotations

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.registry import tested
from codetune.evaluation.metrics.samples import VARIANTS, Samples
from codetune.evaluation.metrics.statistics import DIGITS, paired_gains


def robustness(
    originals: tuple[Samples, list[JsonObject]], reworded: tuple[Samples, list[JsonObject]], params: ScoreParams
) -> JsonObject:
    """The part `robustness` of metrics.json.

    For each variant `changed`, the share of prompts whose answer is another text, and for some scores the mean of
    reworded less original with its uncertainty: below zero where other words make the answers worse.

    :param originals: samples and what `score_prompts` gave for them.
    :param reworded: the same for the prompts that were asked again, which have the ids of the originals.
    """
    scores = {row["id"]: row for row in originals[1]}
    keys = {metric.gain: str(metric.score) for metric in tested() if metric.robust}
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
