"""Score the answers of base and tuned model against the references.

Reads: reports/samples/{base,tuned}.jsonl, {base,tuned}.reworded.jsonl and {base,tuned}.benchmarks.jsonl,
data/benchmarks, data/clean/{problems,test}.jsonl (random pairs for the baseline), params `score`, `clean.task` and
`train.answer_form`.
Writes: reports/scores.jsonl (one line per prompt), reports/metrics.json (means, gains and robustness, with intervals;
under `benchmarks` the means and gains of each benchmark), reports/signatures.json (what two revisions must have in
common to be compared), reports/scoring.json (the baseline, and counts: empty texts, long texts, answers by form, and
answers without code by reason).
Guarantees: both models answered the same prompts. The weights of the packaged encoder have the published digest. A
score depends only on answer, reference, baseline and parameters, not on the other answers. With `clean.task: python`,
the code of an answer is scored; it is extracted from Markdown in the same way for both models. `expected_form` says
whether the answer has the form that is taught.
Does not: run any answer; decide whether two revisions may be compared (the signatures do that).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.files import JsonObject, write_json, write_jsonl
from codetune.evaluation.metrics import registry
from codetune.evaluation.metrics.baseline import measure_baseline, read_references
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.evaluation.metrics.kept import ScoreCache, cache_folder, recipe
from codetune.evaluation.metrics.matching import Matcher
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.robustness import robustness
from codetune.evaluation.metrics.samples import prompts_digest, read_benchmark_samples, read_samples
from codetune.evaluation.metrics.scored import reading_report, scored_samples
from codetune.evaluation.metrics.segmentation import print_tokenizer
from codetune.evaluation.metrics.table import (
    corpus_metrics,
    match_samples,
    metrics,
    score_prompts,
    scoring_report,
    setup_of,
    stored_scores,
    tokenizer_of,
)
from codetune.evaluation.problems.sets import benchmark_sets
from codetune.models.answer_form import TaughtForm, load_taught_form
from codetune.models.encoders.locate import locate_encoder
from codetune.numerics import NumericsParams
from codetune.schemas.checking import checked

_LIBRARIES = ("bert-score", "numpy", "sacrebleu", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses.

    :param form: the form in which answers are taught, and therefore expected.
    """

    score: ScoreParams
    numerics: NumericsParams
    form: TaughtForm


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads."""

    base: Path = Path("reports/samples/base.jsonl")
    tuned: Path = Path("reports/samples/tuned.jsonl")
    base_reworded: Path = Path("reports/samples/base.reworded.jsonl")
    tuned_reworded: Path = Path("reports/samples/tuned.reworded.jsonl")
    base_benchmarks: Path = Path("reports/samples/base.benchmarks.jsonl")
    tuned_benchmarks: Path = Path("reports/samples/tuned.benchmarks.jsonl")
    benchmarks: Path = Path("data/benchmarks")
    problems: Path = Path("data/clean/problems.jsonl")
    test: Path = Path("data/clean/test.jsonl")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    scores: Path = Path("reports/scores.jsonl")
    metrics: Path = Path("reports/metrics.json")
    signatures: Path = Path("reports/signatures.json")
    scoring: Path = Path("reports/scoring.json")
    kept: Path = Path(".cache/scoring")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> JsonObject:
    """Write scores, metrics, signatures and counts. Return the content of reports/metrics.json."""
    given = read_samples(inputs.base, inputs.tuned)
    asked_again = read_samples(inputs.base_reworded, inputs.tuned_reworded, least=0)
    sets = benchmark_sets(inputs.benchmarks)
    tasks = read_benchmark_samples(inputs.base_benchmarks, inputs.tuned_benchmarks, sets)
    samples, reworded = (scored_samples(each, params.form) for each in (given, asked_again))
    benchmarks = {name: scored_samples(each, params.form) for name, each in tasks.items()}
    settings = params.score.bertscore
    encoder = BertEncoder(locate_encoder(settings, "score.bertscore"), settings.layer)
    with ScoreCache(outputs.kept, recipe(encoder, params.numerics)) as kept:
        references = read_references(inputs.problems, inputs.test)
        baseline = measure_baseline(encoder, references, params.score, kept)
        matcher = Matcher(encoder, kept)
        match_samples(samples, reworded, *benchmarks.values(), matcher=matcher)
    tokenizer = tokenizer_of(samples)
    print_tokenizer(tokenizer)
    rows = score_prompts(samples, matcher, baseline, tokenizer)
    report = metrics(rows, corpus_metrics(samples, tokenizer), params.score)
    if benchmarks:
        report["benchmarks"] = {
            name: metrics(
                score_prompts(each, matcher, baseline, tokenizer), corpus_metrics(each, tokenizer), params.score
            )
            for name, each in benchmarks.items()
        }
    if reworded["base"]:
        again = score_prompts(reworded, matcher, baseline, tokenizer)
        report["robustness"] = robustness((samples, rows), (reworded, again), params.score)
    shared = {
        **registry.signatures(setup_of(encoder, baseline, tokenizer)),
        "answers": "text" if params.form == "as_is" else "code",
        "expected_form": params.form,
        "prompts_digest": prompts_digest(samples["base"]),
        "numerics": params.numerics.mode,
        "versions": {name: version(name) for name in _LIBRARIES},
    }
    write_jsonl(outputs.scores, checked(stored_scores(rows), registry.schema(), outputs.scores))
    counts = scoring_report(samples, encoder, baseline)
    if params.form != "as_is":
        read = {"": given, ".reworded": asked_again, **{f".{name}": each for name, each in tasks.items()}}
        counts["read"] = {
            f"{variant}{suffix}": found
            for suffix, each in read.items()
            for variant, found in reading_report(each).items()
        }
    write_json(outputs.scoring, counts)
    write_json(outputs.signatures, shared)
    write_json(outputs.metrics, report)
    return report


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    params = Params(load_section(ScoreParams), numerics.fixed(), load_taught_form())

    run(params, Inputs(), Outputs(kept=cache_folder(Path())))
