"""The reports of one revision as immutable values.

A part that is missing or damaged is empty, and `problems` describes a damaged one, so that the rest can still be shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from codetune.evaluation.metrics.catalogue import (
    CORPUS,
    current_names,
    execution_signatures,
    execution_values,
    loss_signature,
    numbers,
)
from codetune.history.listing import Revision

Variant = Literal["base", "tuned"]
ROLES: tuple[Variant, Variant] = ("base", "tuned")
METRICS_FILE = "reports/metrics.json"


@dataclass(frozen=True)
class Answer:
    """The answer of a model to one prompt.

    :param tokens: length of the text in tokens.
    :param stopped: whether the answer ended before the token limit.
    :param examples: outcome of running it with the examples in the function's docstring, such as `passed`; empty if it
        was not run.
    """

    text: str
    tokens: int
    stopped: bool
    examples: str = ""


@dataclass(frozen=True)
class Prompt:
    """One test prompt with the reference and the answers of base and tuned model.

    :param group: the group of the row, usually a package.
    :param path: path of the source file, relative to the package.
    :param qualname: qualified name of the function.
    """

    id: str
    group: str
    path: str
    qualname: str
    instruction: str
    reference: str
    answers: dict[Variant, Answer]


@dataclass(frozen=True)
class PromptScores:
    """The scores of both answers to one prompt, by metric."""

    group: str
    base: dict[str, float]
    tuned: dict[str, float]

    def of(self, role: Variant) -> dict[str, float]:
        """The scores of one model."""
        return self.base if role == "base" else self.tuned


@dataclass(frozen=True)
class Curve:
    """One series of the training log: its name, such as `train/loss`, and a value at each optimizer step."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Reports:
    """The data of one revision that a comparison needs.

    :param metrics: the content of reports/metrics.json; empty if the revision has none.
    :param scores: per-prompt scores by prompt id, in the order of the test set.
    :param outcomes: outcomes of the answers that were run, by set of problems, problem and model.
    :param sources: for each group of rows, its entry of `ingest.sources`; empty if the reports do not have it.
    :param problems: for each file that could not be read, what is wrong and what to do about it.
    """

    revision: Revision
    metrics: dict[str, Any] = field(default_factory=dict)
    signatures: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, PromptScores] = field(default_factory=dict)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    validity: dict[str, Any] = field(default_factory=dict)
    answer_validity: dict[str, Any] = field(default_factory=dict)
    parity: dict[str, Any] = field(default_factory=dict)
    execution: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, dict[str, dict[Variant, str]]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def task(self) -> Literal["python", "text"]:
        """Whether answers are Python code or text, from the parameter `clean.task`."""
        section = self.params.get("clean")
        return "text" if isinstance(section, dict) and section.get("task") == "text" else "python"

    @property
    def measured(self) -> bool:
        """Whether the revision has any metrics."""
        return any(self.values(role) for role in ROLES)

    def values(self, role: Variant) -> dict[str, float]:
        """The reported metrics of one model by flat key; empty if there are none."""
        content = self.metrics.get(role)
        scored = numbers(current_names(content)) if isinstance(content, dict) else {}
        for mean in (mean for mean, corpus in CORPUS.items() if corpus in scored and mean not in scored):
            values = [scores.of(role).get(mean) for scores in self.scores.values()]
            known = [value for value in values if value is not None]
            if known and len(known) == len(values):
                scored[mean] = math.fsum(known) / len(known)
        return scored | execution_values(self.execution, role)

    @property
    def measured_by(self) -> dict[str, Any]:
        """The signatures of all numbers, those of the loss and of answers that were run included.

        Numbers of two revisions can be compared only if their signatures are equal.
        """
        return self.signatures | loss_signature(self.training) | execution_signatures(self.execution)
