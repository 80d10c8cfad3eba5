"""The settings of intervals that a revision's own score stage used."""

from __future__ import annotations

from typing import Any

from codetune.stats.families import Settings


def settings_of(params: dict[str, Any]) -> Settings:
    """The bootstrap settings of the `score` section, so that an interval here equals the one in metrics.json."""
    section = params.get("score")
    if not isinstance(section, dict):
        return Settings()
    default = Settings()
    samples, confidence, seed = (section.get(key) for key in ("bootstrap_samples", "confidence", "seed"))
    return Settings(
        samples if isinstance(samples, int) and 1 <= samples <= 100_000 else default.samples,  # noqa: PLR2004
        float(confidence) if isinstance(confidence, int | float) and 0 < confidence < 1 else default.confidence,
        seed if isinstance(seed, int) else default.seed,
    )
