"""Gains of the tuned model over the base, with their uncertainty over the prompts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import VARIANTS
from codetune.stats.intervals import paired_intervals
from codetune.stats.significance import detectable_difference, holm, paired_p

DIGITS = 6
Pair = tuple[list[float], list[float]]


def mean_gain(rows: list[JsonObject], key: str, params: ScoreParams) -> dict[str, float]:
    """Mean of tuned less base over `rows`, with the ends `low` and `high` of its interval.

    :param key: the score of each prompt whose gain is asked for.
    """
    [found] = _intervals([_paired(rows, key)], params)
    return found


def gains(rows: list[JsonObject], keys: list[str], params: ScoreParams) -> list[dict[str, float]]:
    """As `mean_gain` of each key, with what tells a gain from chance."""
    return paired_gains([_paired(rows, key) for key in keys], params)


def paired_gains(pairs: list[Pair], params: ScoreParams) -> list[dict[str, float]]:
    """Mean differences of several scores of the same prompts, with what tells them from chance.

    `p_value` is of the paired test that suits the scores, corrected by Holm for their number; `detectable` is the
    smallest true difference that these prompts would have shown in four of five cases.
    """
    p_values = holm([paired_p(*pair, samples=params.bootstrap_samples, seed=params.seed) for pair in pairs])
    least = [detectable_difference(*pair, params.confidence) for pair in pairs]
    return [
        interval | {"p_value": float(f"{p_value:.{DIGITS}g}"), "detectable": round(smallest, DIGITS)}
        for interval, p_value, smallest in zip(_intervals(pairs, params), p_values, least, strict=True)
    ]


def _paired(rows: list[JsonObject], key: str) -> Pair:
    base, tuned = ([float(row[variant][key]) for row in rows] for variant in VARIANTS)
    return base, tuned


def _intervals(pairs: list[Pair], params: ScoreParams) -> list[dict[str, float]]:
    found = paired_intervals(pairs, samples=params.bootstrap_samples, confidence=params.confidence, seed=params.seed)
    return [{name: round(value, DIGITS) for name, value in asdict(interval).items()} for interval in found]


def gain_by_package(rows: list[JsonObject], key: str, params: ScoreParams) -> list[JsonObject]:
    """The gain in `key` for each package, the largest first; a single prompt has no interval: its ends are null."""
    packages: dict[str, list[JsonObject]] = defaultdict(list)
    for row in rows:
        packages[row["group"]].append(row)
    found: list[JsonObject] = []
    for package, members in packages.items():
        gain = mean_gain(members, key, params)
        known = len(members) > 1
        ends = {end: gain[end] if known else None for end in ("low", "high")}
        found.append({"package": package, "prompts": len(members), "gain": gain["mean"], **ends})
    return sorted(found, key=lambda item: (-item["gain"], item["package"]))
