"""Ask how well each metric tells answers that pass from answers that fail (frozen: run it with `make answer-validity`).

Reads: data/clean/problems.jsonl and data/problems.jsonl (held-out functions and their examples), data/benchmarks,
data/clean/test.jsonl (for the baseline of BERTScore), the base model, models/adapter, params `answer_validity`,
`score`, `model`, `numerics`, `clean.task`, `train.answer_form`.
Writes: reports/answer_validity/metrics.json.
Guarantees: every answer is run in the sandbox before it counts as passing or failing, and only answers to the same
problem are compared; nothing is said below 20 problems that have both; a killed run goes on from the answers it left in
.cache/answer_validity.
Does not: repeat a text of a benchmark; judge the models.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.files import JsonObject, write_json
from codetune.core.journal import Journal
from codetune.evaluation.execution.answering import Asking, answered
from codetune.evaluation.execution.trials import try_answers
from codetune.evaluation.metrics.baseline import Baseline, measure_baseline, read_references
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.evaluation.metrics.matching import Matcher
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import VARIANTS
from codetune.evaluation.metrics.scored import expected_form, scored_text
from codetune.evaluation.metrics.table import match_pairs, score_answer, signatures
from codetune.evaluation.problems.sets import ProblemSet, benchmark_sets, held_out_set
from codetune.evaluation.sandbox.isolation import find_isolation, python_release
from codetune.evaluation.sandbox.limits import Limits, calibrated
from codetune.evaluation.validity.answers import Graded, discrimination
from codetune.evaluation.validity.params import AnswerValidityParams
from codetune.generation.sampling import SamplingSettings
from codetune.models.answer_form import TaughtForm, load_taught_form
from codetune.models.encoders.locate import locate_encoder
from codetune.models.params import ModelParams
from codetune.schemas.problems import HELD_OUT_PROBLEMS, VERIFIED_PROBLEMS
from codetune.schemas.reading import read_rows


@dataclass(frozen=True)
class Params:
    """The sections that the stage depends on.

    :param form: how answers are taught, which is how they are expected.
    """

    validity: AnswerValidityParams
    score: ScoreParams
    model: ModelParams
    form: TaughtForm


@dataclass(frozen=True)
class Inputs:
    """What the stage reads, the base model apart, which the parameters name."""

    problems: Path = Path("data/clean/problems.jsonl")
    verified: Path = Path("data/problems.jsonl")
    benchmarks: Path = Path("data/benchmarks")
    test: Path = Path("data/clean/test.jsonl")
    adapter: Path = Path("models/adapter")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    reports: Path = Path("reports/answer_validity")
    journals: Path = Path(".cache/answer_validity")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> JsonObject:
    """The content of metrics.json, after it has been written.

    :raises UserError: when the machine offers no isolation, or a model cannot be loaded.
    """
    isolation = find_isolation()
    limits = calibrated(Limits(cpu_s=params.validity.cpu_s), isolation)
    settings = params.score.bertscore
    encoder = BertEncoder(locate_encoder(settings, "score.bertscore"), settings.layer)
    baseline = measure_baseline(encoder, read_references(inputs.problems, inputs.test), params.score)
    counts: JsonObject = {}
    graded: list[Graded] = []
    for problems in _sets(params, inputs):
        answers = _drawn(problems, params, inputs, outputs)
        texts = {task: [row["completion"] for row in rows] for task, rows in answers.items()}
        tried = try_answers(problems.problems, texts, isolation, limits)
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
    """The problems that are asked."""
    listed = read_rows(inputs.verified, VERIFIED_PROBLEMS)
    sets = [held_out_set(read_rows(inputs.problems, HELD_OUT_PROBLEMS), listed), *benchmark_sets(inputs.benchmarks)]
    drawn = [each.drawn(params.validity.problems, params.validity.seed) for each in sets]
    return [each for each in drawn if each.problems]


def _drawn(problems: ProblemSet, params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, list[JsonObject]]:
    """The answers of both models, by problem."""
    asked, model = params.validity, params.model
    sampling = SamplingSettings(
        temperature=asked.temperature, top_p=asked.top_p, max_new_tokens=asked.max_new_tokens, seed=asked.seed
    )
    found: dict[str, list[JsonObject]] = {}
    for variant, adapter in zip(VARIANTS, (None, inputs.adapter), strict=True):
        asking = Asking(model.base, adapter, asked.answers, sampling, model.revision, model.system)
        path = outputs.journals / f"{problems.name}.{variant}.jsonl"
        journal = Journal(path, asking.recipe(problems.problems))
        for row in answered(problems.problems, asking, journal, journal.read() or []):
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
) -> list[Graded]:
    """The scores of the answers to each problem that can be tried, by whether they pass."""
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
        graded.append(Graded(*kinds))
    return graded


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    numerics.fixed()
    params = Params(
        load_section(AnswerValidityParams), load_section(ScoreParams), load_section(ModelParams), load_taught_form()
    )
    run(params, Inputs(), Outputs())
