"""What is known about each metric: its name, its unit, which way is better, and what it means.

A metric that is not listed here is still compared, under its own key; a name such as `loss` makes smaller better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PERCENT = " %"
EXECUTION = "execution"
CORPUS = {"chrf": "corpus_chrf", "bleu": "corpus_bleu"}
"""The scores of all answers as one text, by the name of the mean over prompts."""
OVER_ALL_PROMPTS = frozenset(CORPUS.values())
"""The metrics that cannot be had over some of the prompts: of other prompts they are other quantities."""
ANSWERS = "answers"  # in reports/signatures.json: whether all metrics are of the answers' code, or of their text
_SMALLER_IS_BETTER = re.compile(r"(^|[._/])(\w*loss|perplexity|\w*error\w*|\w*seconds|\w*latency|truncated|leaks?)$")


@dataclass(frozen=True)
class Metric:
    """One measured quantity.

    :param key: its place below `base` or `tuned` in reports/metrics.json, levels joined by dots.
    :param score: its key in reports/scores.jsonl, where each prompt has a value; None where there is none.
    :param scale: what a value is multiplied by to be shown: 100 for a share that is shown in percent.
    :param note: what must be known to read the values, in a few words.
    :param signature: the key of reports/signatures.json that must agree before two values are subtracted.
    """

    key: str
    label: str
    explanation: str = ""
    score: str | None = None
    larger_is_better: bool = True
    digits: int = 4
    scale: float = 1.0
    unit: str = ""
    signature: str | None = None
    note: str = ""

    def show(self, value: float, *, signed: bool = False) -> str:
        """A value with its sensible digits and unit; `signed` is for a difference, which always has its sign.

        The difference of two percentages is in percentage points.
        """
        text = f"{abs(value) * self.scale:.{self.digits}f}"
        zero = not text.strip("0.")
        sign = "" if zero else "\u2212" if value < 0 else "+" if signed else ""
        unit = " pp" if signed and self.unit == PERCENT else self.unit
        return f"{sign}{text}{unit}"

    def show_difference(self, size: float) -> str:
        """The size of a difference, without its sign, in the unit of a difference."""
        return self.show(abs(size), signed=True).removeprefix("+")


def _share(key: str, label: str, explanation: str, *, signature: str | None = None, note: str = "") -> Metric:
    return Metric(key, label, explanation, key, digits=1, scale=100.0, unit=PERCENT, signature=signature, note=note)


def _bertscore(part: str, label: str, explanation: str) -> Metric:
    told = f"Tells how much editing an answer needs, not whether it works. {explanation}"
    key = f"bertscore_{part}"
    return Metric(f"bertscore.{part}", f"BERTScore {label}", told, key, signature="bertscore", note="editing needed")


def _surface(key: str, label: str, unit: str) -> Metric:
    explanation = f"Overlap of {unit} sequences with the reference, 0 to 100: the mean over the prompts."
    return Metric(key, label, explanation, key, digits=2, signature=key, note="mean over prompts")


def _corpus(of: str, label: str) -> Metric:
    key = CORPUS[of]
    explanation = (
        f"{label} of all answers taken as one text, 0 to 100: long answers weigh more than in the mean over prompts. "
        "One number for all prompts: no interval."
    )
    return Metric(key, f"Corpus {label}", explanation, digits=2, signature=key, note="all answers as one text")


CATALOGUE: tuple[Metric, ...] = (
    _bertscore("f1", "F1", "Harmonic mean of precision and recall: how well answer and reference match in meaning."),
    _bertscore("precision", "precision", "How much of the answer has a counterpart in the reference."),
    _bertscore("recall", "recall", "How much of the reference has a counterpart in the answer."),
    Metric("code_bertscore", "Code BERTScore", "BERTScore of the programs: layout, comments and variable names do not "
           "matter, and recall weighs most (F3). 0 is the mean of unrelated programs; what does not parse is far "
           "below.", "code_bertscore", signature="code_bertscore"),
    _surface("chrf", "chrF", "character"),
    _surface("bleu", "BLEU", "word"),
    _corpus("chrf", "chrF"),
    _corpus("bleu", "BLEU"),
    Metric("edit_similarity", "Edit similarity", "1 less the edits per character that lead to the reference, 0 to 1.",
           "edit_similarity"),
    Metric("tree_similarity", "Tree similarity", "Shared parts of the syntax trees of answer and reference, names and "
           "constants left out of account, 0 to 1; 0 for what does not parse.", "tree_similarity"),
    Metric("length_ratio", "Length ratio", "The length of the shorter of answer and reference by that of the longer, 1 "
           "for equal lengths.", "length_ratio"),
    _share("exact_match", "Exact match", "Share of answers that equal the reference."),
    _share("tree_match", "Tree match", "Share of answers with the syntax tree of the reference: layout, comments and "
           "docstrings do not matter."),
    _share("signature_kept", "Signature kept", "Share of answers whose function has the name and the parameters that "
           "were asked for."),
    _share("names_bound", "Names bound", "Share of answers that parse and use no name that nobody binds: not they, not "
           "Python, and not the file that the reference is from."),
    _share("syntax_valid", "Parses", "Share of answers whose code Python can parse."),
    _share("expected_form", "Expected form", "Share of answers in the form that the tuned model was taught "
           "(train.answer_form), whether the code is right or not. The base was never taught it: its share tells a "
           "habit, and a gain is no gain in skill.", signature="expected_form", note="form, not skill"),
    _share(
        "stopped",
        "Ends within the limit",
        "Share of answers that end before the limit of tokens: with an end token, or once their code is whole.",
    ),
)  # fmt: skip
VALIDATION_LOSS = Metric(
    "training.best.val_loss",
    "Validation loss",
    "Mean cross-entropy per completion token, in nats, at the best checkpoint. One number per run: no interval.",
    larger_is_better=False,
    signature="val_loss",
)
# Under which answers ran before the reports said so.
_FIRST_PYTHON = "3.11"
# The raw parts of BERTScore say the same as the rescaled ones on another scale.
_REDUNDANT = {"bertscore.precision_raw", "bertscore.recall_raw", "bertscore.f1_raw"}


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
    if OVER_ALL_PROMPTS & scores.keys():
        return scores
    return {CORPUS.get(name, name): value for name, value in scores.items()}


def metrics_of(*reported: Iterable[str]) -> list[Metric]:
    """The metrics of the reported flat keys: those of the catalogue in its order, then the rest by key."""
    present = {key for keys in reported for key in keys} - _REDUNDANT
    known = [metric for metric in CATALOGUE if metric.key in present]
    rest = sorted(present - {metric.key for metric in known})
    return known + [_unlisted(key) for key in rest]


def _unlisted(key: str) -> Metric:
    if key.startswith(f"{EXECUTION}."):
        of = key.rpartition(".")[0]
        label = ", ".join(key.split(".")[1:])
        told = "Share of problems that the answer solves: its tests were run, in a sandbox. Tested by McNemar's test."
        return Metric(key, label, told, digits=1, scale=100.0, unit=PERCENT, signature=of)
    return Metric(key, key, score=key.replace(".", "_"), larger_is_better=not _SMALLER_IS_BETTER.search(key))
