"""Gains of the tuned model over the base, with their uncertainty over the prompts."""

from __future__ import annotations

from dataclasses import asdict

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import VARIANTS
from codetune.stats.families import Settings, by_group, compare_family
from codetune.stats.intervals import Interval, paired_interval
from codetune.stats.pairs import Pair

DIGITS = 6


def mean_gain(rows: list[JsonObject], key: str, params: ScoreParams) -> dict[str, float]:
    """Mean of tuned less base over `rows`, with the ends `low` and `high` of its interval.

    :param key: the score of each prompt whose gain is asked for.
    """
    settings = _settings(params)
    pair = _paired(rows, key)
    return _rounded(
        paired_interval(*pair, samples=settings.samples, confidence=settings.confidence, seed=settings.seed)
    )


def gains(rows: list[JsonObject], keys: list[str], params: ScoreParams) -> list[dict[str, float]]:
    """As `mean_gain` of each key, with what tells a gain from chance.

    :param keys: the scores of one family: p-values are corrected over them.
    """
    return paired_gains([_paired(rows, key) for key in keys], params)


def paired_gains(pairs: list[Pair], params: ScoreParams) -> list[dict[str, float]]:
    """Mean differences of a family of scores of the same prompts, with what tells them from chance.

    `p_value` is of the paired test that suits the scores, corrected by Holm over the family; `detectable` is the
    smallest true difference that these prompts would have shown in four of five cases.
    """
    found = compare_family({str(place): pair for place, pair in enumerate(pairs)}, _settings(params))
    return [
        _rounded(each.interval)
        | {"p_value": float(f"{each.p_value:.{DIGITS}g}"), "detectable": round(each.detectable, DIGITS)}
        for each in found.values()
    ]


def _paired(rows: list[JsonObject], key: str) -> Pair:
    base, tuned = ([float(row[variant][key]) for row in rows] for variant in VARIANTS)
    return base, tuned


def _settings(params: ScoreParams) -> Settings:
    return Settings(params.bootstrap_samples, params.confidence, params.seed)


def _rounded(interval: Interval) -> dict[str, float]:
    return {name: round(value, DIGITS) for name, value in asdict(interval).items()}


def gain_by_package(rows: list[JsonObject], key: str, params: ScoreParams) -> list[JsonObject]:
    """The gain in `key` for each package, the largest first; a single prompt has no interval: its ends are null."""
    found: list[JsonObject] = [
        {
            "package": each.group,
            "prompts": each.prompts,
            "gain": round(each.mean, DIGITS),
            **{
                name: None if end is None else round(end, DIGITS)
                for name, end in (("low", each.low), ("high", each.high))
            },
        }
        for each in by_group([row["group"] for row in rows], _paired(rows, key), _settings(params))
    ]
    return sorted(found, key=lambda item: (-item["gain"], item["package"]))
