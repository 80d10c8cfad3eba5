"""Texts that begin to repeat themselves, shown so that the model learns to stop.

A model that has just repeated itself finds one more repetition likelier still, and greedy decoding never leaves the
loop. Xu et al., "Learning to Break the Loop: Analyzing and Mitigating Repetitions for Neural Text Generation" (2022),
train on made-up loops: in each, a token's probability shall be half of what it was one period earlier.
"""

from __future__ import annotations

import math
import random

import torch

WIDTH = 256
"""Tokens of a text with the loop that it ends in, where the context holds as many."""
_LONGEST_PERIOD = 48


def repeat(
    row: tuple[torch.Tensor, torch.Tensor, torch.Tensor], draw: random.Random
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs, targets and positions whose end repeats what stands before it, and the periods; each of shape `(n,)`.

    A period tells how many tokens earlier the same target stood; 0 where the text is still its own.

    :param row: inputs, targets and positions of real text, each of shape `(n,)` with n of 8 or more.
    """
    ids, targets, positions = row
    size = len(ids)
    start = draw.randint(size // 8, size // 2)
    if positions[start] == 0:  # the token before ends its document
        start -= 1
    while positions[start - 1] == 0:
        start += 1
    longest = min(_LONGEST_PERIOD, int(positions[start - 1]))
    period = min(longest, int(2 ** draw.uniform(0, math.log2(longest + 1))))
    columns = torch.arange(size + 1)
    text = torch.cat([ids, targets[-1:]])
    text = text[torch.where(columns < start, columns, start - period + (columns - start) % period)]
    columns = columns[:-1]
    positions = torch.where(columns < start, positions, positions[start - 1] + 1 + columns - start)
    return text[:-1], text[1:], positions, torch.where(columns < start - 1, 0, period)
