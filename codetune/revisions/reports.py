"""What one revision reported: read whole, checked, and kept in plain values that never change.

A part that is missing or damaged is left out and named in `problems`, so that the rest can still be looked at.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from codetune.errors import UserError
from codetune.revisions.catalogue import EXECUTION, numbers
from codetune.revisions.listing import COMPARED_PATHS, Revision
from codetune.revisions.repository import Repository
from codetune.revisions.yaml_text import read_yaml
from codetune.schemas.checking import passing
from codetune.schemas.declaration import Schema
from codetune.schemas.samples import SAMPLES
from codetune.schemas.scores import SCORES
from codetune.schemas.verdicts import VERDICTS

Role = Literal["base", "tuned"]
ROLES: tuple[Role, Role] = ("base", "tuned")
METRICS_FILE = "reports/metrics.json"
_READ_SUFFIXES = (".json", ".jsonl", ".tsv", ".yaml")
_DOCTESTS = "doctests"  # the set of problems that are rows of the test set
_CURVES = "reports/training/plots/metrics/"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Answer:
    """What a model wrote for one prompt: the text, its length in tokens, and whether it ended by itself.

    :param examples: what came of it where it was run with the examples of the function's docstring, such as `passed`;
        empty where it was not.
    """

    text: str
    tokens: int
    stopped: bool
    examples: str = ""


@dataclass(frozen=True)
class Prompt:
    """One test prompt with the reference and the answers of base and tuned model."""

    id: str
    group: str
    path: str
    qualname: str
    instruction: str
    reference: str
    answers: dict[Role, Answer]


@dataclass(frozen=True)
class PromptScores:
    """The scores of one prompt's answers, metric by metric."""

    group: str
    base: dict[str, float]
    tuned: dict[str, float]

    def of(self, role: Role) -> dict[str, float]:
        """The scores of one model."""
        return self.base if role == "base" else self.tuned


@dataclass(frozen=True)
class Curve:
    """One series of the training log: its name, such as `train/loss`, and a value at each optimizer step."""

    name: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Reports:
    """Everything a comparison needs of one revision.

    :param metrics: reports/metrics.json, empty where the revision has none.
    :param scores: per-prompt scores by prompt id, in the order of the test set.
    :param problems: a sentence for each file that could not be read.
    """

    revision: Revision
    metrics: dict[str, Any] = field(default_factory=dict)
    signatures: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, PromptScores] = field(default_factory=dict)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    validity: dict[str, Any] = field(default_factory=dict)
    execution: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether the revision has metrics at all."""
        return any(self.values(role) for role in ROLES)

    def values(self, role: Role) -> dict[str, float]:
        """The reported metrics of one model by flat key; empty where there are none."""
        content = self.metrics.get(role)
        scored = numbers(content) if isinstance(content, dict) else {}
        return scored | {
            f"{EXECUTION}.{name}.{key}": value
            for name, found in self.execution.items()
            for key, value in numbers(found.get(role, {})).items()
            if key.startswith("pass@")
        }

    @property
    def measured_by(self) -> dict[str, Any]:
        """What two revisions must share for their numbers to be comparable, answers that were run included."""
        run = {
            name: f"tests:{found['digest']}|isolation:{found['isolation']}" for name, found in self.execution.items()
        }
        return self.signatures | ({EXECUTION: run} if run else {})


class _Reader:
    """Parses the files of one revision; what fails becomes a sentence in `problems`."""

    def __init__(self, revision: Revision, files: dict[str, bytes]) -> None:
        self.revision = revision
        self.files = files
        self.problems: list[str] = []

    def parse(self, path: str, parser: Callable[[str], Value], default: Value) -> Value:
        """The parsed content of one file, or `default` where it is missing or damaged."""
        if path not in self.files:
            return default
        try:
            return parser(self.files[path].decode("utf-8"))
        except (ValueError, KeyError, TypeError, AttributeError, UserError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
            self.problems.append(f"{path} of {self.revision.title} cannot be read: {reason}")
            return default

    def prompts(self) -> dict[str, Prompt]:
        """The test prompts with the answers of both models."""
        none: list[dict[str, Any]] = []
        base, tuned = (self.parse(f"reports/samples/{role}.jsonl", _samples, none) for role in ROLES)
        outcomes: dict[tuple[str, str], str] = self.parse("reports/execution/verdicts.jsonl", _outcomes, {})
        try:
            return _prompts(base, tuned, outcomes)
        except (KeyError, TypeError, ValueError) as error:
            self.problems.append(f"reports/samples of {self.revision.title} cannot be read: a row lacks {error}")
            return {}

    def curves(self) -> tuple[Curve, ...]:
        """All series below the folder where DVCLive keeps them."""
        paths = [path for path in sorted(self.files) if path.startswith(_CURVES) and path.endswith(".tsv")]
        found = [self.parse(path, lambda text, path=path: _curve(path, text), None) for path in paths]  # type: ignore[misc]
        return tuple(curve for curve in found if curve is not None and curve.steps)


def _mapping(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError(f"found {type(value).__name__}, expected an object")
    return value


def _executed(text: str) -> dict[str, Any]:
    """The sets of problems whose answers were run, each with what a comparison reads."""
    found = _mapping(text)
    for each in found.values():
        _ = each["digest"], each["isolation"], *(each[role] for role in ROLES)
    return found


def _rows(text: str, schema: Schema) -> list[dict[str, Any]]:
    """The rows of JSON lines; another version of the project may have had other columns."""
    lines = ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())
    return list(passing(((number, _mapping(line)) for number, line in lines), schema, lenient=True))


def _samples(text: str) -> list[dict[str, Any]]:
    return _rows(text, SAMPLES)


def _outcomes(text: str) -> dict[tuple[str, str], str]:
    """What came of running the first answer to each held-out function, by the row's id and the model."""
    rows = [row for row in _rows(text, VERDICTS) if row["set"] == _DOCTESTS and row["sample"] == 0]
    return {(row["task_id"], row["variant"]): row["outcome"] for row in rows}


def _scores(text: str) -> dict[str, PromptScores]:
    return {
        str(row["id"]): PromptScores(
            str(row["group"]), *({key: float(value) for key, value in row[role].items()} for role in ROLES)
        )
        for row in _rows(text, SCORES)
    }


def _curve(path: str, text: str) -> Curve:
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
    columns = [column for column in (rows[0] if rows else ()) if column not in ("step", "timestamp")]
    name = path.removeprefix(_CURVES).removesuffix(".tsv")
    steps = tuple(int(row["step"]) for row in rows)
    return Curve(name, steps, tuple(float(row[columns[-1]]) for row in rows) if columns else ())


def _prompts(
    base: list[dict[str, Any]], tuned: list[dict[str, Any]], outcomes: dict[tuple[str, str], str]
) -> dict[str, Prompt]:
    """The prompts that have an answer of at least one model, in the order of the first file that has them."""
    answers: dict[str, dict[Role, Answer]] = {}
    first: dict[str, dict[str, Any]] = {}
    for role, rows in zip(ROLES, (base, tuned), strict=True):
        for row in rows:
            first.setdefault(row["id"], row)
            answer = Answer(
                row["answer"], int(row["tokens"]), bool(row["stopped"]), outcomes.get((row["id"], role), "")
            )
            answers.setdefault(row["id"], {})[role] = answer
    keys = ("id", "group", "path", "qualname", "instruction", "reference")
    texts = {identifier: {key: str(row[key]) for key in keys} for identifier, row in first.items()}
    return {identifier: Prompt(**facts, answers=answers[identifier]) for identifier, facts in texts.items()}


def _workspace_paths(root: Path) -> list[Path]:
    """The files of the workspace that a comparison reads; links out of it are not followed."""
    found: list[Path] = []
    for top in COMPARED_PATHS:
        place = root / top
        candidates = [place] if place.is_file() else sorted(place.rglob("*"))
        found += [path for path in candidates if path.suffix in _READ_SUFFIXES and path.is_file()]
    return found


def workspace_fingerprint(root: Path) -> str:
    """A text that changes whenever a file of the workspace that a comparison reads is written."""
    marks = []
    for path in _workspace_paths(root):
        try:
            facts = path.stat()
        except FileNotFoundError:  # replaced by a running stage just now
            continue
        marks.append(f"{path.relative_to(root)} {facts.st_mtime_ns} {facts.st_size}")
    return "\n".join(marks)


def read_files(repository: Repository, revision: Revision) -> dict[str, bytes]:
    """The bytes of the files that a comparison reads, by path relative to the project."""
    if revision.commit is not None:
        blobs = repository.tree(revision.commit, COMPARED_PATHS)
        return repository.contents(blob for blob in blobs if blob.path.endswith(_READ_SUFFIXES))
    contents: dict[str, bytes] = {}
    for path in _workspace_paths(repository.root):
        try:
            contents[path.relative_to(repository.root).as_posix()] = path.read_bytes()
        except OSError:
            continue
    return contents


def load_reports(repository: Repository, revision: Revision) -> Reports:
    """What a revision reported.

    :raises UserError: when git fails; damaged reports are no error, they are told in `problems`.
    """
    reader = _Reader(revision, read_files(repository, revision))
    return Reports(
        revision=revision,
        metrics=reader.parse(METRICS_FILE, _mapping, {}),
        signatures=reader.parse("reports/signatures.json", _mapping, {}),
        training=reader.parse("reports/training/summary.json", _mapping, {}),
        params=reader.parse("params.yaml", read_yaml, {}),
        scores=reader.parse("reports/scores.jsonl", _scores, {}),
        prompts=reader.prompts(),
        curves=reader.curves(),
        validity=reader.parse("reports/validity/metrics.json", _mapping, {}),
        execution=reader.parse("reports/execution/metrics.json", _executed, {}),
        problems=tuple(reader.problems),
    )
