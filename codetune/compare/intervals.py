"""The settings of intervals that a revision's own score stage used, and the spread of scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import variance
from typing import Any


@dataclass(frozen=True)
class BootstrapSettings:
    """How intervals are drawn; the defaults stand where a revision's params.yaml says nothing usable."""

    samples: int = 2000
    confidence: float = 0.95
    seed: int = 7


def settings_of(params: dict[str, Any]) -> BootstrapSettings:
    """The bootstrap settings of the `score` section, so that an interval here equals the one in metrics.json."""
    section = params.get("score")
    if not isinstance(section, dict):
        return BootstrapSettings()
    default = BootstrapSettings()
    samples, confidence, seed = (section.get(key) for key in ("bootstrap_samples", "confidence", "seed"))
    return BootstrapSettings(
        samples if isinstance(samples, int) and 1 <= samples <= 100_000 else default.samples,  # noqa: PLR2004
        float(confidence) if isinstance(confidence, int | float) and 0 < confidence < 1 else default.confidence,
        seed if isinstance(seed, int) else default.seed,
    )


def pooled_spread(baseline: list[float], candidate: list[float]) -> float | None:
    """The standard deviation of single scores, the variances of both sides averaged; None where there is no such thing.

    A difference in units of it is a standardised mean difference (Cohen 1988, d with the pooled standard deviation),
    by which metrics on different scales can be drawn on one axis.
    """
    if len(baseline) < 2:  # noqa: PLR2004
        return None
    return math.sqrt((variance(baseline) + variance(candidate)) / 2)
