"""The metrics that reports of any version hold, by the names of today.

A metric that the registry does not have is still compared, under its own key; a name such as `loss` makes smaller
better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from codetune.evaluation.metrics.metric import PERCENT, Metric
from codetune.evaluation.metrics.registry import METRICS, by_gain, catalogue, over_all

EXECUTION = "execution"
CORPUS = {"chrf": "corpus_chrf", "bleu": "corpus_bleu"}
"""The scores of all answers as one text, by the names that older reports have them under."""
ANSWERS = "answers"  # in reports/signatures.json: whether all metrics are of the answers' code, or of their text
_SMALLER_IS_BETTER = re.compile(r"(^|[._/])(\w*loss|perplexity|\w*error\w*|\w*seconds|\w*latency|truncated|leaks?)$")


VALIDATION_LOSS = Metric(
    "training.best.val_loss",
    "Validation loss",
    "Mean cross-entropy per completion token, in nats, at the best checkpoint. One number per run: no interval.",
    larger_is_better=False,
    signature="val_loss",
)
# Under which answers ran before the reports said so.
_FIRST_PYTHON = "3.11"


def flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, levels joined by dots; an empty mapping and a list are values."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def numbers(content: dict[str, Any]) -> dict[str, float]:
    """The numbers of a nested mapping by flat key; anything else is passed over."""
    return {
        key: float(value)
        for key, value in flatten(content).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def loss_signature(training: dict[str, Any]) -> dict[str, str]:
    """What two validation losses must share to be of the same text in the same tokens, by the key of the signature.

    :param training: reports/training/summary.json; without the sizes of the validation set nothing is known.
    """
    sizes = [f"{part}:{training[key]}" for part in ("rows", "tokens", "labels") if (key := f"val_{part}") in training]
    return {str(VALIDATION_LOSS.signature): "|".join(sizes)} if sizes else {}


def execution_signatures(execution: dict[str, Any]) -> dict[str, str]:
    """What two figures of answers that were run must share, by the key of the signature of each set of problems.

    :param execution: reports/execution/metrics.json.
    """
    return {
        f"{EXECUTION}.{name}": f"tests:{found['digest']}|python:{found.get('python', _FIRST_PYTHON)}"
        for name, found in execution.items()
    }


def execution_values(execution: dict[str, Any], role: str) -> dict[str, float]:
    """The shares of problems that one model solves, by flat key.

    :param execution: reports/execution/metrics.json.
    """
    return {
        f"{EXECUTION}.{name}.{key}": value
        for name, found in execution.items()
        for key, value in numbers(found.get(role, {})).items()
        if key.startswith("pass@")
    }


def current_names(scores: dict[str, Any]) -> dict[str, Any]:
    """The metrics of one model in reports/metrics.json, by the names that they have today.

    In older reports chrF and BLEU of all answers as one text had the names of the means over prompts.
    """
    if {metric.key for metric in over_all()} & scores.keys():
        return scores
    return {CORPUS.get(name, name): value for name, value in scores.items()}


def gain_key(name: str) -> str:
    """The key of the metric that reports/metrics.json calls `name` under `gain` and `robustness`."""
    found = by_gain(name)
    return found.key if found else name


def metrics_of(*reported: Iterable[str]) -> list[Metric]:
    """The metrics of the reported flat keys: those of the catalogue in its order, then the rest by key."""
    present = {key for keys in reported for key in keys}
    known = [metric for metric in catalogue() if metric.key in present]
    rest = sorted(present - METRICS.keys())
    return known + [_unlisted(key) for key in rest]


def _unlisted(key: str) -> Metric:
    if key.startswith(f"{EXECUTION}."):
        of = key.rpartition(".")[0]
        label = ", ".join(key.split(".")[1:])
        told = "Share of problems that the answer solves: its tests were run, in a sandbox. Tested by McNemar's test."
        return Metric(key, label, told, digits=1, scale=100.0, unit=PERCENT, signature=of)
    return Metric(key, key, score=key.replace(".", "_"), larger_is_better=not _SMALLER_IS_BETTER.search(key))
