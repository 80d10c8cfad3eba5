"""How far a training has come: all of it that is not in the model or the optimizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

Log = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Evaluation:
    """Mean validation loss in nats per label, after `step` steps."""

    step: int
    val_loss: float


@dataclass
class Progress:
    """Steps done out of `steps`, the evaluations in order, and the trained weights of the best of them.

    :param recent: training losses since the last point of the curve.
    :param logged: the points of the curves: steps and their values.
    """

    steps: int
    step: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    logged: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def best(self) -> Evaluation:
        """The evaluation with the smallest loss; the earliest of equals."""
        return min(self.evaluations, key=lambda evaluation: evaluation.val_loss)

    def stale(self, patience: int) -> bool:
        """Whether the last `patience` evaluations brought nothing better; never with a patience of 0."""
        since = len(self.evaluations) - 1 - self.evaluations.index(self.best)
        return 0 < patience <= since
