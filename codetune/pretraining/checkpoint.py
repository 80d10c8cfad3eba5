"""Checkpoints of a training run as safetensors: weights, optimizer moments and the step reached."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from codetune.files import atomic_file


def save_checkpoint(
    path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, recipe: str
) -> None:
    """Write everything that the run needs to go on after `step`; `recipe` says what the run is."""
    tensors = {f"model.{name}": value.detach().contiguous() for name, value in model.named_parameters()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value.contiguous() for key, value in state.items()}
    with atomic_file(path) as temporary:
        save_file(tensors, temporary, metadata={"step": str(step), "recipe": recipe})


def load_checkpoint(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, recipe: str) -> int:
    """The step after which the run goes on: 0 when there is no checkpoint, or it belongs to another recipe."""
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as stored:
        metadata = stored.metadata()
        if metadata["recipe"] != recipe:
            return 0
        tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "optimizer":
            index, _, field = rest.partition(".")
            state.setdefault(int(index), {})[field] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(metadata["step"])
