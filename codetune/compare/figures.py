"""Read parameters and metrics of hundreds of revisions at once, for a table.

For each revision only five small files are read. Two git processes read all of them, and each distinct file is parsed
once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from codetune.core.errors import UserError
from codetune.core.yaml_text import read_sections
from codetune.evaluation.metrics.catalogue import (
    current_names,
    execution_signatures,
    execution_values,
    flatten,
    gain_key,
    loss_signature,
    numbers,
)
from codetune.history.listing import WORKSPACE, Kind, Revision
from codetune.history.reading import read_object
from codetune.history.report_files import read_files
from codetune.history.reports import METRICS_FILE
from codetune.history.repository import Repository

PROMPTS = "prompts_digest"
LAST_LOSS = "training.last_val_loss"
_PARAMS, _SIGNATURES, _TRAINING = "params.yaml", "reports/signatures.json", "reports/training/summary.json"
_EXECUTION = "reports/execution/metrics.json"
_PATHS = (_PARAMS, METRICS_FILE, _SIGNATURES, _TRAINING, _EXECUTION)


@dataclass(frozen=True)
class Measured:
    """A reported number; `low` and `high` are the ends of its interval, or None if the report has none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Figures:
    """The parameters and metrics of one revision.

    :param params: params.yaml by flat key.
    :param values: reports/metrics.json by flat key, such as `tuned.chrf` and `gain.bertscore.f1`, `training.val_loss`,
        and the shares of problems solved, such as `tuned.execution.held_out.pass@1`.
    :param signatures: how the numbers were measured, each as text: the top level of reports/signatures.json, the texts
        on which the loss was measured, and the tests that were run.
    :param problems: paths of the files that could not be read.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Measured] = field(default_factory=dict)
    signatures: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One commit, one experiment or the workspace, with its figures.

    :param names: the branches and tags that point to the commit.
    :param note: the text that `git notes` keeps for the commit.
    """

    revision: Revision
    names: tuple[str, ...]
    figures: Figures
    note: str = ""

    @property
    def title(self) -> str:
        """The name of an experiment; for a commit its id, with the first branch or tag that points to it."""
        if self.revision.kind is Kind.EXPERIMENT or not self.names:
            return self.revision.name
        return f"{self.revision.short} ({self.names[0]})"


def _finite(content: dict[str, Any]) -> dict[str, float]:
    """The finite numbers of a nested mapping, by flat key; a plot cannot show others."""
    return {key: value for key, value in numbers(content).items() if math.isfinite(value)}


def _intervals(content: dict[str, Any], prefix: str = "") -> dict[str, Measured]:
    """All parts `{mean, low, high}` of a nested mapping, by flat key."""
    found: dict[str, Measured] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and {"mean", "low", "high"} <= value.keys():
            ends = _finite({part: value[part] for part in ("mean", "low", "high")})
            if len(ends) == 3:  # noqa: PLR2004 - all of them are numbers
                found[name] = Measured(ends["mean"], ends["low"], ends["high"])
        elif isinstance(value, dict):
            found.update(_intervals(value, f"{name}."))
    return found


def _metrics(content: dict[str, Any]) -> dict[str, Measured]:
    """The numbers of reports/metrics.json; from `gain` and `robustness` only those with an interval."""
    plain = {role: current_names(content[role]) for role in ("base", "tuned") if isinstance(content.get(role), dict)}
    gains = {_current(key): value for key, value in _intervals(content).items()}
    return {key: Measured(value) for key, value in _finite(plain).items()} | gains


def _current(key: str) -> str:
    """The key of an interval, with the current name of the metric."""
    family, _, name = key.rpartition(".")
    return f"{family}.{gain_key(name)}" if family.startswith(("gain", "robustness")) else key


def _training(content: dict[str, Any]) -> Figures:
    """The validation losses of a training: that of the adapter, which is the best one, and the last one."""
    evaluated = content.get("evaluations")
    last = evaluated[-1] if isinstance(evaluated, list) and evaluated and isinstance(evaluated[-1], dict) else {}
    found = {
        "training.val_loss": _finite(content).get("best.val_loss"),
        LAST_LOSS: _finite(last).get("val_loss"),
    }
    values = {key: Measured(value) for key, value in found.items() if value is not None}
    return Figures(values=values, signatures=loss_signature(content))


def _execution(content: dict[str, Any]) -> Figures:
    values = {
        f"{role}.{key}": Measured(value)
        for role in ("base", "tuned")
        for key, value in execution_values(content, role).items()
    }
    return Figures(values=values, signatures=execution_signatures(content))


def _signatures(content: dict[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in content.items()}


_Parse = Callable[[dict[str, Any]], Any]
_READ: dict[str, _Parse]
_READ = {METRICS_FILE: _metrics, _SIGNATURES: _signatures, _TRAINING: _training, _EXECUTION: _execution}


def _parsed(path: str, content: bytes, sections: dict[str, Any]) -> Any:
    """The parsed content of a file, or None if it cannot be read.

    :param sections: a cache of sections of params.yaml that were parsed before.
    """
    try:
        text = content.decode("utf-8")
        return flatten(read_sections(text, sections)) if path == _PARAMS else _READ[path](read_object(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UserError):
        return None


def _figures(parts: Mapping[str, Any]) -> Figures:
    """The figures of one revision.

    :param parts: its parsed files by path; None for a damaged file.
    """
    problems = tuple(path for path, part in parts.items() if part is None)
    params, metrics, signatures = (parts.get(path) or {} for path in (_PARAMS, METRICS_FILE, _SIGNATURES))
    found = [parts.get(path) or Figures() for path in (_TRAINING, _EXECUTION)]
    values = {key: value for each in found for key, value in each.values.items()}
    ways = {key: value for each in found for key, value in each.signatures.items()}
    return Figures(params, {**metrics, **values}, {**signatures, **ways}, problems)


def _of_workspace(repository: Repository) -> Figures:
    contents = read_files(repository, WORKSPACE, _PATHS)
    return _figures({path: _parsed(path, content, {}) for path, content in contents.items()})


def _of_commits(repository: Repository, commits: list[str]) -> dict[str, Figures]:
    blobs = repository.blobs(commits, _PATHS)
    contents = repository.objects(blobs.values())
    parsed: dict[tuple[str, str], Any] = {}
    sections: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {commit: {} for commit in commits}
    for (commit, path), blob in blobs.items():
        if blob.oid not in contents:
            continue
        if (path, blob.oid) not in parsed:
            parsed[path, blob.oid] = _parsed(path, contents[blob.oid], sections)
        parts[commit][path] = parsed[path, blob.oid]
    return {commit: _figures(found) for commit, found in parts.items()}


def figures_of(
    repository: Repository, commits: Iterable[str], known: MutableMapping[str, Figures] | None = None
) -> dict[str, Figures]:
    """Read the figures of commits.

    A damaged report is not an error; `Figures.problems` lists it.

    :param commits: commit ids.
    :param known: a cache of figures by commit id; new figures are added to it.
    :returns: figures by commit id.
    :raises UserError: when git fails.
    """
    known = {} if known is None else known
    wanted = list(commits)
    known.update(_of_commits(repository, [commit for commit in wanted if commit not in known]))
    return {commit: known[commit] for commit in wanted}


def load_rows(
    repository: Repository, revisions: Iterable[Revision], known: MutableMapping[str, Figures] | None = None
) -> list[Row]:
    """Read a row for each commit and experiment and for the workspace, in the order of `revisions`.

    :param revisions: the result of `list_revisions`. Branches and tags become `names` of the commit that they point to.
    :param known: a cache of figures, see `figures_of`.
    :raises UserError: when git fails.
    """
    names: dict[str, list[str]] = {}
    first: dict[str, Revision] = {}
    for revision in revisions:
        if revision.kind in (Kind.BRANCH, Kind.TAG):
            names.setdefault(revision.key, []).append(revision.name)
        else:
            first.setdefault(revision.key, revision)
    found = figures_of(repository, [key for key, revision in first.items() if revision.commit], known)
    notes = repository.notes() if found else {}
    return [
        Row(
            revision,
            tuple(names.get(key, ())),
            found[key] if revision.commit else _of_workspace(repository),
            notes.get(key, ""),
        )
        for key, revision in first.items()
    ]


def matching(rows: Iterable[Row], text: str, kinds: Iterable[Kind]) -> list[Row]:
    """Find the rows of some kinds that contain all words of `text`; upper and lower case are equal.

    Name, message, author, date, ids, notes and parameters (such as `rank=4`) are searched.
    """
    words, wanted = text.casefold().split(), set(kinds)
    return [row for row in rows if row.revision.kind in wanted and all(word in _searched(row) for word in words)]


def _searched(row: Row) -> str:
    params = " ".join(f"{key}={value}" for key, value in row.figures.params.items())
    return f"{row.revision.label} {row.revision.key} {' '.join(row.names)} {row.note} {params}".casefold()
