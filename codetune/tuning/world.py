"""The processes that train together: one alone, or those that `torchrun` or `accelerate launch` has started.

Each takes a part of the batches of every optimizer step; gradients are summed, not averaged, for losses are shares of
the step's. So an optimizer step is that of one process with the rows of all. Adapters are small: no wrapper is needed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeVar

import torch

Item = TypeVar("Item")
# How torchrun, and the launchers of MPI that `accelerate launch` uses on processors, say how many they have started.
_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")


@dataclass(frozen=True)
class World:
    """This process, counted from 0, out of `size`."""

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Whether this process is the one that writes and talks."""
        return self.rank == 0

    def share(self, items: list[Item]) -> list[Item]:
        """The part of `items` that this process takes; none may be left for the last ones."""
        return items[self.rank :: self.size]

    def total(self, value: float) -> float:
        """The sum of the processes' values, the same for all of them."""
        if self.size == 1:
            return value
        summed = torch.tensor([value], dtype=torch.float64)
        torch.distributed.all_reduce(summed)
        return summed.item()

    def add_gradients(self, weights: list[torch.nn.Parameter]) -> None:
        """Replace the gradient of each weight by the sum of the processes' gradients."""
        if self.size == 1:
            return
        flat = torch.cat(
            [(torch.zeros_like(weight) if weight.grad is None else weight.grad).flatten() for weight in weights]
        )
        torch.distributed.all_reduce(flat)
        sizes = [weight.numel() for weight in weights]
        for weight, gradient in zip(weights, torch.split(flat, sizes), strict=True):
            weight.grad = gradient.view_as(weight)


ALONE = World()


def join() -> World:
    """This process among those that were started together."""
    if all(os.environ.get(name, "1") == "1" for name in _SIZES):
        return ALONE
    from accelerate import PartialState

    state = PartialState(cpu=True)
    return World(state.process_index, state.num_processes)
