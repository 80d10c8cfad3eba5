"""The share of problems that are solved, from some answers to each."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pass_at_k(answers: int, correct: int, k: int) -> float:
    """The chance that one of `k` answers is right, estimated without bias from more of them.

    Chen et al., "Evaluating Large Language Models Trained on Code" (2021), section 2.1: 1 - C(n - c, k) / C(n, k).

    :param answers: answers that were tried, at least `k`.
    :param correct: those of them that are right.
    """
    if not 0 < k <= answers or not 0 <= correct <= answers:
        raise ValueError(f"pass@{k} is not defined for {correct} right ones of {answers} answers")
    return 1.0 - math.comb(answers - correct, k) / math.comb(answers, k)


def mean_pass_at_k(counts: Sequence[tuple[int, int]], k: int) -> float | None:
    """`pass_at_k` over problems, each with its answers and the right ones; None where a problem has too few answers."""
    if not counts or any(answers < k for answers, _ in counts):
        return None
    return math.fsum(pass_at_k(answers, correct, k) for answers, correct in counts) / len(counts)
