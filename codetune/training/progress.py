"""The progress of a training run: everything that is in neither the model nor the optimizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

Log = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Evaluation:
    """The mean validation loss after `step` steps, in nats per label."""

    step: int
    val_loss: float


@dataclass
class Progress:
    """The state of a training run.

    :param steps: total number of steps.
    :param step: number of finished steps.
    :param evaluations: the validation losses, in order.
    :param recent: training losses since the last point of the curve.
    :param logged: the points of the curves: step number and values.
    :param weights: the trained weights of the best evaluation, by name.
    """

    steps: int
    step: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    logged: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def best(self) -> Evaluation:
        """Return the evaluation with the smallest loss; the first one if several are equal."""
        return min(self.evaluations, key=lambda evaluation: evaluation.val_loss)

    def no_improvement(self, patience: int) -> bool:
        """Return whether the last `patience` evaluations did not improve the best loss. Patience 0 means never."""
        since = len(self.evaluations) - 1 - self.evaluations.index(self.best)
        return 0 < patience <= since
