"""Run the answers of all forms against the tests of their problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codetune.evaluation.execution.trials import run_answers
from codetune.evaluation.parity.comparison import Verdicts
from codetune.evaluation.parity.prompts import Question
from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.limits import Limits


def run_forms(
    questions: Sequence[Question], texts: Mapping[str, Sequence[str]], isolation: Isolation, limits: Limits
) -> tuple[dict[str, Verdicts], dict[str, str]]:
    """Run one answer of each form to each problem. Equal answers to a problem are run once.

    :param questions: the questions; those without tests are left out.
    :param texts: the answers of each form, in the order of the questions.
    :param isolation: how processes are isolated.
    :param limits: time and memory for each answer.
    :returns: the results of each form; and the outcome of each reference that fails, whose problem is left out.
        Problems are named `set: id`.
    """
    results: dict[str, Verdicts] = {name: {} for name in texts}
    unusable: dict[str, str] = {}
    for set_name in dict.fromkeys(question.set for question in questions):
        asked = [(place, each.problem) for place, each in enumerate(questions) if each.set == set_name and each.problem]
        answers = {problem.id: [found[place] for found in texts.values()] for place, problem in asked}
        tried = run_answers([problem for _, problem in asked], answers, isolation, limits)
        for task, verdicts in tried.verdicts.items():
            for name, verdict in zip(texts, verdicts, strict=True):
                results[name][f"{set_name}: {task}"] = verdict
        unusable |= {f"{set_name}: {task}": verdict.outcome for task, verdict in sorted(tried.unusable.items())}
    return results, unusable
