"""The processes that train together: a single one, or those that `torchrun` or `accelerate launch` has started.

Each process computes a part of the batches of every optimizer step. Gradients are summed, not averaged, because each
loss is already divided by the labels of the whole step. So an optimizer step is equal to that of one process with all
rows. Adapters are small, so each process has a full copy. The frozen base is sharded if the launcher is configured for
it (`codetune.training.sharding`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeVar

import torch

Item = TypeVar("Item")
# Environment variables with the number of processes, set by torchrun and by the MPI launchers that `accelerate launch`
# uses on CPUs.
_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_WHOLE = ("NO_SHARD", "3")  # the FSDP strategy that does not shard weights, by name and by number


@dataclass(frozen=True)
class World:
    """This process and the number of processes.

    :param rank: number of this process, counted from 0.
    :param size: number of processes.
    :param device: the torch device of this process, such as `cpu`, `cuda` or `cuda:1`.
    :param sharded: whether each process keeps only a part of the frozen weights. Then all processes must compute the
        same number of batches.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"
    sharded: bool = False

    @property
    def main(self) -> bool:
        """Return whether this process writes files and messages."""
        return self.rank == 0

    def share(self, items: list[Item]) -> list[Item]:
        """Return the items that this process computes. With fewer items than processes, some lists are empty."""
        return items[self.rank :: self.size]

    def dummy_batches(self, items: list[Item]) -> list[Item]:
        """Return the items that this process computes in addition and whose results it ignores.

        With sharded weights, the other processes need its part of the weights, so all must compute equally many items.
        Without sharding, the list is empty.
        """
        rounds = -(-len(items) // self.size)
        return items[: rounds - len(self.share(items))] if self.sharded else []

    def total(self, value: float) -> float:
        """Return the sum of the values of all processes. It is the same in each process."""
        if self.size == 1:
            return value
        summed = torch.tensor([value], dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(summed)
        return summed.item()

    def add_gradients(self, weights: list[torch.nn.Parameter]) -> None:
        """Replace the gradient of each weight with the sum of the gradients of all processes."""
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
    """Return the `World` of this process. If there are several processes, connect them.

    :param device: `cpu` or `cuda`; with `cuda`, each process uses its own device.
    """
    if all(os.environ.get(name, "1") == "1" for name in _SIZES):
        return World(device=device)
    from accelerate import PartialState

    state = PartialState(cpu=device == "cpu")
    own = "cpu" if device == "cpu" else str(state.device)
    return World(state.process_index, state.num_processes, own, _asked_to_shard())


def _asked_to_shard() -> bool:
    """Return whether `accelerate launch` is configured to shard parameters, with FSDP or DeepSpeed ZeRO stage 3."""
    if os.environ.get("ACCELERATE_USE_FSDP") == "true":
        return os.environ.get("FSDP_SHARDING_STRATEGY") not in _WHOLE
    deepspeed = os.environ.get("ACCELERATE_USE_DEEPSPEED") == "true"
    return deepspeed and os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3"
