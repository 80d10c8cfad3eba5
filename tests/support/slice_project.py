"""A small copy of the project for tests and fault campaigns: five made-up wheels, a tiny base model, short answers.

All stages run on it, with all their code. One `dvc repro` takes about a minute on two cores.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.support.wheels import make_wheel

ROOT = Path(__file__).parents[2]
VERBS = ("count", "join", "merge", "scale", "filter", "rank", "pair", "split")
PACKAGES = ("apple", "birch", "cedar", "daisy", "elder")
# A slice: a few rows, short answers, few resamples.
CHANGES: dict[str, dict[str, Any]] = {
    # Tests run side by side: with a thread per core, two of them would wait for each other at every matrix product.
    "numerics": {"threads": 1},
    "model": {"base": "tiny.gguf"},
    "clean": {"context": "any", "max_package_share": 1.0, "min_tokens": 10, "test_share": 0.2, "val_share": 0.2},
    "train": {
        "max_rows": 12,
        "max_val_rows": 4,
        "max_tokens": 1024,
        "batch_size": 2,
        "epochs": 2,
        "checkpoint_every": 1,
    },
    "benchmarks": {"sets": []},
    "generate": {"max_prompts": 4, "reworded_prompts": 2, "max_new_tokens": 8},
    "score": {"bootstrap_samples": 100},
}
# As SmolLM2: tied embeddings, three heads of queries to one of keys, ChatML with a system text of its own.
SHAPE = {
    "num_attention_heads": 6, "num_hidden_layers": 4, "hidden_size": 96, "intermediate_size": 192,
    "max_position_embeddings": 2048, "initializer_range": 0.1,
}  # fmt: skip


def source(package: str, number: int) -> str:
    """Return a module with a documented function for each verb."""
    functions = []
    for place, verb in enumerate(VERBS):
        name = f"{verb}_{package}"
        steps = "\n".join(
            f"    {verb}{step} = {verb}_of_{package}(values[{step}]) * {number + place + step}" for step in range(4)
        )
        functions.append(
            f'def {name}(values, limit):\n    """Return the values of {package} that {verb} below a limit."""\n'
            f"{steps}\n    return [{verb}{place % 4}, limit, {number}]\n"
        )
    return "\n\n".join(functions)


def user_environment() -> dict[str, str]:
    """Return the environment of a user who has activated the virtual environment."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
    for name in ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "PYTHONPATH"):
        environment.pop(name, None)
    return environment


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder and return what it printed."""
    return subprocess.run(command, cwd=folder, env=user_environment(), capture_output=True, text=True, check=False)


def succeed(folder: Path, *command: str) -> str:
    """Run a command that must succeed, and return its standard output."""
    done = run(folder, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit(folder: Path, message: str) -> None:
    """Commit everything in a folder."""
    succeed(folder, "git", "add", "-A")
    succeed(folder, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)


def make_project(folder: Path) -> None:
    """Write the project and commit it. No stage has run."""
    for name in filter(None, succeed(ROOT, "git", "ls-files", "-z", "-co", "--exclude-standard").split("\0")):
        made_here = name.startswith("reports/") and not name.startswith(
            ("reports/validity/", "reports/answer_validity/", "reports/parity/")
        )
        if (ROOT / name).is_file() and not made_here:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    _write_packages(folder)
    _write_base(folder / "tiny.gguf")
    _write_params(folder / "params.yaml")
    succeed(folder, "git", "init", "-q")
    succeed(folder, "git", "config", "user.name", "t")
    succeed(folder, "git", "config", "user.email", "t@example.org")
    commit(folder, "slice")


def run_project(folder: Path) -> None:
    """Run the pipeline of a project and commit the results."""
    succeed(folder, "dvc", "repro", "-q")
    # What is frozen was made from other rows: its lock entries take these in, as a forced run would.
    succeed(folder, "dvc", "commit", "-q", "--force", "validity", "answer_validity", "parity")
    commit(folder, "run")


def _write_packages(folder: Path) -> None:
    wheels = folder / ".cache/wheels"
    wheels.mkdir(parents=True)
    pins = []
    for number, package in enumerate(PACKAGES):
        _, digest = make_wheel(wheels, package, {f"{package}/core.py": source(package, 10 * number)})
        pins.append(f"{package}==1.0 --hash=sha256:{digest}")
    (folder / "data/packages.txt").write_text("\n".join(pins[1:]) + "\n")
    (folder / "data/held_out_packages.txt").write_text(f"{pins[0]}\n")


def _write_base(path: Path) -> None:
    import tests.conftest  # noqa: F401 - fixes numerics, which must happen before torch is imported

    from gguf import GGMLQuantizationType  # isort: skip

    from tests.models.gguf_files import make_gguf

    make_gguf(path, kind=GGMLQuantizationType.Q8_0, shape=SHAPE)


def _write_params(path: Path) -> None:
    yaml = YAML()
    params = yaml.load(path.read_text())
    for section, changes in CHANGES.items():
        params[section].update(changes)
    params["score"]["bertscore"].update({"baseline_pairs": 20})
    with path.open("w") as stream:
        yaml.dump(params, stream)
