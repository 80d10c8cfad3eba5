"""Measure how well metrics distinguish passing from failing answers (frozen: run it with `make answer-validity`).

Reads: data/clean/problems.jsonl and data/problems.jsonl (held-out functions and their examples), data/benchmarks,
data/clean/test.jsonl (for the baseline of BERTScore), the base model, models/adapter, params `answer_validity`,
`score`, `model`, `numerics`, `clean.task`, `train.answer_form`.
Writes: reports/answer_validity/metrics.json.
Guarantees: every answer is run in the sandbox before it counts as passing or failing. Only answers to the same problem
are compared. With fewer than 20 problems that have both, no result is reported. A killed run continues after the
answers in .cache/answer_validity.
Does not: copy a text of a benchmark; judge the models.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.files import JsonObject, write_json
from codetune.core.journal import Journal
from codetune.evaluation.execution.answering import AnswerSettings, generate_answers
from codetune.evaluation.execution.trials import run_answers
from codetune.evaluation.metrics.baseline import Baseline, measure_baseline, read_references
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.evaluation.metrics.matching import Matcher
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import VARIANTS
from codetune.evaluation.metrics.scored import expected_form, scored_text
from codetune.evaluation.metrics.table import match_pairs, score_answer, signatures
from codetune.evaluation.problems.sets import ProblemSet, benchmark_sets, held_out_set
from codetune.evaluation.sandbox.isolation import find_isolation, python_release
from codetune.evaluation.sandbox.limits import Limits, calibrate_limits
from codetune.evaluation.validity.answers import GradedAnswers, discrimination
from codetune.evaluation.validity.params import AnswerValidityParams
from codetune.generation.sampling import SamplingSettings
from codetune.models.answer_form import TaughtForm, load_taught_form
from codetune.models.encoders.locate import locate_encoder
from codetune.models.params import ModelParams
from codetune.schemas.problems import HELD_OUT_PROBLEMS, VERIFIED_PROBLEMS
from codetune.schemas.reading import read_rows


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses.

    :param form: the form in which answers are taught, and therefore expected.
    """

    validity: AnswerValidityParams
    score: ScoreParams
    model: ModelParams
    form: TaughtForm


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads, except the base model, which the parameters name."""

    problems: Path = Path("data/clean/problems.jsonl")
    verified: Path = Path("data/problems.jsonl")
    benchmarks: Path = Path("data/benchmarks")
    test: Path = Path("data/clean/test.jsonl")
    adapter: Path = Path("models/adapter")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    reports: Path = Path("reports/answer_validity")
    journals: Path = Path(".cache/answer_validity")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> JsonObject:
    """Write the metrics. Return the content of metrics.json.

    :raises UserError: if the machine offers no isolation, or if a model cannot be loaded.
    """
    isolation = find_isolation()
    limits = calibrate_limits(Limits(cpu_s=params.validity.cpu_s), isolation)
    settings = params.score.bertscore
    encoder = BertEncoder(locate_encoder(settings, "score.bertscore"), settings.layer)
    baseline = measure_baseline(encoder, read_references(inputs.problems, inputs.test), params.score)
    counts: JsonObject = {}
    graded: list[GradedAnswers] = []
    for problems in _sets(params, inputs):
        answers = _drawn(problems, params, inputs, outputs)
        texts = {task: [row["completion"] for row in rows] for task, rows in answers.items()}
        tried = run_answers(problems.problems, texts, isolation, limits)
        passed = {task: [verdict.passed for verdict in found] for task, found in tried.verdicts.items()}
        found = _graded(problems, answers, passed, params.form, Matcher(encoder), baseline)
        graded += found
        counts[problems.name] = {
            "digest": problems.digest,
            "problems": len(passed),
            "with_both": sum(bool(each.passing and each.failing) for each in found),
            "answers": sum(map(len, passed.values())),
            "passed": sum(map(sum, passed.values())),
            "unusable": {name: verdict.outcome for name, verdict in sorted(tried.unusable.items())},
        }
    report = {
        "sets": counts,
        "problems": sum(each["with_both"] for each in counts.values()),
        "metrics": discrimination(graded, params.score),
        "python": python_release(),
        "signatures": signatures(encoder, baseline),
    }
    write_json(outputs.reports / "metrics.json", report)
    return report


def _sets(params: Params, inputs: Inputs) -> list[ProblemSet]:
    """Return the sets of problems to ask."""
    listed = read_rows(inputs.verified, VERIFIED_PROBLEMS)
    sets = [held_out_set(read_rows(inputs.problems, HELD_OUT_PROBLEMS), listed), *benchmark_sets(inputs.benchmarks)]
    drawn = [each.drawn(params.validity.problems, params.validity.seed) for each in sets]
    return [each for each in drawn if each.problems]


def _drawn(problems: ProblemSet, params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, list[JsonObject]]:
    """Return the answers of both models, by problem."""
    asked, model = params.validity, params.model
    sampling = SamplingSettings(
        temperature=asked.temperature, top_p=asked.top_p, max_new_tokens=asked.max_new_tokens, seed=asked.seed
    )
    found: dict[str, list[JsonObject]] = {}
    for variant, adapter in zip(VARIANTS, (None, inputs.adapter), strict=True):
        asking = AnswerSettings(model.base, adapter, asked.answers, sampling, model.revision, model.system)
        path = outputs.journals / f"{problems.name}.{variant}.jsonl"
        journal = Journal(path, asking.recipe(problems.problems))
        for row in generate_answers(problems.problems, asking, journal, journal.read() or []):
            if row["sample"] < asked.answers:
                found.setdefault(row["task_id"], []).append(row)
    return found


def _graded(
    problems: ProblemSet,
    answers: dict[str, list[JsonObject]],
    passed: dict[str, list[bool]],
    form: TaughtForm,
    matcher: Matcher,
    baseline: Baseline,
) -> list[GradedAnswers]:
    """Return the scores of the answers to each usable problem, divided into passing and failing ones."""
    references = {each.id: each.reference for each in problems.problems}
    samples = {
        task: [
            {
                "answer": scored_text(row["completion"], "python"),
                "reference": references[task],
                "stopped": row["stopped"],
                "expected_form": expected_form(row["completion"], form),
            }
            for row in answers[task]
        ]
        for task in passed
    }
    match_pairs(
        [(each["answer"], each["reference"]) for found in samples.values() for each in found], matcher, problems.name
    )
    graded = []
    for task, found in samples.items():
        scores = [score_answer(each, matcher, baseline) for each in found]
        kinds = (
            [score for score, good in zip(scores, passed[task], strict=True) if good is kind] for kind in (True, False)
        )
        graded.append(GradedAnswers(*kinds))
    return graded


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    numerics.fixed()
    params = Params(
        load_section(AnswerValidityParams), load_section(ScoreParams), load_section(ModelParams), load_taught_form()
    )
    run(params, Inputs(), Outputs())
