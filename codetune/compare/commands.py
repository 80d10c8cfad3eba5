"""Write the shell commands that repeat, apply, keep or remove a revision."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codetune.compare.figures import Figures
from codetune.history.listing import Kind, Revision

# Text that Hydra's override grammar reads as a string without quotes, except numbers, booleans and null.
_PLAIN = re.compile(r"[A-Za-z_][\w./*-]*")
_WORDS = {"true", "false", "null", "nan", "inf"}


@dataclass(frozen=True)
class Command:
    """A shell command.

    :param purpose: what the command does, in words.
    :param line: the command.
    """

    purpose: str
    line: str


def _value(value: Any) -> str:
    """A value in the grammar of Hydra's overrides, which `dvc exp run -S` reads."""
    if isinstance(value, list):
        return f"[{','.join(_value(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        # In a quoted string, a backslash is a normal character unless a quote follows it.
        escaped = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + ("\\'" if found[2] else ""), value)
        return f"'{escaped}'"
    return json.dumps(value, default=str)


def overrides(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """List the overrides that change one set of parameters into another; each is the argument of one option `-S`.

    :param before: parameters by flat key.
    :param after: parameters by flat key.
    """
    changed = [
        f"{'' if key in before else '+'}{key}={_value(value)}"
        for key, value in after.items()
        if key not in before or before[key] != value
    ]
    return changed + [f"~{key}" for key in before if key not in after]


def run_line(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Write the `dvc exp run` command that runs the pipeline with other parameters.

    :param before: parameters of the revision from which the command runs, by flat key.
    :param after: parameters to run with, by flat key.
    """
    options = [f"-S {shlex.quote(text)}" for text in overrides(before, after)]
    return " ".join(["dvc exp run", *options])


def _named(name: str) -> str:
    """A name as an argument of a shell command; `--` goes before a name that would look like an option."""
    return f"-- {shlex.quote(name)}" if name.startswith("-") else shlex.quote(name)


def commands(revision: Revision, figures: Figures, base: Figures, base_name: str) -> list[Command]:
    """List the commands for one revision.

    :param figures: parameters and metrics of the revision.
    :param base: the same of the revision from which an experiment would start: its parent, or HEAD.
    :param base_name: name of that revision, for use in a sentence.
    """
    start = f"run the same parameters from {base_name}, as an experiment"
    found = [Command(start, run_line(base.params, figures.params))] if figures.params else []
    if revision.kind is Kind.WORKSPACE:
        return found
    if revision.kind is not Kind.EXPERIMENT:
        return [*found, Command("check out the commit in the workspace", f"git checkout {revision.short}")]
    name = _named(revision.name)
    branch = shlex.quote(f"{revision.name.lstrip('-')}-branch")
    return [
        *found,
        Command("apply it to the workspace", f"dvc exp apply {name}"),
        Command("make a branch from it", f"dvc exp branch {name} {branch}"),
        Command("remove it", f"dvc exp remove {name}"),
    ]
