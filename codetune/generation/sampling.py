"""Select the next token: the most likely one, or a random one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from codetune.core.errors import UserError

TokenChooser = Callable[[torch.Tensor], int]
"""Takes logits of shape `(vocabulary,)`; returns the id of the next token."""

_CANDIDATES = 64  # tokens that are looked at first; few more are needed to reach a usual top_p


@dataclass(frozen=True)
class SamplingSettings:
    """How tokens are chosen, and how many.

    :param temperature: 0 for greedy decoding; a larger value gives a flatter distribution to sample from; at most 5.
    :param top_p: sample from the most likely tokens that together have this probability; 1 for all tokens.
    :param top_k: sample from this number of most likely tokens; 0 for all tokens.
    :param max_new_tokens: largest number of tokens of an answer.
    :param seed: seed of the sampling; the same seed gives the same answer, whatever other models answer.
    :raises UserError: when a value is out of range; it names the first one.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    max_new_tokens: int = 160
    seed: int = 7

    def __post_init__(self) -> None:
        allowed = {
            "temperature": (0.0 <= self.temperature <= 5.0, self.temperature, "0 to 5"),  # noqa: PLR2004
            "top_p": (0.0 < self.top_p <= 1.0, self.top_p, "above 0 and at most 1"),
            "top_k": (self.top_k >= 0, self.top_k, "0 or more"),
            "max_new_tokens": (self.max_new_tokens >= 1, self.max_new_tokens, "1 or more"),
            "seed": (0 <= self.seed < 2**63, self.seed, "0 or more, below 2^63"),
        }
        for name, (fits, value, expected) in allowed.items():
            if not fits:
                raise UserError(f"{name} is {value}, expected {expected}", "Change it and try again.")


def choose_token(logits: torch.Tensor, settings: SamplingSettings, generator: torch.Generator) -> int:
    """Return the id of the next token.

    :param logits: shape (vocabulary,).
    """
    if settings.temperature == 0:
        return int(logits.argmax())
    probabilities, ids = _most_likely((logits.float() / settings.temperature).softmax(dim=-1), settings)
    reached = probabilities.cumsum(dim=-1)
    # A token is kept if the more likely tokens together have not reached top_p; so the most likely one is always kept.
    kept = len(ids) if settings.top_p == 1 else int((reached - probabilities < settings.top_p).sum())
    drawn = torch.rand(1, generator=generator) * reached[kept - 1]
    return int(ids[torch.searchsorted(reached, drawn)])


def _most_likely(probabilities: torch.Tensor, settings: SamplingSettings) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the probabilities and the ids of the most likely tokens: the `top_k`, or enough to reach `top_p`.

    If neither limits them, all tokens are returned, unsorted. Otherwise they are sorted, the most likely one first.
    Sorting the whole vocabulary for each token takes longer than the model, so only candidates are sorted: all tokens
    that are at least as likely as the last one needed. Equally likely tokens are in the order of their ids.
    """
    if not settings.top_k and settings.top_p == 1:
        return probabilities, torch.arange(len(probabilities))
    size = settings.top_k or _CANDIDATES
    while True:
        size = min(size, len(probabilities))
        least = probabilities.topk(size).values[-1]
        candidates = (probabilities >= least).nonzero()[:, 0]
        found, order = probabilities[candidates].sort(descending=True, stable=True)
        if settings.top_k:
            found, order = found[:size] / found[:size].sum(), order[:size]
            break
        if size == len(probabilities) or found.sum() >= settings.top_p:
            break
        size *= 8
    return found, candidates[order]


def token_chooser(settings: SamplingSettings, seed: int) -> TokenChooser:
    """Return the function that chooses the tokens of one answer.

    It has its own random generator, so the answer does not depend on other answers.

    :param settings: temperature, `top_k` and `top_p`.
    :param seed: seed for this answer; the seed in the settings is not used.
    """
    generator = torch.Generator().manual_seed(seed)
    return lambda logits: choose_token(logits, settings, generator)
