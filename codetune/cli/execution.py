"""The work of the commands `execute` and `problems`: run the answers in a file, and verify held-out problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codetune.core.config import load_section
from codetune.core.files import write_jsonl
from codetune.evaluation.execution.params import ExecuteParams
from codetune.evaluation.execution.trials import AnswerResults, run_answers
from codetune.evaluation.execution.verification import verify
from codetune.evaluation.problems.reading import held_out_problem, read_answers, read_problems
from codetune.evaluation.sandbox.isolation import find_isolation
from codetune.evaluation.sandbox.limits import Limits, calibrate_limits
from codetune.evaluation.sandbox.packages import package_paths
from codetune.schemas.checking import checked
from codetune.schemas.problems import HELD_OUT_PROBLEMS, VERIFIED_PROBLEMS
from codetune.schemas.reading import read_rows


def run_answer_file(problems: Path, answers: Path, output: Path | None, packages: Sequence[str] = ()) -> AnswerResults:
    """Run the answers in a file with the tests of their problems, in a sandbox.

    :param problems: a file in the format of HumanEval or MBPP.
    :param answers: a file of JSON lines with `task_id` and `completion`.
    :param output: a file to write one row per answer to: task, number of the answer, outcome, detail; None for no file.
    :param packages: names of installed packages that answers and tests may import.
    :returns: the verdict on each answer.
    :raises UserError: when a file has the wrong content, or the machine offers no isolation.
    """
    asked = read_problems(problems)
    given = read_answers(answers, asked)
    isolation = replace(find_isolation(), packages=package_paths(packages))
    tried = run_answers(asked, given, isolation, calibrate_limits(Limits(), isolation))
    if output is not None:
        write_jsonl(output, [
            {"task_id": task, "answer": number, "outcome": verdict.outcome, "detail": verdict.detail}
            for task, verdicts in tried.verdicts.items()
            for number, verdict in enumerate(verdicts)
        ])  # fmt: skip
    return tried


def renew_problems(root: Path) -> str:
    """Verify all held-out problems again and replace data/problems.jsonl.

    A problem is verified if its reference passes its own examples in the sandbox.

    :param root: the folder of the project.
    :returns: lines for the terminal: how many problems are verified, and how many are refused for each reason.
    :raises UserError: when there are no candidates, or the machine offers no isolation.
    """
    candidates = list(read_rows(root / "data/clean/problems.jsonl", HELD_OUT_PROBLEMS))
    isolation = find_isolation()
    limits = calibrate_limits(Limits(cpu_s=load_section(ExecuteParams, root / "params.yaml").cpu_s), isolation)
    found = verify([held_out_problem(row) for row in candidates], isolation, limits)
    digests = {row["id"]: row["digest"] for row in candidates}
    rows = [{"id": name, "digest": digests[name]} for name in sorted(problem.id for problem in found.verified)]
    path = root / "data/problems.jsonl"
    write_jsonl(path, checked(rows, VERIFIED_PROBLEMS, path))
    lines = [f"{len(rows)} of {len(candidates)} held-out problems are verified and listed in {path.name}"]
    return "\n".join([*lines, *(f"{reason:28}{count}" for reason, count in found.refused.items())])


def results_text(report: dict[str, Any]) -> str:
    """Return the results of `run_answer_file` as lines for the terminal.

    :param report: the content of `Tried.report`.
    """
    lines = [f"{report['answers']} answers to {report['problems']} problems, each isolated by {report['isolation']}"]
    for name, value in report.items():
        if name.startswith("pass@"):
            absent = "some problems have fewer answers than k" if report["problems"] else "no answer was run"
            lines.append(f"{name:12}{absent if value is None else f'{value:.4f}'}")
    if "interval" in report:
        lines.append("{:12}{low:.4f} to {high:.4f}, 95 %".format("interval", **report["interval"]))
    lines += [f"{outcome:12}{count}" for outcome, count in report["outcomes"].items()]
    if report["unanswered"]:
        lines.append(f"{report['unanswered']} more problems have no answer and do not count in pass@k")
    if report["unusable"]:
        told = ", ".join(f"{name} ({outcome})" for name, outcome in report["unusable"].items())
        lines.append(f"left out, because their own reference fails on this machine: {told}")
    if needed := report.get("needed"):
        names = sorted({name for names in needed.values() for name in names})
        options = " ".join(f"--package {name}" for name in names)
        lines.append(
            f"{len(needed)} of these import {', '.join(names)}, which the sandbox does not have: "
            f"allow the installed packages with `{options}` (in the stage: with `execute.packages`)"
        )
    return "\n".join(lines)
