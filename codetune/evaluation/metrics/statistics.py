"""Gains (tuned minus base) with their intervals and p-values over the prompts."""

from __future__ import annotations

from dataclasses import asdict

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import VARIANTS
from codetune.stats.families import Settings, compare_family, compare_groups
from codetune.stats.intervals import Interval, paired_interval
from codetune.stats.pairs import Pair

DIGITS = 6


def mean_gain(rows: list[JsonObject], key: str, params: ScoreParams) -> dict[str, float]:
    """Compute the gain in one score with its bootstrap interval.

    :param rows: scores of both variants, one row for each prompt.
    :param key: the name of the score.
    :param params: bootstrap samples, confidence and seed.
    :returns: `mean` of tuned minus base, and the ends `low` and `high` of its interval.
    """
    settings = _settings(params)
    pair = _paired(rows, key)
    return _rounded(
        paired_interval(*pair, samples=settings.samples, confidence=settings.confidence, seed=settings.seed)
    )


def gains(rows: list[JsonObject], keys: list[str], params: ScoreParams) -> list[dict[str, float]]:
    """Compute the gain in several scores, with interval, p-value and detectable difference.

    :param rows: scores of both variants, one row for each prompt.
    :param keys: the names of the scores; they are one family, over which p-values are corrected.
    :param params: bootstrap samples, confidence and seed.
    :returns: for each key a result as of `paired_gains`.
    """
    return paired_gains([_paired(rows, key) for key in keys], params)


def paired_gains(pairs: list[Pair], params: ScoreParams) -> list[dict[str, float]]:
    """Compute the mean differences of a family of scores of the same prompts, with their uncertainty.

    :param pairs: for each score, its values for the base and for the tuned model.
    :param params: bootstrap samples, confidence and seed.
    :returns: for each score `mean`, `low` and `high`; `p_value`, of a paired test that suits the score, with Holm's
        correction over the family; `detectable`, the smallest true difference that would be found with a probability
        of 80 % on that many prompts.
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
    """Compute the gain for each package, sorted from largest to smallest.

    :param rows: scores of both variants, one row for each prompt.
    :param key: the name of the score.
    :param params: bootstrap samples, confidence and seed.
    :returns: `package`, number of `prompts`, `gain`, and the interval's ends `low` and `high`, which are None for a
        package with a single prompt.
    """
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
        for each in compare_groups([row["group"] for row in rows], _paired(rows, key), _settings(params))
    ]
    return sorted(found, key=lambda item: (-item["gain"], item["package"]))
