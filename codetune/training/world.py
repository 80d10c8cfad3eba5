"""The processes that train together: one alone, or those that `torchrun` or `accelerate launch` has started.

Each takes a part of the batches of every optimizer step; gradients are summed, not averaged, for losses are shares of
the step's. So an optimizer step is that of one process with the rows of all. Adapters are small, so each process holds
them whole; the frozen base is shared out where the launcher is told to (`codetune.training.sharding`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeVar

import torch

Item = TypeVar("Item")
# How torchrun, and the launchers of MPI that `accelerate launch` uses on processors, say how many they have started.
_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_WHOLE = ("NO_SHARD", "3")  # FSDP's strategy that shares out nothing, by name and by number


@dataclass(frozen=True)
class World:
    """This process, counted from 0, out of `size`.

    :param device: what it computes on, in torch's words: `cpu`, `cuda` or one of several, such as `cuda:1`.
    :param sharded: whether each process is to keep a part of the frozen weights only. Then all must compute as often.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"
    sharded: bool = False

    @property
    def main(self) -> bool:
        """Whether this process is the one that writes and talks."""
        return self.rank == 0

    def share(self, items: list[Item]) -> list[Item]:
        """The part of `items` that this process takes; none may be left for the last ones."""
        return items[self.rank :: self.size]

    def company(self, items: list[Item]) -> list[Item]:
        """What this process computes besides its share, and takes for nothing: others need its part of the weights."""
        rounds = -(-len(items) // self.size)
        return items[: rounds - len(self.share(items))] if self.sharded else []

    def total(self, value: float) -> float:
        """The sum of the processes' values, the same for all of them."""
        if self.size == 1:
            return value
        summed = torch.tensor([value], dtype=torch.float64, device=self.device)
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


def join(device: str) -> World:
    """This process among those that were started together.

    :param device: `cpu`, or `cuda`, of which each process then takes one of its own.
    """
    if all(os.environ.get(name, "1") == "1" for name in _SIZES):
        return World(device=device)
    from accelerate import PartialState

    state = PartialState(cpu=device == "cpu")
    own = "cpu" if device == "cpu" else str(state.device)
    return World(state.process_index, state.num_processes, own, _asked_to_shard())


def _asked_to_shard() -> bool:
    """Whether `accelerate launch` was configured to share out parameters, by FSDP or by DeepSpeed's third stage."""
    if os.environ.get("ACCELERATE_USE_FSDP") == "true":
        return os.environ.get("FSDP_SHARDING_STRATEGY") not in _WHOLE
    deepspeed = os.environ.get("ACCELERATE_USE_DEEPSPEED") == "true"
    return deepspeed and os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3"
