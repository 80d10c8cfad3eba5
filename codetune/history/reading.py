"""Read and check all reports of one revision."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from codetune.core.errors import UserError
from codetune.core.files import split_lines
from codetune.core.yaml_text import read_yaml
from codetune.evaluation.metrics.registry import schema as score_columns
from codetune.history.listing import Revision
from codetune.history.report_files import read_files, report_remedy
from codetune.history.reports import METRICS_FILE, ROLES, Answer, Curve, Prompt, PromptScores, Reports, Variant
from codetune.history.repository import Repository
from codetune.reporting.parity_table import parity_note, parity_rows
from codetune.schemas.checking import check_rows
from codetune.schemas.declaration import Schema
from codetune.schemas.samples import SAMPLES
from codetune.schemas.verdicts import VERDICTS

_HELD_OUT = ("held_out", "doctests")  # the problems made from rows of the test set; `doctests` is the former name
_CURVES = "reports/training/plots/metrics/"

Value = TypeVar("Value")
Outcomes = dict[str, dict[str, dict[Variant, str]]]


class _Reader:
    """Parses the files of one revision; each failure adds a sentence to `problems`."""

    def __init__(self, revision: Revision, files: dict[str, bytes]) -> None:
        self.revision = revision
        self.files = files
        self.problems: list[str] = []

    def parse(self, path: str, parser: Callable[[str], Value], default: Value) -> Value:
        """The parsed content of one file, or `default` if it is missing or damaged."""
        if path not in self.files:
            return default
        try:
            return parser(self.files[path].decode("utf-8"))
        except (ValueError, KeyError, TypeError, AttributeError, UserError) as error:
            text = error.what if isinstance(error, UserError) else str(error)
            self._note(path, f"no {error}" if isinstance(error, KeyError) else " ".join(text.split()))
            return default

    def _note(self, path: str, reason: str) -> None:
        remedy = report_remedy(self.revision, path)
        self.problems.append(f"{path} of {self.revision.title} cannot be read: {reason.rstrip('.')}. {remedy}")

    def prompts(self, tried: Outcomes) -> dict[str, Prompt]:
        """The test prompts with the answers of both models.

        :param tried: outcomes of the answers that were run, by set, problem and model.
        """
        none: list[dict[str, Any]] = []
        base, tuned = (self.parse(f"reports/samples/{role}.jsonl", _samples, none) for role in ROLES)
        outcomes = {task: found for name in _HELD_OUT for task, found in tried.get(name, {}).items()}
        try:
            return _prompts(base, tuned, outcomes)
        except (KeyError, TypeError, ValueError) as error:
            self._note("reports/samples", f"a row lacks {error}")
            return {}

    def curves(self) -> tuple[Curve, ...]:
        """All series in the folder where DVCLive stores them."""
        paths = [path for path in sorted(self.files) if path.startswith(_CURVES) and path.endswith(".tsv")]
        none: tuple[Curve, ...] = ()
        found = [self.parse(path, partial(_curves, path), none) for path in paths]
        return tuple(curve for curves in found for curve in curves)


def read_object(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object.

    :raises ValueError: when the text is not JSON.
    :raises TypeError: when it is JSON but not an object.
    """
    content = json.loads(text)
    if not isinstance(content, dict):
        raise TypeError(f"found {type(content).__name__}, expected an object")
    return content


def _executed(text: str) -> dict[str, Any]:
    """Results of running answers, by set of problems; the parts that a comparison needs are checked."""
    found = read_object(text)
    for each in found.values():
        _ = each["digest"], *(each.get(role, {}).get("pass@1") for role in ROLES)
    return found


def _parity(text: str) -> dict[str, Any]:
    """Comparison of the exported files with torch; what the page shows of it must be there."""
    found = read_object(text)
    parity_rows(found)
    parity_note(found)
    return found


def _rows(text: str, schema: Schema) -> list[dict[str, Any]]:
    """The rows of a JSON-lines text. Other columns are allowed: another version of the project may have written it."""
    lines = ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())
    return list(check_rows(((number, read_object(line)) for number, line in lines), schema, lenient=True))


def _samples(text: str) -> list[dict[str, Any]]:
    return _rows(text, SAMPLES)


def _outcomes(text: str) -> Outcomes:
    """The outcome of running the first answer to each problem, by set, problem and model."""
    found: Outcomes = {}
    for row in _rows(text, VERDICTS):
        if row.get("sample", 0) == 0:  # reports of other versions have several answers per problem
            found.setdefault(row["set"], {}).setdefault(row["task_id"], {})[row["variant"]] = row["outcome"]
    return found


def _scores(text: str) -> dict[str, PromptScores]:
    return {
        str(row["id"]): PromptScores(
            str(row["group"]), *({key: float(value) for key, value in row[role].items()} for role in ROLES)
        )
        for row in _rows(text, score_columns())
    }


def _sources(text: str) -> dict[str, str]:
    """The source of each group; empty for older reports, which do not have it."""
    packages = read_object(text).get("packages", {})
    return {group: found["source"] for group, found in packages.items() if found.get("source")}


def _curves(path: str, text: str) -> tuple[Curve, ...]:
    """The series in a file; empty if it has no values yet."""
    curve = curve_of(path.removeprefix(_CURVES).removesuffix(".tsv"), split_lines(text)[1:])
    return (curve,) if curve.steps else ()


def curve_of(name: str, lines: Iterable[str]) -> Curve:
    """Parse a series of DVCLive.

    :param name: name of the series, such as `train/loss`.
    :param lines: lines of the table without its header, with tabs between cells: the step first, the value last.
    :raises ValueError: when a line does not have this form.
    """
    points = [(int(cells[0]), float(cells[-1])) for cells in (line.split("\t") for line in lines)]
    return Curve(name, tuple(step for step, _ in points), tuple(value for _, value in points))


def _prompts(
    base: list[dict[str, Any]], tuned: list[dict[str, Any]], outcomes: dict[str, dict[Variant, str]]
) -> dict[str, Prompt]:
    """The prompts with an answer of at least one model: those of `base` in its order, then others of `tuned`."""
    answers: dict[str, dict[Variant, Answer]] = {}
    first: dict[str, dict[str, Any]] = {}
    for role, rows in zip(ROLES, (base, tuned), strict=True):
        for row in rows:
            first.setdefault(row["id"], row)
            answer = Answer(
                row["answer"], int(row["tokens"]), bool(row["stopped"]), outcomes.get(row["id"], {}).get(role, "")
            )
            answers.setdefault(row["id"], {})[role] = answer
    keys = ("id", "group", "path", "qualname", "instruction", "reference")
    texts = {identifier: {key: str(row[key]) for key in keys} for identifier, row in first.items()}
    return {identifier: Prompt(**facts, answers=answers[identifier]) for identifier, facts in texts.items()}


def load_reports(repository: Repository, revision: Revision) -> Reports:
    """Read and parse the reports of a revision.

    A damaged report is not an error; `Reports.problems` describes it.

    :raises UserError: when git fails.
    """
    reader = _Reader(revision, read_files(repository, revision))
    nothing: Outcomes = {}
    outcomes = reader.parse("reports/execution/verdicts.jsonl", _outcomes, nothing)
    return Reports(
        revision=revision,
        metrics=reader.parse(METRICS_FILE, read_object, {}),
        signatures=reader.parse("reports/signatures.json", read_object, {}),
        training=reader.parse("reports/training/summary.json", read_object, {}),
        params=reader.parse("params.yaml", read_yaml, {}),
        scores=reader.parse("reports/scores.jsonl", _scores, {}),
        prompts=reader.prompts(outcomes),
        curves=reader.curves(),
        validity=reader.parse("reports/validity/metrics.json", read_object, {}),
        answer_validity=reader.parse("reports/answer_validity/metrics.json", read_object, {}),
        parity=reader.parse("reports/parity/metrics.json", _parity, {}),
        outcomes=outcomes,
        execution=reader.parse("reports/execution/metrics.json", _executed, {}),
        sources=reader.parse("reports/data.json", _sources, {}),
        problems=tuple(reader.problems),
    )
