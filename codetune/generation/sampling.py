"""How the next token is chosen: the likeliest one, or one that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from codetune.core.errors import UserError

Choose = Callable[[torch.Tensor], int]
"""Gives the id of the next token from logits of shape `(vocabulary,)`."""


@dataclass(frozen=True)
class SamplingSettings:
    """How the next token is chosen.

    :param temperature: 0 takes the likeliest token; above, the distribution is sampled, flatter as it grows.
    :param top_p: sample from the likeliest tokens that together have this probability; 1 takes all.
    :param top_k: sample from this many of the likeliest tokens; 0 takes all.
    :param seed: of the sampling; the same seed gives the same answer, whichever models are asked beside it.
    :raises UserError: naming the first value that is out of range.
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
                raise UserError(f"{name} is {value}, expected {expected}", "Change it and ask again.")


def choose_token(logits: torch.Tensor, settings: SamplingSettings, generator: torch.Generator) -> int:
    """The id of the next token.

    :param logits: shape (vocabulary,).
    """
    if settings.temperature == 0:
        return int(logits.argmax())
    scaled, order = (logits.float() / settings.temperature).sort(descending=True, stable=True)
    if settings.top_k:
        scaled, order = scaled[: settings.top_k], order[: settings.top_k]
    probabilities = scaled.softmax(dim=-1)
    # A token stays while those before it have not yet reached top_p, so the likeliest one always does.
    kept = probabilities.cumsum(dim=-1) - probabilities < settings.top_p
    return int(order[torch.multinomial(probabilities * kept, 1, generator=generator)])


def sampler(settings: SamplingSettings, seed: int) -> Choose:
    """A chooser for one answer, with a random generator of its own: what it draws depends on no other answer.

    :param seed: of this answer, in place of that of the settings.
    """
    generator = torch.Generator().manual_seed(seed)
    return lambda logits: choose_token(logits, settings, generator)
