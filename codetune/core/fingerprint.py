"""The fingerprint of a result: all that it depends on. What was kept is reused only under the same fingerprint.

It covers the code of the project that makes the result (the modules that are named and all that they import),
parameters, inputs, versions of libraries, the release of Python, and the numerics. Pages and wording are no part of it,
as no module that computes imports them.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from codetune.core import imports
from codetune.core.files import digest_bytes, digest_file, dump_json, lines_of
from codetune.core.workers import cores

LIBRARIES = (
    "accelerate", "bert-score", "gguf", "numpy", "peft", "safetensors", "tokenizers", "torch", "transformers",
)  # fmt: skip
"""The libraries whose versions decide what models and metrics compute."""
_DIGITS = 16


class Numerics(Protocol):
    """The `numerics` section of params.yaml, as `codetune.numerics.NumericsParams` is."""

    @property
    def mode(self) -> str:
        """`portable`, `strict` or `fast`."""
        ...

    @property
    def threads(self) -> int:
        """CPU threads; 0 takes all cores."""
        ...


@dataclass(frozen=True)
class Fingerprint:
    """What a result depends on.

    :param facts: each thing by a name that a person knows, such as `train.seed`, with its value as text.
    """

    facts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """A digest of all facts: 16 hexadecimal digits."""
        return digest_bytes(dump_json(dict(sorted(self.facts.items()))).encode())[:_DIGITS]


def fingerprint(
    *modules: str, parameters: Mapping[str, Any], inputs: Mapping[str, Any], numerics: Numerics
) -> Fingerprint:
    """The fingerprint of what some modules compute.

    :param modules: names of the modules whose code makes the result, such as `stages.train`.
    :param parameters: values by their keys in params.yaml.
    :param inputs: digests or texts by the name of the input; a `Path` stands for the digest of the file.
    :param numerics: the section of params.yaml.
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
    """The digest of the names and contents of all files that modules run with: the closure of their imports."""
    files = sorted(imports.import_closure(modules, imports.PROJECT))
    named = [[path.relative_to(imports.PROJECT).as_posix(), digest_file(path)] for path in files]
    return digest_bytes(dump_json(named).encode())


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _machine(numerics: Numerics) -> str:
    """What of the machine changes results: nothing in `portable`, the processor in `strict`, threads too in `fast`."""
    if numerics.mode == "portable":
        return "any"
    return _processor() if numerics.mode == "strict" else f"{_processor()}, {numerics.threads} of {cores()} threads"


def _processor() -> str:
    try:
        lines = lines_of(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.processor())
