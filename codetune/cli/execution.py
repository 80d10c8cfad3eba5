"""What the commands `execute` and `problems` do: answers in a file are run, held-out problems are verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codetune.core.config import load_section
from codetune.core.files import write_jsonl
from codetune.evaluation.execution.params import ExecuteParams
from codetune.evaluation.execution.trials import Tried, try_answers
from codetune.evaluation.execution.verification import verify
from codetune.evaluation.problems.reading import held_out_problem, read_answers, read_problems
from codetune.evaluation.sandbox.isolation import find_isolation
from codetune.evaluation.sandbox.limits import Limits, calibrated
from codetune.evaluation.sandbox.packages import package_paths
from codetune.schemas.checking import checked
from codetune.schemas.problems import HELD_OUT_PROBLEMS, VERIFIED_PROBLEMS
from codetune.schemas.reading import read_rows


def try_file(problems: Path, answers: Path, output: Path | None, packages: Sequence[str] = ()) -> Tried:
    """Verdicts on the answers in a file.

    :param output: gets a row for each answer: task, its number, outcome, detail.
    :param packages: packages installed here that answers and tests may import.
    :raises UserError: when a file is not what it should be, or the machine offers no isolation.
    """
    asked = read_problems(problems)
    given = read_answers(answers, asked)
    isolation = replace(find_isolation(), packages=package_paths(packages))
    tried = try_answers(asked, given, isolation, calibrated(Limits(), isolation))
    if output is not None:
        write_jsonl(output, [
            {"task_id": task, "answer": number, "outcome": verdict.outcome, "detail": verdict.detail}
            for task, verdicts in tried.verdicts.items()
            for number, verdict in enumerate(verdicts)
        ])  # fmt: skip
    return tried


def renew_problems(root: Path) -> str:
    """Write data/problems.jsonl anew; how many problems it lists, and how many it does not, by reason.

    :param root: the folder of the project.
    :raises UserError: when there are no candidates, or the machine offers no isolation.
    """
    candidates = list(read_rows(root / "data/clean/problems.jsonl", HELD_OUT_PROBLEMS))
    isolation = find_isolation()
    limits = calibrated(Limits(cpu_s=load_section(ExecuteParams, root / "params.yaml").cpu_s), isolation)
    found = verify([held_out_problem(row) for row in candidates], isolation, limits)
    digests = {row["id"]: row["digest"] for row in candidates}
    rows = [{"id": name, "digest": digests[name]} for name in sorted(problem.id for problem in found.verified)]
    path = root / "data/problems.jsonl"
    write_jsonl(path, checked(rows, VERIFIED_PROBLEMS, path))
    lines = [f"{len(rows)} of {len(candidates)} held-out problems are verified, and listed in {path.name}"]
    return "\n".join([*lines, *(f"{reason:28}{count}" for reason, count in found.refused.items())])


def as_text(report: dict[str, Any]) -> str:
    """The figures for the terminal."""
    lines = [f"{report['answers']} answers to {report['problems']} problems, each isolated by {report['isolation']}"]
    for name, value in report.items():
        if name.startswith("pass@"):
            absent = "each problem needs as many answers" if report["problems"] else "no answer was tried"
            lines.append(f"{name:12}{absent if value is None else f'{value:.4f}'}")
    if "interval" in report:
        lines.append("{:12}{low:.4f} to {high:.4f}, 95 %".format("interval", **report["interval"]))
    lines += [f"{outcome:12}{count}" for outcome, count in report["outcomes"].items()]
    if report["unanswered"]:
        lines.append(f"{report['unanswered']} more problems have no answer: no pass@k counts them")
    if report["unusable"]:
        told = ", ".join(f"{name} ({outcome})" for name, outcome in report["unusable"].items())
        lines.append(f"left out, for their own reference fails here: {told}")
    if needed := report.get("needed"):
        names = sorted({name for names in needed.values() for name in names})
        options = " ".join(f"--package {name}" for name in names)
        lines.append(
            f"{len(needed)} of these import {', '.join(names)}, which the sandbox does not have: "
            f"`{options}` lets in what is installed (for the stage: `execute.packages`)"
        )
    return "\n".join(lines)
