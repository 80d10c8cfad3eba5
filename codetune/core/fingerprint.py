"""Compute the fingerprint of a result, which is a cache key: a cached result is reused only if it has the same one.

The fingerprint covers the project code that computes the result (the named modules and all that they import), the
parameters, the inputs, the versions of libraries and of Python, and the numerics settings. Code for the app and for
reports has no effect, because no module that computes imports it.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from codetune.core import imports
from codetune.core.files import digest_bytes, digest_file, dump_json, split_lines
from codetune.core.workers import cores

LIBRARIES = (
    "accelerate", "bert-score", "gguf", "numpy", "peft", "safetensors", "tokenizers", "torch", "transformers",
)  # fmt: skip
"""The libraries whose versions can change the results of models and metrics."""
_DIGITS = 16


class Numerics(Protocol):
    """The part of the `numerics` section (`codetune.numerics.NumericsParams`) that a fingerprint needs."""

    @property
    def mode(self) -> str:
        """The numerics mode: `portable`, `strict` or `fast`."""
        ...

    @property
    def threads(self) -> int:
        """The number of CPU threads; 0 means all cores."""
        ...


@dataclass(frozen=True)
class Fingerprint:
    """Everything that a result depends on.

    :param facts: a readable name, such as `train.seed`, mapped to the value as text.
    """

    facts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The digest of all facts, as 16 hexadecimal digits."""
        return digest_bytes(dump_json(dict(sorted(self.facts.items()))).encode())[:_DIGITS]


def fingerprint(
    *modules: str, parameters: Mapping[str, Any], inputs: Mapping[str, Any], numerics: Numerics
) -> Fingerprint:
    """Return the fingerprint of a result that some modules compute.

    :param modules: names of the modules whose code computes the result, such as `stages.train`.
    :param parameters: the parameters by their keys in params.yaml.
    :param inputs: the inputs by name, each as a digest or another text; for a `Path`, the digest of the file is taken.
    :param numerics: the `numerics` section of params.yaml.
    """
    digests = {name: digest_file(value) if isinstance(value, Path) else value for name, value in inputs.items()}
    return Fingerprint(
        {name: str(value) for name, value in {**parameters, **digests}.items()}
        | {
            "code": code_digest(*modules),
            "numerics": numerics.mode,
            "machine": _machine(numerics),
            "versions": str({name: _version(name) for name in LIBRARIES}),
            "Python": platform.python_version(),
        }
    )


def code_digest(*modules: str) -> str:
    """Return a digest of the names and contents of the modules' files and of all project files that they import."""
    files = sorted(imports.import_closure(modules, imports.PROJECT))
    named = [[path.relative_to(imports.PROJECT).as_posix(), digest_file(path)] for path in files]
    return digest_bytes(dump_json(named).encode())


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _machine(numerics: Numerics) -> str:
    """Describe what can change results: the processor in `strict`, also the thread count in `fast`, else `any`."""
    if numerics.mode == "portable":
        return "any"
    return _processor() if numerics.mode == "strict" else f"{_processor()}, {numerics.threads} of {cores()} threads"


def _processor() -> str:
    try:
        lines = split_lines(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.processor())
