"""Scores per prompt, and their means: the content of reports/scores.jsonl and reports/metrics.json."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from codetune.errors import UserError
from codetune.intervals import paired_interval
from codetune.scoring.baseline import rescale
from codetune.scoring.bertscore import BertScorer
from codetune.scoring.params import ScoreParams
from codetune.scoring.surface import Surface, exact_match, syntax_valid

DIGITS = 6
VARIANTS = ("base", "tuned")
_PARTS = ("precision", "recall", "f1")
GAINS = {"f1": "bertscore_f1", "chrf": "chrf", "syntax_valid": "syntax_valid"}
Samples = dict[str, list[dict[str, Any]]]
Floor = tuple[float, float, float]


def check_aligned(samples: Samples) -> None:
    """Nothing, when every variant answered the same prompts in the same order.

    :raises UserError: naming the first prompt that differs, or that there are none.
    """
    base, tuned = (samples[variant] for variant in VARIANTS)
    keys = ("id", "instruction", "reference")
    for number, (left, right) in enumerate(zip(base, tuned, strict=False), start=1):
        if any(left[key] != right[key] for key in keys):
            raise UserError(
                f"line {number} of the samples: base answers prompt {left['id']}, tuned {right['id']}",
                "Run `dvc repro --force generate`.",
            )
    if len(base) != len(tuned) or not base:
        raise UserError(
            f"base has {len(base)} answers, tuned {len(tuned)}; expected the same number, at least one",
            "Run `dvc repro --force generate`.",
        )


def _prompt_scores(sample: dict[str, Any], raw: list[float], floor: Floor, surface: Surface) -> dict[str, float]:
    rescaled = {f"bertscore_{part}": rescale(raw[column], floor[column]) for column, part in enumerate(_PARTS)}
    scores = {
        **rescaled,
        **{f"bertscore_{part}_raw": raw[column] for column, part in enumerate(_PARTS)},
        **surface.sentence(sample["answer"], sample["reference"]),
        "exact_match": exact_match(sample["answer"], sample["reference"]),
        "syntax_valid": syntax_valid(sample["answer"]),
        "stopped": int(sample["stopped"]),
    }
    return {key: value if isinstance(value, int) else round(value, DIGITS) for key, value in scores.items()}


def score_prompts(samples: Samples, scorer: BertScorer, floor: Floor, surface: Surface) -> list[dict[str, Any]]:
    """One row per prompt with the scores of every variant.

    :param floor: baseline precision, recall and F1.
    """
    rows = [{"id": sample["id"], "group": sample["group"]} for sample in samples[VARIANTS[0]]]
    for variant in VARIANTS:
        answers = [sample["answer"] for sample in samples[variant]]
        references = [sample["reference"] for sample in samples[variant]]
        raw = scorer.score(answers, references, f"BERTScore of {variant}").tolist()
        for row, sample, values in zip(rows, samples[variant], raw, strict=True):
            row[variant] = _prompt_scores(sample, values, floor, surface)
    return rows


def _mean(rows: list[dict[str, Any]], variant: str, key: str) -> float:
    return round(math.fsum(row[variant][key] for row in rows) / len(rows), DIGITS)


def _variant_metrics(
    rows: list[dict[str, Any]], samples: list[dict[str, Any]], variant: str, surface: Surface
) -> dict[str, Any]:
    corpus = surface.corpus([row["answer"] for row in samples], [row["reference"] for row in samples])
    keys = [*_PARTS, *(f"{part}_raw" for part in _PARTS)]
    return {
        "bertscore": {key: _mean(rows, variant, f"bertscore_{key}") for key in keys},
        **{key: round(value, DIGITS) for key, value in corpus.items()},
        **{key: _mean(rows, variant, key) for key in ("exact_match", "syntax_valid", "stopped")},
    }


def gain(rows: list[dict[str, Any]], key: str, params: ScoreParams) -> dict[str, float]:
    """Mean, low and high of tuned less base over `rows`, for the per-prompt score `key`."""
    values = ([float(row[variant][key]) for row in rows] for variant in VARIANTS)
    found = paired_interval(*values, samples=params.bootstrap_samples, confidence=params.confidence, seed=params.seed)
    return {name: round(value, DIGITS) for name, value in asdict(found).items()}


def metrics(rows: list[dict[str, Any]], samples: Samples, surface: Surface, params: ScoreParams) -> dict[str, Any]:
    """The content of reports/metrics.json."""
    return {
        **{variant: _variant_metrics(rows, samples[variant], variant, surface) for variant in VARIANTS},
        "gain": {name: gain(rows, key, params) for name, key in GAINS.items()},
        "prompts": len(rows),
    }
