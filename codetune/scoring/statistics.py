"""Gains of the tuned model over the base, with the interval of a paired bootstrap over the prompts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict

from codetune.files import JsonObject
from codetune.intervals import paired_interval
from codetune.scoring.params import ScoreParams
from codetune.scoring.samples import VARIANTS

DIGITS = 6


def mean_gain(rows: list[JsonObject], key: str, params: ScoreParams) -> dict[str, float]:
    """Mean of tuned less base over `rows`, with the ends `low` and `high` of its interval.

    :param key: the score of each prompt whose gain is asked for.
    """
    base, tuned = ([float(row[variant][key]) for row in rows] for variant in VARIANTS)
    found = paired_interval(
        base, tuned, samples=params.bootstrap_samples, confidence=params.confidence, seed=params.seed
    )
    return {name: round(value, DIGITS) for name, value in asdict(found).items()}


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
