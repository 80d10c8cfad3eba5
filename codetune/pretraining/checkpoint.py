"""Checkpoints of a training run as safetensors: weights, optimizer moments and the step reached."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from codetune.files import atomic_file
from codetune.optimizers import optimizer_tensors, restore_optimizers


@dataclass
class Reached:
    """How far a run has come: steps done, and the seconds they took.

    `curve` has steps and mean training losses since the last point, in nats per token; `validation` has steps and bits
    per byte on held-out files.
    """

    step: int = 0
    seconds: float = 0.0
    curve: list[tuple[int, float]] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)


def save_checkpoint(
    path: Path, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer], reached: Reached, recipe: str
) -> None:
    """Write everything that the run needs to go on; `recipe` says what the run is."""
    tensors = {f"model.{name}": value.detach().contiguous() for name, value in model.named_parameters()}
    tensors |= optimizer_tensors(optimizers)
    with atomic_file(path) as temporary:
        save_file(tensors, temporary, metadata={"recipe": recipe, "reached": json.dumps(asdict(reached))})


def load_checkpoint(
    path: Path, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer], recipe: str
) -> Reached | None:
    """Where the run goes on from; None when there is no checkpoint, or it belongs to another recipe."""
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as stored:
        metadata = stored.metadata()
        if metadata["recipe"] != recipe:
            return None
        tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
    restore_optimizers(optimizers, tensors)
    reached = json.loads(metadata["reached"])
    curves = ([(step, value) for step, value in reached.get(name, [])] for name in ("curve", "validation"))
    return Reached(reached["step"], reached["seconds"], *curves)
