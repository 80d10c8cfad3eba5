"""Shard the frozen weights of a model over the training processes, for base models that fill a device.

Each process keeps a part of the weights. When it computes a layer, torch's FSDP gathers the weights of that layer.
Trained weights are not sharded. So their gradients, their optimizer and the bytes of the adapter are the same as
without sharding.
"""

from __future__ import annotations

import sys
from typing import Any

import torch

from codetune.training.checkpoint import trained_weights
from codetune.training.world import World


def shard(model: Any, world: World) -> None:
    """Shard the frozen weights of a model with an adapter, in place. If `world` is not sharded, do nothing."""
    if not world.sharded:
        return
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(torch.device(world.device).type, (world.size,))
    trained = {weight for _, weight in trained_weights(model)}
    base = model.get_base_model()
    layers = set(base._no_split_modules or ())  # noqa: SLF001 (class names, declared by every family in transformers)
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
