"""A report of the stage `parity`."""

from __future__ import annotations

from typing import Any


def _share(count: int, share: float, low: float, high: float) -> dict[str, Any]:
    return {"count": count, "share": share, "low": low, "high": high}


def _difference(mean: float, low: float, high: float) -> dict[str, float]:
    return {"mean": mean, "low": low, "high": high, "p_value": 0.5, "detectable": 0.01}


def parity_report() -> dict[str, Any]:
    """Return the content of reports/parity/metrics.json for 100 prompts and two files."""
    adapter = {
        "tokens": 60.0, "equal": _share(88, 0.88, 0.802, 0.93),
        "first_difference": {"answers": 12, "median": 31.0, "quartile_1": 12.0, "quartile_3": 60.5},
        "bertscore_f1": {"mean": 0.5701, "difference": _difference(-0.001, -0.004, 0.002)},
        "pass@1": _share(11, 0.1375, 0.0799, 0.2249) | {"difference": _difference(0.0125, -0.0125, 0.04)},
    }  # fmt: skip
    same = {
        "tokens": 60.0, "equal": _share(100, 1.0, 0.963, 1.0), "first_difference": {"answers": 0},
        "bertscore_f1": {"mean": 0.5712, "difference": _difference(0.0, 0.0, 0.0)},
        "pass@1": _share(10, 0.125, 0.07, 0.21) | {"difference": _difference(0.0, 0.0, 0.0)},
    }  # fmt: skip
    return {
        "prompts": 100, "max_new_tokens": 256, "skipped": {"too_long": 0},
        "sets": {"held_out": {"prompts": 50}, "humaneval": {"prompts": 50}},
        "torch": {"tokens": 60.0, "bertscore_f1": 0.5712, "pass@1": _share(10, 0.125, 0.07, 0.21)},
        "forms": {"adapter-f16": adapter, "tuned-q8_0": same}, "not_run": {}, "tested": 80, "unusable": {},
    }  # fmt: skip
