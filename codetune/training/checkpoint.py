"""Checkpoints of training. A killed run continues from its checkpoint and produces the same bytes.

Checkpoints are outside the outputs of the pipeline, because DVC deletes outputs before a stage runs. A checkpoint has
everything that the rest of the run depends on: current and best trained weights, optimizer state, and learning curve.
It has no random state, because each step uses a seed of its own.
"""

from __future__ import annotations

import hashlib
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

_OPTIMIZER = "optimizer.0."  # prefix of the names of optimizer tensors


class Checkpoints:
    """The single checkpoint file of the current run.

    :param folder: the folder of the file.
    :param identity: the facts of the run's fingerprint. A checkpoint with other facts is not used.
    :param every: number of optimizer steps between checkpoints.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str], every: int) -> None:
        self.path = folder / "training.safetensors"
        self.identity = dict(identity)
        self.every = every

    def save(self, model: Any, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
        """Replace the checkpoint with the state after `progress.step` steps."""
        tensors = {f"now.{name}": weight.detach().contiguous() for name, weight in trained_weights(model)}
        tensors |= {f"best.{name}": weight for name, weight in progress.weights.items()}
        tensors |= {
            f"{_OPTIMIZER}{index}.{key}": value.contiguous()
            for index, values in optimizer.state_dict()["state"].items()
            for key, value in values.items()
        }
        state = {key: value for key, value in asdict(progress).items() if key != "weights"}
        metadata = {"identity": json.dumps(self.identity), "progress": json.dumps(state)}
        metadata["digest"] = _digest(metadata, tensors)
        with atomic_file(self.path) as temporary:
            save_file(tensors, temporary, metadata=metadata)

    def load(self, model: Any, optimizer: torch.optim.Optimizer) -> Progress | None:
        """Restore model and optimizer from the checkpoint.

        A checkpoint that is damaged or belongs to another run is not used; the reason is printed. The file stays until
        the first checkpoint of this run replaces it.

        :returns: the progress of the killed run, or None if there is no usable checkpoint.
        """
        try:
            with safe_open(self.path, framework="pt") as stored:
                metadata = stored.metadata()
                tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
            if metadata.pop("digest") != _digest(metadata, tensors):
                raise ValueError("its digest does not match")  # noqa: TRY301 - handled like other damage
            identity, state = json.loads(metadata["identity"]), json.loads(metadata["progress"])
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            self._refuse(f"it is damaged ({error})")
            return None
        if differing := sorted(
            key for key in identity.keys() | self.identity if identity.get(key) != self.identity.get(key)
        ):
            self._refuse(f"it was made with other values of {', '.join(differing)}")
            return None
        with torch.no_grad():
            for name, weight in trained_weights(model):
                weight.copy_(tensors[f"now.{name}"])
        _restore(optimizer, tensors)
        best = {key.removeprefix("best."): value for key, value in tensors.items() if key.startswith("best.")}
        _say(f"continuing from {self.path}, after step {state['step']}")
        evaluations = [Evaluation(**evaluation) for evaluation in state.pop("evaluations")]
        logged = [(step, values) for step, values in state.pop("logged")]
        return Progress(**state, evaluations=evaluations, logged=logged, weights=best)

    def clear(self) -> None:
        """Delete the checkpoint, at the end of the run."""
        self.path.unlink(missing_ok=True)

    def _refuse(self, reason: str) -> None:
        _say(f"{self.path} is not used: {reason}; training starts at step 0")


def _digest(metadata: Mapping[str, str], tensors: Mapping[str, torch.Tensor]) -> str:
    """Return a digest of the facts and of the name, type, shape and bytes of each tensor."""
    found = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _restore(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Load the optimizer state from the tensors of a checkpoint. The optimizer must have the same weights as then."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(_OPTIMIZER):
            index, name = key.removeprefix(_OPTIMIZER).split(".")
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def trained_weights(model: Any) -> list[tuple[str, torch.nn.Parameter]]:
    """Return name and parameter of all trained weights of a model, in model order."""
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]


def _say(text: str) -> None:
    print(f"training: {text}", file=sys.stderr, flush=True)  # noqa: T201
