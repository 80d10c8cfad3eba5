"""The frozen weights of a model, shared out to the processes that train its adapter: for bases that fill a device.

Each process keeps its part, and gathers a layer's weights when it computes the layer, by torch's FSDP. The trained
weights are left out: they, their gradients and their optimizer are as without, and so are the bytes of the adapter.
"""

from __future__ import annotations

import sys
from typing import Any

import torch

from codetune.training.checkpoint import trained_weights
from codetune.training.world import World


def shard(model: Any, world: World) -> None:
    """Share out the frozen weights of a model with an adapter, in place; nothing where the world is not sharded."""
    if not world.sharded:
        return
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(torch.device(world.device).type, (world.size,))
    trained = {weight for _, weight in trained_weights(model)}
    base = model.get_base_model()
    layers = set(base._no_split_modules or ())  # noqa: SLF001 (class names that every family of transformers declares)
    for module in list(base.modules()):
        if type(module).__name__ in layers:
            fully_shard(module, mesh=mesh, ignored_params=trained)
    fully_shard(base, mesh=mesh, ignored_params=trained)
    if world.main:
        frozen = [weight for weight in base.parameters() if not weight.requires_grad]
        kept = sum(weight.to_local().numel() for weight in frozen)
        total = sum(weight.numel() for weight in frozen)
        told = f"training: each of {world.size} processes keeps {kept:,} of {total:,} frozen weights"
        print(told, file=sys.stderr, flush=True)  # noqa: T201
