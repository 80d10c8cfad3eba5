"""Run one stage of the pipeline: `python -m stages NAME`. Without a name, list the stages.

Numerics are fixed before the module of the stage is imported. So a stage can import torch at the top of its file.
When DVC runs the stage, its inputs are checked before and after.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from codetune import numerics
from codetune.core.errors import UserError, run_as_command
from codetune.history.stage_inputs import unchanged_inputs

# Stages in pipeline order, and whether numerics are fixed first. Fixing imports torch; the other stages start faster.
FIXES_NUMERICS = {
    "ingest": False, "clean": False, "augment": True, "examine": True, "describe": False, "benchmarks": False,
    "base": False, "train": True, "generate": True, "score": True, "plot": False, "execute": False, "validity": True,
    "answer_validity": True, "export": True, "parity": True,
}  # fmt: skip


def list_stages() -> str:
    """Return a text with one line for each stage: its name and the first line of its docstring."""
    width = max(map(len, FIXES_NUMERICS))
    return "\n".join(f"{name:{width}}  {_summary(name)}" for name in FIXES_NUMERICS)


def _summary(name: str) -> str:
    """Return the first line of a stage's docstring, without importing the stage."""
    tree = ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def run(name: str, arguments: Sequence[str]) -> None:
    """Run a stage with params.yaml and the files named in dvc.yaml.

    :param name: the name of the stage.
    :param arguments: the words after the name on the command line, such as `base` or `tuned` for `generate`.
    :raises UserError: if there is no such stage, if it takes other arguments, or if DVC runs it and an input is damaged
        or changes meanwhile.
    """
    if name not in FIXES_NUMERICS:
        close = difflib.get_close_matches(name, FIXES_NUMERICS, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UserError(
            f"there is no stage {name!r} ({hint}known: {', '.join(FIXES_NUMERICS)})",
            "Run `python -m stages` to list them with a description.",
        )
    with unchanged_inputs():
        _run(name, arguments)


def _run(name: str, arguments: Sequence[str]) -> None:
    if FIXES_NUMERICS[name]:
        numerics.fix()
    main = import_module(f"stages.{name}").main
    expected = inspect.signature(main).parameters
    if len(expected) != len(arguments):
        raise UserError(
            f"stage {name}: expected {' '.join(expected) or 'no argument'}, found {' '.join(arguments) or 'nothing'}",
            f"Run `{' '.join(['python -m stages', name, *map(str.upper, expected)])}`.",
        )
    main(*arguments)


def main() -> None:
    """Run the stage named on the command line."""
    if len(sys.argv) == 1:
        sys.stdout.write(f"{list_stages()}\n")
    else:
        run_as_command(lambda: run(sys.argv[1], sys.argv[2:]))


if __name__ == "__main__":
    main()
