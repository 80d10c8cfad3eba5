"""What one revision reported, in plain values that never change.

A part that is missing or damaged is left out and named in `problems`, so that the rest can still be looked at.
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

Role = Literal["base", "tuned"]
ROLES: tuple[Role, Role] = ("base", "tuned")
METRICS_FILE = "reports/metrics.json"


@dataclass(frozen=True)
class Answer:
    """What a model wrote for one prompt: the text, its length in tokens, and whether it ended before the limit.

    :param examples: what came of it where it was run with the examples of the function's docstring, such as `passed`;
        empty where it was not.
    """

    text: str
    tokens: int
    stopped: bool
    examples: str = ""


@dataclass(frozen=True)
class Prompt:
    """One test prompt with the reference and the answers of base and tuned model."""

    id: str
    group: str
    path: str
    qualname: str
    instruction: str
    reference: str
    answers: dict[Role, Answer]


@dataclass(frozen=True)
class PromptScores:
    """The scores of one prompt's answers, metric by metric."""

    group: str
    base: dict[str, float]
    tuned: dict[str, float]

    def of(self, role: Role) -> dict[str, float]:
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
    """Everything a comparison needs of one revision.

    :param metrics: reports/metrics.json, empty where the revision has none.
    :param scores: per-prompt scores by prompt id, in the order of the test set.
    :param outcomes: what came of the answers that were run, by set of problems, problem and model.
    :param sources: the source of `ingest` that each group of rows is of; empty where the revision does not say so.
    :param problems: a sentence for each file that could not be read.
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
    execution: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, dict[str, dict[Role, str]]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def task(self) -> Literal["python", "text"]:
        """What the answers are, as `clean.task` says."""
        section = self.params.get("clean")
        return "text" if isinstance(section, dict) and section.get("task") == "text" else "python"

    @property
    def measured(self) -> bool:
        """Whether the revision has metrics at all."""
        return any(self.values(role) for role in ROLES)

    def values(self, role: Role) -> dict[str, float]:
        """The reported metrics of one model by flat key; empty where there are none."""
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
        """What two revisions must share for their numbers to be comparable, answers that were run included."""
        return self.signatures | loss_signature(self.training) | execution_signatures(self.execution)
