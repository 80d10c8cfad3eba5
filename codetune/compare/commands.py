"""The commands that repeat, apply, keep or remove a revision, ready to be pasted into a shell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codetune.compare.figures import Figures
from codetune.history.listing import Kind, Revision

# What Hydra's grammar of overrides reads as a word by itself, as long as it is no number, truth value or null.
_PLAIN = re.compile(r"[A-Za-z_][\w./*-]*")
_WORDS = {"true", "false", "null", "nan", "inf"}


@dataclass(frozen=True)
class Command:
    """A line for the shell, and what it does."""

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
        # Within quotes a backslash stands for itself, unless a quote follows.
        escaped = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + ("\\'" if found[2] else ""), value)
        return f"'{escaped}'"
    return json.dumps(value, default=str)


def overrides(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What to give to `-S`, one each, to come from one set of parameters to another; both by flat key."""
    changed = [
        f"{'' if key in before else '+'}{key}={_value(value)}"
        for key, value in after.items()
        if key not in before or before[key] != value
    ]
    return changed + [f"~{key}" for key in before if key not in after]


def run_line(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The `dvc exp run` that runs the parameters `after` from a revision with those of `before`."""
    options = [f"-S {shlex.quote(text)}" for text in overrides(before, after)]
    return " ".join(["dvc exp run", *options])


def _named(name: str) -> str:
    """A name as an argument: one that begins with a dash is no option."""
    return f"-- {shlex.quote(name)}" if name.startswith("-") else shlex.quote(name)


def commands(revision: Revision, figures: Figures, base: Figures, base_name: str) -> list[Command]:
    """The commands for one revision.

    :param base: the figures of the revision to start from, an experiment's parent or HEAD, and what to call it.
    """
    start = f"run the same parameters from {base_name}, as an experiment"
    found = [Command(start, run_line(base.params, figures.params))] if figures.params else []
    if revision.kind is Kind.WORKSPACE:
        return found
    if revision.kind is not Kind.EXPERIMENT:
        return [*found, Command("look at the commit in the workspace", f"git checkout {revision.short}")]
    name = _named(revision.name)
    branch = shlex.quote(f"{revision.name.lstrip('-')}-branch")
    return [
        *found,
        Command("bring it into the workspace", f"dvc exp apply {name}"),
        Command("make a branch of it", f"dvc exp branch {name} {branch}"),
        Command("remove it", f"dvc exp remove {name}"),
    ]
