"""The metrics in reports of any version of codetune, under their current names.

A metric that is not in the registry can still be compared, under its own key. If its key contains a word such as
`loss`, smaller values are better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from codetune.evaluation.metrics.metric import PERCENT, Metric
from codetune.evaluation.metrics.registry import METRICS, catalogue, metric_by_gain_key, over_all

EXECUTION = "execution"
CORPUS = {"chrf": "corpus_chrf", "bleu": "corpus_bleu"}
"""The current keys of the corpus scores, by their names in older reports."""
ANSWERS = "answers"  # key in reports/signatures.json: whether metrics score the code of the answers or the whole text
_SMALLER_IS_BETTER = re.compile(r"(^|[._/])(\w*loss|perplexity|\w*error\w*|\w*seconds|\w*latency|truncated|leaks?)$")


VALIDATION_LOSS = Metric(
    "training.best.val_loss",
    "Validation loss",
    "Mean cross-entropy per completion token, in nats, at the best checkpoint. There is one number per run and so no "
    "interval.",
    larger_is_better=False,
    signature="val_loss",
)
# The Python version of the sandbox for reports that do not name it.
_FIRST_PYTHON = "3.11"


def flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings: keys of several levels are joined with dots; empty mappings and lists count as values.

    :param content: the nested mappings.
    :param prefix: text before every key.
    """
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def numbers(content: dict[str, Any]) -> dict[str, float]:
    """Return the numbers in nested mappings by flat key; other values are ignored.

    :param content: the nested mappings.
    """
    return {
        key: float(value)
        for key, value in flatten(content).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def loss_signature(training: dict[str, Any]) -> dict[str, str]:
    """Return the signature of the validation loss: equal ones mean the same validation texts with the same tokens.

    :param training: the content of reports/training/summary.json.
    :returns: the signature by its key; empty if the sizes of the validation set are not in `training`.
    """
    sizes = [f"{part}:{training[key]}" for part in ("rows", "tokens", "labels") if (key := f"val_{part}") in training]
    return {str(VALIDATION_LOSS.signature): "|".join(sizes)} if sizes else {}


def execution_signatures(execution: dict[str, Any]) -> dict[str, str]:
    """Return the signatures of the results of tests: results may be compared only if their signatures are equal.

    :param execution: the content of reports/execution/metrics.json.
    :returns: for each set of problems its signature, by the key of the signature.
    """
    return {
        f"{EXECUTION}.{name}": f"tests:{found['digest']}|python:{found.get('python', _FIRST_PYTHON)}"
        for name, found in execution.items()
    }


def execution_values(execution: dict[str, Any], role: str) -> dict[str, float]:
    """Return the pass@k values of one model by flat key.

    :param execution: the content of reports/execution/metrics.json.
    :param role: `base` or `tuned`.
    """
    return {
        f"{EXECUTION}.{name}.{key}": value
        for name, found in execution.items()
        for key, value in numbers(found.get(role, {})).items()
        if key.startswith("pass@")
    }


def current_names(scores: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics of one model under their current names.

    In older reports the corpus scores of chrF and BLEU had the names that the means over prompts have now.

    :param scores: the metrics of one model in reports/metrics.json.
    """
    if {metric.key for metric in over_all()} & scores.keys():
        return scores
    return {CORPUS.get(name, name): value for name, value in scores.items()}


def gain_key(name: str) -> str:
    """Return the key of a metric for its name under `gain` and `robustness` in reports/metrics.json.

    :param name: such a name; returned unchanged if no metric of the registry has it.
    """
    found = metric_by_gain_key(name)
    return found.key if found else name


def metrics_of(*reported: Iterable[str]) -> list[Metric]:
    """Return the metrics for flat keys: first those of the registry in the order in which they are shown, then others.

    :param reported: collections of flat keys from reports.
    """
    present = {key for keys in reported for key in keys}
    known = [metric for metric in catalogue() if metric.key in present]
    rest = sorted(present - METRICS.keys())
    return known + [_unlisted(key) for key in rest]


def _unlisted(key: str) -> Metric:
    if key.startswith(f"{EXECUTION}."):
        of = key.rpartition(".")[0]
        label = ", ".join(key.split(".")[1:])
        told = "Share of problems whose tests the answer passes in a sandbox. Differences are tested by McNemar's test."
        return Metric(key, label, told, digits=1, scale=100.0, unit=PERCENT, signature=of)
    return Metric(key, key, score=key.replace(".", "_"), larger_is_better=not _SMALLER_IS_BETTER.search(key))
