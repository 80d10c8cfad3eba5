"""Greedy answers of the measured model and of its exported forms. A killed run continues where it stopped."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from codetune.core.files import JsonObject, digest_bytes, dump_json
from codetune.core.fingerprint import fingerprint
from codetune.core.journal import Journal
from codetune.core.progress import track
from codetune.core.workers import cores
from codetune.evaluation.parity.forms import ExportedForm, check_file, check_prompt
from codetune.evaluation.parity.prompts import Question
from codetune.generation.batch import answer_all
from codetune.generation.engines.llama_cpp import completion_request, whole_answer
from codetune.generation.sampling import SamplingSettings
from codetune.models.load import LoadedModel
from codetune.numerics import NumericsParams

ENGINE = "xllamacpp"
"""The package that contains llama.cpp."""
REFERENCE = "torch"
"""The name of the answers that all others are compared with."""

_SPARE_TOKENS = 16  # llama.cpp ends an answer before its context is full


def torch_answers(
    loaded: LoadedModel,
    questions: list[Question],
    max_new_tokens: int,
    files: dict[str, Path],
    settings: NumericsParams,
    journals: Path,
) -> list[list[int]]:
    """Return the token ids of the greedy answers of torch, without end tokens, in the order of the questions.

    :param loaded: the measured model: base with adapter.
    :param files: the files of the model, by name.
    :param settings: the numerics settings.
    :param journals: the folder of the journals.
    """
    inputs = files | _asked(questions)
    digest = fingerprint(
        __name__, parameters={"max_new_tokens": max_new_tokens}, inputs=inputs, numerics=settings
    ).digest
    journal = Journal(journals / f"{REFERENCE}.jsonl", digest)
    kept = journal.read() or []
    found = _ids(kept)
    left = [place for place in range(len(questions)) if place not in found]
    finished = answer_all(loaded, [questions[place].ids for place in left], max_new_tokens=max_new_tokens)
    with journal.writing(kept) as add:
        for number, answer in track(finished, len(left), f"answers of {REFERENCE}"):
            found[left[number]] = answer.ids
            add({"index": left[number], "ids": answer.ids})
    return [found[place] for place in range(len(questions))]


def form_answers(
    form: ExportedForm,
    loaded: LoadedModel,
    questions: list[Question],
    max_new_tokens: int,
    settings: NumericsParams,
    journals: Path,
) -> list[list[int]]:
    """Return the token ids of the greedy answers of llama.cpp, without end tokens, in the order of the questions.

    :param form: the exported form that answers.
    :param loaded: the measured model, whose chat template, end tokens and prompts the form must have.
    :param settings: the numerics settings.
    :param journals: the folder of the journals.
    :raises UserError: when chat template, end tokens or the token ids of a prompt differ.
    :raises EngineError: when llama.cpp fails.
    """
    check_file(form, loaded.tokenizer, loaded.end_ids)
    files = {"model": form.model, "file": form.file}
    journal = Journal(journals / f"{form.name}.jsonl", _recipe(files, questions, max_new_tokens, loaded, settings))
    kept = journal.read() or []
    found = _ids(kept)
    left = [place for place in range(len(questions)) if place not in found]
    context = max(len(question.ids) for question in questions) + max_new_tokens + _SPARE_TOKENS
    greedy = SamplingSettings(max_new_tokens=max_new_tokens)
    process = form.start(context, settings.threads or cores())
    try:
        for question in questions:
            check_prompt(form, process, question.instruction, question.ids)
        with journal.writing(kept) as add:
            for place in track(left, len(left), f"answers of {form.name}"):
                request = completion_request(questions[place].ids, greedy, form.scales, repeatable=True)
                found[place] = whole_answer(process, request, loaded.end_ids)
                add({"index": place, "ids": found[place]})
    finally:
        process.close()
    return [found[place] for place in range(len(questions))]


def _recipe(
    files: dict[str, Path],
    questions: list[Question],
    max_new_tokens: int,
    loaded: LoadedModel,
    settings: NumericsParams,
) -> str:
    """Return the digest of everything that answers of llama.cpp depend on."""
    parameters = {"max_new_tokens": max_new_tokens, "end ids": sorted(loaded.end_ids), ENGINE: version(ENGINE)}
    # llama.cpp chooses its kernels by processor, whatever numerics.mode says; `strict` puts the processor in.
    by_processor = settings.model_copy(update={"mode": "strict"})
    return fingerprint(__name__, parameters=parameters, inputs=files | _asked(questions), numerics=by_processor).digest


def _asked(questions: list[Question]) -> dict[str, str]:
    return {"prompts": digest_bytes(dump_json([question.ids for question in questions]).encode())}


def _ids(rows: list[JsonObject]) -> dict[int, list[int]]:
    return {row["index"]: row["ids"] for row in rows}
