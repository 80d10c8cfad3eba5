"""Answer the test prompts with the untouched base model, or with the tuned one.

Reads: data/clean/test.jsonl, data/augmented/test.jsonl (the same prompts in other words), the base model,
models/adapter (tuned only), params `generate`, `model`, `numerics`, `clean.task`.
Writes: reports/samples/{base,tuned}.jsonl, one line per prompt, {base,tuned}.reworded.jsonl with some of them asked in
other words, and {base,tuned}.summary.json with the counts.
Guarantees: the same prompts in the same order for both; greedy decoding, so that the same model gives the same text,
whatever the batch size; a prompt that leaves no room for an answer is skipped in both, and counted; a killed run goes
on from the answers it left in .cache/generation.
Does not: judge the answers (that is `score`), or run them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from codetune import numerics
from codetune.answer_form import Task, load_task
from codetune.config import load_section
from codetune.errors import UserError, run_as_command
from codetune.files import digest_bytes, digest_file, dump_json, write_json, write_jsonl
from codetune.generation.params import GenerateParams
from codetune.journal import Journal
from codetune.modeling.params import ModelParams
from codetune.numerics import NumericsParams
from codetune.progress import track
from codetune.schemas.checking import checked
from codetune.schemas.instructions import ORIGINALS, PARAPHRASES
from codetune.schemas.reading import read_rows
from codetune.schemas.samples import SAMPLES

if TYPE_CHECKING:
    from codetune.generation.prompts import Prompt
    from codetune.modeling.load import LoadedModel

Variant = Literal["base", "tuned"]


@dataclass(frozen=True)
class Params:
    """The sections that the stage depends on."""

    generate: GenerateParams
    model: ModelParams
    numerics: NumericsParams
    task: Task = "python"


@dataclass(frozen=True)
class Inputs:
    """What the stage reads, the base model apart, which the parameters name."""

    test: Path = Path("data/clean/test.jsonl")
    reworded: Path = Path("data/augmented/test.jsonl")
    adapter: Path = Path("models/adapter")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    samples: Path = Path("reports/samples")
    journals: Path = Path(".cache/generation")


def run(params: Params, inputs: Inputs, outputs: Outputs, variant: Variant) -> dict[str, Any]:
    """The counts of one variant, after its samples have been written."""
    from codetune.generation.prompts import reword, select_prompts
    from codetune.modeling.device import require_device
    from codetune.modeling.load import load_model
    from codetune.prompt import prompt_ids, shown_prompt

    options = params.generate
    adapter = inputs.adapter if variant == "tuned" else None
    device = require_device(options.device, "generate.device")
    loaded = load_model(params.model.base, adapter, params.model.revision, params.model.system)
    loaded.model.to(device)
    room = loaded.context - options.max_new_tokens

    def tokenize(instruction: str) -> list[int]:
        return prompt_ids(loaded.tokenizer, instruction)

    selection = select_prompts(
        list(read_rows(inputs.test, ORIGINALS)),
        tokenize,
        max_prompts=options.max_prompts,
        max_tokens=room,
        seed=options.seed,
    )
    words = {row["parent"]: row["instruction"] for row in read_rows(inputs.reworded, PARAPHRASES)}
    again = reword(selection.prompts, words, tokenize, count=options.reworded_prompts, max_tokens=room)
    asked = [*selection.prompts, *again.prompts]
    journal = Journal(outputs.journals / f"{variant}.jsonl", _recipe(params, adapter, asked, device, loaded.dtype))
    answered = _answered(loaded, asked, params, journal)
    samples, reworded = answered[: len(selection.prompts)], answered[len(selection.prompts) :]
    for name, rows in ((variant, samples), (f"{variant}.reworded", reworded)):
        path = outputs.samples / f"{name}.jsonl"
        write_jsonl(path, checked(rows, SAMPLES, path))
    report = {
        "prompts": len(samples),
        "prompt": shown_prompt(loaded.tokenizer),
        "skipped": selection.skipped,
        "reworded": {"prompts": len(reworded), "skipped": again.skipped},
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


def _stops_early(params: Params) -> bool:
    """Whether answers end once their code is whole."""
    return params.generate.stop == "code" and params.task == "python"


def _recipe(params: Params, adapter: Path | None, asked: list[Prompt], device: str, dtype: str) -> str:
    """A digest of all that an answer depends on."""
    from codetune.modeling.locate import locate_model, weight_files

    places = [place for place in (locate_model(params.model.base, params.model.revision), adapter) if place]
    weights = [digest_file(path) for place in places for path in weight_files(place)]
    code = sorted((Path(__file__).parent.parent / "codetune").rglob("*.py"))
    return digest_bytes(
        dump_json([
            weights, dtype, params.generate.max_new_tokens, _stops_early(params), device,
            params.numerics.mode,
            [prompt.ids for prompt in asked], [version(name) for name in ("torch", "transformers", "peft")],
            [digest_file(path) for path in code],
        ]).encode()
    )[:16]  # fmt: skip


def _answered(loaded: LoadedModel, prompts: list[Prompt], params: Params, journal: Journal) -> list[dict[str, Any]]:
    """The samples of all prompts, in order; those in the journal are not asked for again."""
    from codetune.evaluation.answers import is_settled
    from codetune.generation.batch import answer_all
    from codetune.generation.stopping import LineWatch
    from codetune.prompt import completion_text

    kept = journal.read() or []
    answers = {row["index"]: row for row in kept}
    left = [index for index in range(len(prompts)) if index not in answers]
    size = params.generate.batch_size
    settled = LineWatch(loaded.tokenizer, is_settled)
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
    return [_sample(prompt, answers[index]) for index, prompt in enumerate(prompts)]


def _sample(prompt: Prompt, answer: dict[str, Any]) -> dict[str, Any]:
    """One line of the samples."""
    row = prompt.row
    return {
        **{key: row[key] for key in ("id", "group", "path", "qualname", "instruction")},
        "reference": row["completion"],
        **{key: answer[key] for key in ("answer", "tokens", "stopped", "ended")},
    }


def parse_variant(arguments: Sequence[str]) -> Variant:
    """Which model answers, from the command line.

    :raises UserError: when it is neither `base` nor `tuned`.
    """
    if list(arguments) == ["base"]:
        return "base"
    if list(arguments) == ["tuned"]:
        return "tuned"
    found = " ".join(arguments) or "nothing"
    raise UserError(f"stages.generate: expected base or tuned, found {found}", "Run `python -m stages.generate base`.")


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    variant = parse_variant(sys.argv[1:])
    params = Params(load_section(GenerateParams), load_section(ModelParams), numerics.fix(), load_task())
    run(params, Inputs(), Outputs(), variant)


if __name__ == "__main__":
    run_as_command(main)
