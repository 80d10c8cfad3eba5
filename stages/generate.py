"""Answer the test prompts with the untouched base model, or with the tuned one.

The prompts are the held-out problems listed in data/problems.jsonl. If it lists none of this data, they are test rows.
If the answers are code, the problems of benchmarks are asked too.

Reads: data/clean/test.jsonl, data/clean/problems.jsonl, data/problems.jsonl, data/benchmarks, data/augmented/test.jsonl
(reworded prompts), the base model, models/adapter (tuned only), params `generate`, `model`, `numerics`, `clean.task`.
Writes: reports/samples/{base,tuned}.jsonl (one line per prompt), {base,tuned}.reworded.jsonl (some of the prompts,
reworded), {base,tuned}.benchmarks.jsonl (without the texts of the benchmarks), {base,tuned}.summary.json (counts).
Guarantees: both models get the same prompts in the same order. Decoding is greedy, so the same model gives the same
text for every batch size. A prompt that is too long to leave space for an answer is skipped for both models, and
counted. A killed run continues after the answers in .cache/generation.
Does not: judge the answers (`score` does that), or run them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.core.files import JsonObject, digest_bytes, dump_json, write_json, write_jsonl
from codetune.core.fingerprint import fingerprint
from codetune.core.journal import Journal
from codetune.core.progress import track
from codetune.evaluation.answers import is_code_final
from codetune.evaluation.problems.prompts import Prompt, reword, select_benchmark, select_prompts
from codetune.evaluation.problems.sets import ProblemSet, benchmark_sets, held_out_set, pack_answer
from codetune.generation.batch import answer_all
from codetune.generation.params import GenerateParams
from codetune.generation.stopping import StopAtLineEnd
from codetune.models.answer_form import Task, load_task
from codetune.models.device import require_device
from codetune.models.load import LoadedModel, load_model
from codetune.models.locate import locate_model, model_files
from codetune.models.params import ModelParams
from codetune.models.prompt import completion_text, prompt_ids, shown_prompt
from codetune.numerics import NumericsParams
from codetune.schemas.checking import checked
from codetune.schemas.instructions import ORIGINALS, PARAPHRASES
from codetune.schemas.problems import HELD_OUT_PROBLEMS, VERIFIED_PROBLEMS
from codetune.schemas.reading import read_rows
from codetune.schemas.samples import BENCHMARK_SAMPLES, SAMPLES

Variant = Literal["base", "tuned"]


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses."""

    generate: GenerateParams
    model: ModelParams
    numerics: NumericsParams
    task: Task = "python"


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads, except the base model, which the parameters name."""

    test: Path = Path("data/clean/test.jsonl")
    problems: Path = Path("data/clean/problems.jsonl")
    verified: Path = Path("data/problems.jsonl")
    benchmarks: Path = Path("data/benchmarks")
    reworded: Path = Path("data/augmented/test.jsonl")
    adapter: Path = Path("models/adapter")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    samples: Path = Path("reports/samples")
    journals: Path = Path(".cache/generation")


def run(params: Params, inputs: Inputs, outputs: Outputs, variant: Variant) -> dict[str, Any]:
    """Write the samples of one model. Return the content of its summary."""
    options = params.generate
    adapter = inputs.adapter if variant == "tuned" else None
    device = require_device(options.device, "generate.device")
    loaded = load_model(params.model.base, adapter, params.model.revision, params.model.system)
    loaded.model.to(device)
    room = loaded.context - options.max_new_tokens

    def tokenize(instruction: str) -> list[int]:
        return prompt_ids(loaded.tokenizer, instruction)

    rows, counts = _test_rows(inputs)
    selection = select_prompts(
        rows,
        tokenize,
        max_prompts=options.max_prompts,
        max_tokens=room,
        seed=options.seed,
    )
    words = {row["parent"]: row["instruction"] for row in read_rows(inputs.reworded, PARAPHRASES)}
    again = reword(selection.prompts, words, tokenize, count=options.reworded_prompts, max_tokens=room)
    known = benchmark_sets(inputs.benchmarks) if params.task == "python" else []
    sets = [each.drawn(options.benchmark_prompts, options.seed) for each in known]
    benchmarks = {each.name: select_benchmark(each, tokenize, room) for each in sets}
    tasks = [prompt for each in benchmarks.values() for prompt in each.prompts]
    asked = [*selection.prompts, *again.prompts, *tasks]
    journal = Journal(outputs.journals / f"{variant}.jsonl", _recipe(params, adapter, asked, device, loaded.dtype))
    answers = _answered(loaded, asked, params, journal)
    first, last = len(selection.prompts), len(asked) - len(tasks)
    samples, reworded = ([_sample(*pair) for pair in zip(asked[part], answers[part], strict=True)]
                         for part in (slice(first), slice(first, last)))  # fmt: skip
    for name, found in ((variant, samples), (f"{variant}.reworded", reworded)):
        path = outputs.samples / f"{name}.jsonl"
        write_jsonl(path, checked(found, SAMPLES, path))
    path = outputs.samples / f"{variant}.benchmarks.jsonl"
    packed = _benchmark_samples(sets, tasks, answers[last:])
    write_jsonl(path, checked(packed, BENCHMARK_SAMPLES, path))
    report = {
        "prompts": len(samples),
        "prompt": shown_prompt(loaded.tokenizer),
        "skipped": selection.skipped,
        "problems": counts,
        "reworded": {"prompts": len(reworded), "skipped": again.skipped},
        "benchmarks": {
            name: {"prompts": len(each.prompts), "skipped": each.skipped} for name, each in benchmarks.items()
        },
        "groups": len({sample["group"] for sample in samples}),
        "tokens": sum(sample["tokens"] for sample in samples),
        "stopped": sum(sample["stopped"] for sample in samples),
        "ended": {why: sum(sample["ended"] == why for sample in samples) for why in ("end", "code", "limit")},
        "device": device,
        "dtype": loaded.dtype,
        "numerics": params.numerics.mode,
    }
    write_json(outputs.samples / f"{variant}.summary.json", report)
    journal.path.unlink()
    return report


def _test_rows(inputs: Inputs) -> tuple[list[JsonObject], dict[str, int]]:
    """Return the test rows to ask, and the counts of problems.

    The rows are the verified problems, or all test rows if there are none.
    """
    rows = list(read_rows(inputs.test, ORIGINALS))
    candidates = list(read_rows(inputs.problems, HELD_OUT_PROBLEMS))
    verified = {each.id for each in held_out_set(candidates, read_rows(inputs.verified, VERIFIED_PROBLEMS)).problems}
    problems = [row for row in rows if row["id"] in verified]
    if candidates and not problems:
        sys.stderr.write(
            f"generate: none of the {len(candidates)} held-out problems is listed in {inputs.verified} with its "
            "current content, so test rows are asked. Run `codetune problems --renew`.\n"
        )
    return problems or rows, {"candidates": len(candidates), "verified": len(problems)}


def _benchmark_samples(sets: list[ProblemSet], tasks: list[Prompt], answers: list[JsonObject]) -> Iterator[JsonObject]:
    """Yield the lines for the answers to benchmark problems."""
    problems = {(each.name, problem.id): problem for each in sets for problem in each.problems}
    for prompt, answer in zip(tasks, answers, strict=True):
        name, task = prompt.row["set"], prompt.row["id"]
        packed = pack_answer(answer["answer"], problems[name, task])
        yield {"set": name, "task_id": task, **packed, **{key: answer[key] for key in ("tokens", "stopped", "ended")}}


def _stops_early(params: Params) -> bool:
    """Return whether an answer ends as soon as its code is complete."""
    return params.generate.stop == "code" and params.task == "python"


def _recipe(params: Params, adapter: Path | None, asked: list[Prompt], device: str, dtype: str) -> str:
    """Return the digest of everything that determines the answers."""
    places = {"base": locate_model(params.model.base, params.model.revision), "adapter": adapter}
    files = {
        f"{name}: {path.name}": path
        for name, place in places.items()
        if place is not None
        for path in model_files(place)
    }
    return fingerprint(
        __name__,
        parameters={
            "generate.max_new_tokens": params.generate.max_new_tokens,
            "stops early": _stops_early(params),
            "device": device,
            "type of the weights": dtype,
        },
        inputs={**files, "prompts": digest_bytes(dump_json([prompt.ids for prompt in asked]).encode())},
        numerics=params.numerics,
    ).digest


def _answered(loaded: LoadedModel, prompts: list[Prompt], params: Params, journal: Journal) -> list[dict[str, Any]]:
    """Return the answers to all prompts, in order. Answers in the journal are not generated again."""
    kept = journal.read() or []
    answers = {row["index"]: row for row in kept}
    left = [index for index in range(len(prompts)) if index not in answers]
    size = params.generate.batch_size
    settled = StopAtLineEnd(loaded.tokenizer, is_code_final)
    finished = answer_all(
        loaded,
        [prompts[index].ids for index in left],
        max_new_tokens=params.generate.max_new_tokens,
        batch_size=None if size == "auto" else size,
        until=(lambda _, ids: settled(ids)) if _stops_early(params) else None,
    )
    with journal.writing(kept) as add:
        for place, answer in track(finished, len(left), f"answers of {journal.path.stem}"):
            text = completion_text(loaded.tokenizer, answer.ids)
            ended = "code" if answer.ended == "until" else answer.ended
            row = {"index": left[place], "answer": text, "tokens": len(answer.ids), "ended": ended}
            row["stopped"] = answer.stopped
            answers[left[place]] = row
            add(row)
    return [answers[index] for index in range(len(prompts))]


def _sample(prompt: Prompt, answer: dict[str, Any]) -> dict[str, Any]:
    """Return one line of the samples."""
    row = prompt.row
    return {
        **{key: row[key] for key in ("id", "group", "path", "qualname", "instruction")},
        "reference": row["completion"],
        **{key: answer[key] for key in ("answer", "tokens", "stopped", "ended")},
    }


def parse_variant(text: str) -> Variant:
    """Return which model answers, from the command line.

    :raises UserError: if the text is neither `base` nor `tuned`.
    """
    if text == "base":
        return "base"
    if text == "tuned":
        return "tuned"
    raise UserError(f"stage generate: expected base or tuned, found {text}", "Run `python -m stages generate base`.")


def main(variant: str) -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    which = parse_variant(variant)
    params = Params(load_section(GenerateParams), load_section(ModelParams), numerics.fixed(), load_task())
    run(params, Inputs(), Outputs(), which)
