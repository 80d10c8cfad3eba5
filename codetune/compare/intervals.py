"""Read the settings with which the score stage of a revision computed its intervals."""

from __future__ import annotations

from typing import Any

from codetune.stats.families import Settings


def settings_of(params: dict[str, Any]) -> Settings:
    """Read the bootstrap settings in the section `score`, so that intervals are equal to those in metrics.json.

    :param params: the parsed params.yaml of a revision. Missing or invalid values are replaced by the defaults.
    """
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
