"""The state of optimizers as tensors by name, for checkpoints of safetensors: nothing is pickled."""

from __future__ import annotations

import torch

Tensors = dict[str, torch.Tensor]
_PREFIX = "optimizer"


def optimizer_tensors(optimizers: list[torch.optim.Optimizer]) -> Tensors:
    """Every tensor of the optimizers' state, each under a name of its own."""
    return {
        f"{_PREFIX}.{number}.{index}.{key}": value.contiguous()
        for number, optimizer in enumerate(optimizers)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }


def restore_optimizers(optimizers: list[torch.optim.Optimizer], tensors: Tensors) -> None:
    """Put the state that `optimizer_tensors` gave back into optimizers of the same weights; other tensors are left."""
    states: list[dict[int, Tensors]] = [{} for _ in optimizers]
    for key, value in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == _PREFIX:
            number, index, name = rest.split(".")
            states[int(number)].setdefault(int(index), {})[name] = value
    for optimizer, state in zip(optimizers, states, strict=True):
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
