"""Compare answers of the exported GGUF files with those of torch (frozen: run it with `make parity`).

The measured model (base with adapter, run by torch) and each file in models/export/gguf (run by llama.cpp) answer the
same prompts greedily: the first prompts of `generate` from each test set in turn.

Reads: data/clean/test.jsonl, data/clean/problems.jsonl, data/problems.jsonl, data/benchmarks, the base model,
models/adapter, models/export, params `parity`, `generate` (the choice of prompts), `score`, `execute`, `model`,
`numerics`, `clean.task`, `train.answer_form`.
Writes: reports/parity/metrics.json (equal answers, the first different token, BERTScore F1, pass@1), and
reports/parity/parity.md (the same as a table).
Guarantees: token ids of the prompts, chat template and end tokens are equal, else the stage fails. Answers are run in
the sandbox only; if the machine offers none, pass@1 is missing. No answer uses the keys and values of another one. A
killed run continues after the answers in .cache/parity.
Does not: use the answers of `generate`, which have no token ids and can end before their end token.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.core.files import JsonObject, digest_file, write_json, write_text
from codetune.evaluation.execution.params import ExecuteParams
from codetune.evaluation.metrics.baseline import measure_baseline, read_references
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.evaluation.metrics.kept import ScoreCache, cache_folder, recipe
from codetune.evaluation.metrics.matching import Matcher
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.scored import scored_text
from codetune.evaluation.metrics.table import match_pairs, score_answer, signatures
from codetune.evaluation.parity.answers import ENGINE, REFERENCE, form_answers, torch_answers
from codetune.evaluation.parity.comparison import mean, pass_figures, passed, score_figures, token_figures
from codetune.evaluation.parity.forms import ExportedForm, find_forms
from codetune.evaluation.parity.params import ParityParams
from codetune.evaluation.parity.prompts import Question, benchmark_questions, held_out_questions, spread
from codetune.evaluation.parity.running import run_forms
from codetune.evaluation.problems.prompts import select_benchmark, select_prompts
from codetune.evaluation.problems.sets import ProblemSet, benchmark_sets, held_out_set
from codetune.evaluation.sandbox.isolation import find_isolation, python_release
from codetune.evaluation.sandbox.limits import Limits, calibrate_limits
from codetune.evaluation.sandbox.packages import package_paths
from codetune.generation.params import GenerateParams
from codetune.models.answer_form import Task, TaughtForm, load_taught_form
from codetune.models.encoders.locate import locate_encoder
from codetune.models.load import LoadedModel, load_model
from codetune.models.locate import locate_model, model_files
from codetune.models.params import ModelParams
from codetune.models.prompt import completion_text, prompt_ids
from codetune.numerics import NumericsParams
from codetune.reporting.parity_table import parity_page
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.problems import HELD_OUT_PROBLEMS, VERIFIED_PROBLEMS
from codetune.schemas.reading import read_rows

Texts = dict[str, list[str]]


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses.

    :param form: the form in which answers are taught.
    """

    parity: ParityParams
    generate: GenerateParams
    score: ScoreParams
    execute: ExecuteParams
    model: ModelParams
    numerics: NumericsParams
    form: TaughtForm


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads, except the base model, which the parameters name."""

    test: Path = Path("data/clean/test.jsonl")
    problems: Path = Path("data/clean/problems.jsonl")
    verified: Path = Path("data/problems.jsonl")
    benchmarks: Path = Path("data/benchmarks")
    adapter: Path = Path("models/adapter")
    export: Path = Path("models/export/gguf")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    reports: Path = Path("reports/parity")
    journals: Path = Path(".cache/parity")
    kept: Path = Path(".cache/scoring")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> JsonObject:
    """Write the metrics and the table. Return the content of metrics.json.

    :raises UserError: if there is no exported file, or if token ids, chat template or end tokens differ.
    """
    forms, unusable = find_forms(inputs.export)
    loaded = load_model(params.model.base, inputs.adapter, params.model.revision, params.model.system)
    sets, skipped = _sets(params, inputs, loaded)
    questions = spread(sets, params.parity.prompts)
    answers = _answers(params, inputs, outputs, loaded, questions, forms)
    texts = {name: [completion_text(loaded.tokenizer, ids) for ids in found] for name, found in answers.items()}
    report: JsonObject = {
        "prompts": len(questions),
        "max_new_tokens": params.parity.max_new_tokens,
        "skipped": skipped,
        "sets": {name: {"prompts": sum(each.set == name for each in questions)} for name in sets},
        REFERENCE: {"tokens": float(median(map(len, answers[REFERENCE])))},
        "forms": {
            form.name: {
                "sha256": digest_file(form.file),
                "tokens": float(median(map(len, answers[form.name]))),
                **token_figures(answers[REFERENCE], answers[form.name], params.score.confidence),
            }
            for form in forms
        },
        "not_run": unusable,
        "versions": {ENGINE: version(ENGINE)},
    }
    _add_scores(report, params, inputs, outputs, questions, texts)
    _add_tests(report, params, questions, texts)
    write_json(outputs.reports / "metrics.json", report)
    write_text(outputs.reports / "parity.md", parity_page(report))
    return report


def _sets(params: Params, inputs: Inputs, loaded: LoadedModel) -> tuple[dict[str, list[Question]], dict[str, int]]:
    """Return the questions of `generate` by test set, and the number of prompts that leave no room for an answer."""
    options, room = params.generate, loaded.context - params.parity.max_new_tokens

    def tokenize(instruction: str) -> list[int]:
        return prompt_ids(loaded.tokenizer, instruction)

    rows = list(read_rows(inputs.test, ORIGINALS))
    verified = read_rows(inputs.verified, VERIFIED_PROBLEMS)
    held_out = held_out_set(read_rows(inputs.problems, HELD_OUT_PROBLEMS), verified)
    ids = {each.id for each in held_out.problems}
    rows = [row for row in rows if row["id"] in ids] or rows
    selection = select_prompts(rows, tokenize, max_prompts=options.max_prompts, max_tokens=room, seed=options.seed)
    sets, skipped = {held_out.name: held_out_questions(selection, held_out)}, dict(selection.skipped)
    for benchmark in _benchmarks(params, inputs):
        selection = select_benchmark(benchmark, tokenize, room)
        sets[benchmark.name] = benchmark_questions(selection, benchmark)
        skipped = {reason: count + selection.skipped[reason] for reason, count in skipped.items()}
    return sets, skipped


def _benchmarks(params: Params, inputs: Inputs) -> list[ProblemSet]:
    """Return the problems of benchmarks that `generate` asks; none if the answers are not code."""
    known = [] if params.form == "as_is" else benchmark_sets(inputs.benchmarks)
    return [each.drawn(params.generate.benchmark_prompts, params.generate.seed) for each in known]


def _answers(
    params: Params,
    inputs: Inputs,
    outputs: Outputs,
    loaded: LoadedModel,
    questions: list[Question],
    forms: list[ExportedForm],
) -> dict[str, list[list[int]]]:
    """Return the token ids of the answers of torch and of each form."""
    places = {"base": locate_model(params.model.base, params.model.revision), "adapter": inputs.adapter}
    files = {f"{name}: {path.name}": path for name, place in places.items() for path in model_files(place)}
    limit, settings, journals = params.parity.max_new_tokens, params.numerics, outputs.journals
    found = {REFERENCE: torch_answers(loaded, questions, limit, files, settings, journals)}
    for form in forms:
        found[form.name] = form_answers(form, loaded, questions, limit, settings, journals)
    return found


def _add_scores(
    report: JsonObject, params: Params, inputs: Inputs, outputs: Outputs, questions: list[Question], texts: Texts
) -> None:
    """Add BERTScore F1 of all answers to the report."""
    task: Task = "text" if params.form == "as_is" else "python"
    pairs = {
        name: [(scored_text(text, task), each.reference) for text, each in zip(found, questions, strict=True)]
        for name, found in texts.items()
    }
    settings = params.score.bertscore
    encoder = BertEncoder(locate_encoder(settings, "score.bertscore"), settings.layer)
    with ScoreCache(outputs.kept, recipe(encoder, params.numerics)) as kept:
        baseline = measure_baseline(encoder, read_references(inputs.problems, inputs.test), params.score, kept)
        matcher = Matcher(encoder, kept)
        match_pairs([pair for found in pairs.values() for pair in found], matcher, "answers")
    scores = {
        name: [
            score_answer({"answer": answer, "reference": reference}, matcher, baseline)["bertscore_f1"]
            for answer, reference in found
        ]
        for name, found in pairs.items()
    }
    report[REFERENCE]["bertscore_f1"] = mean(scores[REFERENCE])
    for name, form in report["forms"].items():
        form["bertscore_f1"] = score_figures(scores[REFERENCE], scores[name], params.score)
    report["signatures"] = {"bertscore": signatures(encoder, baseline)["bertscore"]}


def _add_tests(report: JsonObject, params: Params, questions: list[Question], texts: Texts) -> None:
    """Run the answers and add pass@1 to the report; without isolation or tests, say so and add nothing."""
    packages = package_paths(params.execute.packages)
    try:
        isolation = find_isolation()
    except UserError as error:
        sys.stderr.write(f"parity: no answer was run, so there is no pass@1: {error}\n")
        return
    isolation = replace(isolation, packages=packages) if packages else isolation
    limits = calibrate_limits(Limits(cpu_s=params.execute.cpu_s), isolation)
    results, unusable = run_forms(questions, texts, isolation, limits)
    if not results[REFERENCE]:
        sys.stderr.write("parity: no prompt has tests that can be run, so there is no pass@1\n")
        return
    report |= {"tested": len(results[REFERENCE]), "unusable": unusable, "python": python_release()}
    report[REFERENCE]["pass@1"] = passed(results[REFERENCE], params.score.confidence)
    for name, form in report["forms"].items():
        form["pass@1"] = pass_figures(results[REFERENCE], results[name], params.score)


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    params = Params(
        load_section(ParityParams), load_section(GenerateParams), load_section(ScoreParams),
        load_section(ExecuteParams), load_section(ModelParams), numerics.fixed(), load_taught_form(),
    )  # fmt: skip
    run(params, Inputs(), Outputs(kept=cache_folder(Path())))
