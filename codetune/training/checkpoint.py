"""Checkpoints of fine-tuning, from which a killed run goes on to the same bytes.

They lie outside the outputs of the pipeline, which DVC deletes before a stage runs, and hold all that the rest of a run
depends on: trained weights, the best of them so far, the optimizer's state and the curve up to here. There is no random
state: every step draws from a seed of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from codetune.core.files import atomic_file
from codetune.training.progress import Evaluation, Progress

_OPTIMIZER = "optimizer.0."  # before the names of the optimizer's tensors


class Checkpoints:
    """The one checkpoint of the run that is going on."""

    def __init__(self, folder: Path, identity: Mapping[str, str], every: int) -> None:
        """A checkpoint of another identity is refused.

        :param identity: the facts of the run's fingerprint.
        :param every: steps between checkpoints.
        """
        self.path = folder / "training.safetensors"
        self.identity = dict(identity)
        self.every = every

    def save(self, model: Any, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
        """Replace the checkpoint by the state after `progress.step` steps."""
        tensors = {f"now.{name}": weight.detach().contiguous() for name, weight in trained_weights(model)}
        tensors |= {f"best.{name}": weight for name, weight in progress.weights.items()}
        tensors |= {
            f"{_OPTIMIZER}{index}.{key}": value.contiguous()
            for index, values in optimizer.state_dict()["state"].items()
            for key, value in values.items()
        }
        state = {key: value for key, value in asdict(progress).items() if key != "weights"}
        metadata = {"identity": json.dumps(self.identity), "progress": json.dumps(state)}
        with atomic_file(self.path) as temporary:
            save_file(tensors, temporary, metadata=metadata)

    def load(self, model: Any, optimizer: torch.optim.Optimizer) -> Progress | None:
        """How far a killed run came, with model and optimizer as they were; None when there is none.

        A checkpoint that is damaged or belongs to another run is refused with the reason, and left until the first one
        of this run takes its place.
        """
        try:
            with safe_open(self.path, framework="pt") as stored:
                metadata = stored.metadata()
                tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
            identity, state = json.loads(metadata["identity"]), json.loads(metadata["progress"])
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            self._refuse(f"it is damaged ({error})")
            return None
        if differing := sorted(
            key for key in identity.keys() | self.identity if identity.get(key) != self.identity.get(key)
        ):
            self._refuse(f"it was made with other {', '.join(differing)}")
            return None
        with torch.no_grad():
            for name, weight in trained_weights(model):
                weight.copy_(tensors[f"now.{name}"])
        _restore(optimizer, tensors)
        best = {key.removeprefix("best."): value for key, value in tensors.items() if key.startswith("best.")}
        _say(f"going on from {self.path}, after step {state['step']}")
        evaluations = [Evaluation(**evaluation) for evaluation in state.pop("evaluations")]
        logged = [(step, values) for step, values in state.pop("logged")]
        return Progress(**state, evaluations=evaluations, logged=logged, weights=best)

    def clear(self) -> None:
        """Delete the checkpoint: the run is over."""
        self.path.unlink(missing_ok=True)

    def _refuse(self, reason: str) -> None:
        _say(f"{self.path} is not used: {reason}; training begins from the start")


def _restore(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put the optimizer's state among the tensors of a checkpoint back; its weights must be the same."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(_OPTIMIZER):
            index, name = key.removeprefix(_OPTIMIZER).split(".")
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def trained_weights(model: Any) -> list[tuple[str, torch.nn.Parameter]]:
    """The weights of a model that are trained, by name, in the model's order."""
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]


def _say(text: str) -> None:
    print(f"training: {text}", file=sys.stderr, flush=True)  # noqa: T201
