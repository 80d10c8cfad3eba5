"""The generate stage, whole, on a slice."""

from dataclasses import replace

import pytest
import torch

from codetune.core.errors import UserError
from codetune.core.files import digest_file, read_json, read_jsonl, write_jsonl
from codetune.evaluation.problems.reading import read_problems
from codetune.evaluation.problems.sets import unpack_answer
from codetune.generation import batch
from codetune.generation.params import GenerateParams
from codetune.models.load import load_model
from codetune.models.params import ModelParams
from codetune.models.prompt import completion_text, prompt_ids
from codetune.numerics import NumericsParams
from stages import generate
from tests.conftest import make_adapter
from tests.evaluation.problems.test_reading import HUMANEVAL, written
from tests.support.tables import held_out_problem

KEYS = ["id", "group", "path", "qualname", "instruction", "reference", "answer", "tokens", "stopped", "ended"]


SETTINGS = {
    "seed": 7, "max_prompts": 10, "benchmark_prompts": 1, "reworded_prompts": 3, "max_new_tokens": 12, "batch_size": 4,
    "stop": "code", "device": "cpu",
}  # fmt: skip


def params(base, **changes):
    return generate.Params(
        GenerateParams(**(SETTINGS | changes)),
        ModelParams(base=str(base), revision=None),
        NumericsParams(mode="portable", threads=1),
    )


@pytest.fixture
def inputs(instruction_rows, tmp_path, tiny_adapter):
    names = ("test", "problems", "verified", "reworded")
    paths = generate.Inputs(
        **{name: tmp_path / f"{name}.jsonl" for name in names}, benchmarks=tmp_path / "none", adapter=tiny_adapter
    )
    write_jsonl(paths.test, instruction_rows)
    write_jsonl(paths.problems, [])
    write_jsonl(paths.verified, [])
    # Every other row has a paraphrase.
    other = [
        row | {"id": row["id"][::-1], "parent": row["id"], "instruction": f"Please. {row['instruction']}"}
        for row in instruction_rows[::2]
    ]
    write_jsonl(paths.reworded, other)
    return paths


@pytest.fixture
def outputs(tmp_path):
    return generate.Outputs(tmp_path / "samples", tmp_path / "journals")


def test_both_variants_answer_the_same_prompts(tiny_base, inputs, outputs, instruction_rows):
    reports = [generate.run(params(tiny_base), inputs, outputs, variant) for variant in ("base", "tuned")]
    base, tuned = (read_jsonl(outputs.samples / f"{variant}.jsonl") for variant in ("base", "tuned"))
    assert [list(sample) for sample in base + tuned] == [KEYS] * 20
    assert [sample["id"] for sample in base] == [sample["id"] for sample in tuned]
    assert [sample["answer"] for sample in base] != [sample["answer"] for sample in tuned]
    rows = {row["id"]: row for row in instruction_rows}
    assert all(sample["reference"] == rows[sample["id"]]["completion"] for sample in base)
    assert len({sample["group"] for sample in base}) == 4
    worded = [row["id"] in {other["parent"] for other in read_jsonl(inputs.reworded)} for row in base]
    no_words = worded[: [place for place, known in enumerate(worded) if known][2]].count(False)
    assert no_words > 0
    for variant, samples, report in zip(("base", "tuned"), (base, tuned), reports, strict=True):
        assert report == read_json(outputs.samples / f"{variant}.summary.json")
        assert report == {
            "prompts": 10,
            "prompt": "### Instruction:\n{instruction}\n\n### Response:\n",
            "skipped": {"too_long": 0},
            "problems": {"candidates": 0, "verified": 0},
            "benchmarks": {},
            "reworded": {"prompts": 3, "skipped": {"too_long": 0, "no_other_words": no_words}},
            "groups": 4,
            "tokens": sum(sample["tokens"] for sample in samples),
            "stopped": sum(sample["stopped"] for sample in samples),
            "ended": {why: sum(sample["ended"] == why for sample in samples) for why in ("end", "code", "limit")},
            "device": "cpu",
            "dtype": "float32",
            "numerics": "portable",
        }
        assert all(sample["tokens"] == 12 or sample["stopped"] for sample in samples)


def test_an_answer_is_what_the_model_says_to_the_prompt(tiny_base, inputs, outputs):
    generate.run(params(tiny_base), inputs, outputs, "base")
    sample = read_jsonl(outputs.samples / "base.jsonl")[3]
    loaded = load_model(tiny_base)
    text = f"### Instruction:\n{sample['instruction']}\n\n### Response:\n"
    ids = torch.tensor([loaded.tokenizer(text, add_special_tokens=False)["input_ids"]])
    output = loaded.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
    assert sample["answer"] == completion_text(loaded.tokenizer, output[0, ids.shape[1] :].tolist())


def test_some_prompts_are_asked_again_in_other_words(tiny_base, inputs, outputs, instruction_rows):
    for variant in ("base", "tuned"):
        generate.run(params(tiny_base), inputs, outputs, variant)
    samples, again, tuned = (
        read_jsonl(outputs.samples / f"{name}.jsonl") for name in ("base", "base.reworded", "tuned.reworded")
    )
    worded = {row["id"] for row in instruction_rows[::2]}
    assert [row["id"] for row in again] == [row["id"] for row in samples if row["id"] in worded][:3]
    assert [row["id"] for row in again] == [row["id"] for row in tuned]
    originals = {row["id"]: row for row in samples}
    for row in again:
        assert row["instruction"] == f"Please. {originals[row['id']]['instruction']}"
        assert row["reference"] == originals[row["id"]]["reference"]
    assert [row["answer"] for row in again] != [originals[row["id"]]["answer"] for row in again]


def test_prompts_that_became_too_long_are_counted(tiny_base, inputs, outputs, instruction_rows):
    wordy = [
        row | {"id": row["id"][::-1], "parent": row["id"], "instruction": "Please. " * 200 + row["instruction"]}
        for row in instruction_rows
    ]
    write_jsonl(inputs.reworded, wordy)
    report = generate.run(params(tiny_base, max_prompts=5), inputs, outputs, "base")
    assert report["reworded"] == {"prompts": 0, "skipped": {"too_long": 5, "no_other_words": 0}}


def test_verified_problems_are_the_prompts_where_there_are_any(tiny_base, inputs, outputs, instruction_rows, capsys):
    ids = [row["id"] for row in instruction_rows[:4]]
    write_jsonl(inputs.problems, [held_out_problem(name) for name in ids])
    # The last is listed with the digest of what it was before; another is not listed.
    listed = [{"id": ids[0], "digest": ids[0][::-1]}, {"id": ids[2], "digest": ids[2][::-1]}]
    write_jsonl(inputs.verified, [*listed, {"id": ids[3], "digest": "0" * 16}, {"id": "f" * 16, "digest": "0" * 16}])
    report = generate.run(params(tiny_base), inputs, outputs, "base")
    assert report["problems"] == {"candidates": 4, "verified": 2}
    assert sorted(row["id"] for row in read_jsonl(outputs.samples / "base.jsonl")) == sorted([ids[0], ids[2]])
    assert "held-out problems" not in capsys.readouterr().err
    write_jsonl(inputs.verified, [])
    assert generate.run(params(tiny_base), inputs, outputs, "base")["problems"] == {"candidates": 4, "verified": 0}
    assert "generate: none of the 4 held-out problems is listed in" in capsys.readouterr().err


def test_benchmarks_are_asked_and_their_texts_are_not_repeated(tiny_base, inputs, outputs, monkeypatch):
    more = {**HUMANEVAL, "task_id": "HumanEval/1", "prompt": "import math\n\n" + HUMANEVAL["prompt"]}
    long = {**HUMANEVAL, "task_id": "HumanEval/2", "prompt": HUMANEVAL["prompt"].replace("Twice", "Twice " * 3000)}
    inputs.benchmarks.mkdir()
    written(inputs.benchmarks / "mine.jsonl", HUMANEVAL, more, long)
    said = f"```python\n{HUMANEVAL['prompt']}    return 2 * x + 1\n```"
    monkeypatch.setattr(generate, "completion_text", lambda *_: said)
    report = generate.run(params(tiny_base, benchmark_prompts=0), inputs, outputs, "base")
    assert report["benchmarks"] == {"mine": {"prompts": 2, "skipped": {"too_long": 1}}}
    first, second = rows = read_jsonl(outputs.samples / "base.benchmarks.jsonl")
    assert [(row["set"], row["task_id"]) for row in rows] == [("mine", "HumanEval/0"), ("mine", "HumanEval/1")]
    text = (outputs.samples / "base.benchmarks.jsonl").read_text()
    assert "    return 2 * x + 1" in text
    assert "Twice x." not in text
    assert "def double" not in text
    problems = read_problems(inputs.benchmarks / "mine.jsonl")
    assert [unpack_answer(row, problem) for row, problem in zip(rows, problems, strict=False)] == [said, said]
    assert unpack_answer(first, problems[1]) is unpack_answer(second, problems[0]) is None
    few = generate.run(params(tiny_base), inputs, outputs, "base")
    assert few["benchmarks"]["mine"]["prompts"] + few["benchmarks"]["mine"]["skipped"]["too_long"] == 1
    prose = generate.run(replace(params(tiny_base), task="text"), inputs, outputs, "base")
    assert (prose["benchmarks"], prose["prompts"]) == ({}, 10), "where answers are prose nothing is asked for code"


def test_no_prompt_need_be_asked_again(tiny_base, inputs, outputs):
    report = generate.run(params(tiny_base, reworded_prompts=0), inputs, outputs, "base")
    assert report["reworded"] == {"prompts": 0, "skipped": {"too_long": 0, "no_other_words": 0}}
    assert read_jsonl(outputs.samples / "base.reworded.jsonl") == []


def test_prompts_without_room_for_an_answer_are_counted(tiny_base, inputs, outputs, instruction_rows):
    tokenizer = load_model(tiny_base).tokenizer
    lengths = sorted(len(prompt_ids(tokenizer, row["instruction"])) for row in instruction_rows)
    longest = lengths[2]
    report = generate.run(params(tiny_base, max_new_tokens=512 - longest, max_prompts=2), inputs, outputs, "base")
    assert report["skipped"] == {"too_long": sum(length > longest for length in lengths)}
    assert report["prompts"] == 2


@pytest.mark.parametrize(("arguments", "expected"), [("base", "base"), ("tuned", "tuned")])
def test_the_variant_comes_from_the_command_line(arguments, expected):
    assert generate.parse_variant(arguments) == expected


@pytest.mark.parametrize("arguments", ["", "tunde", "base tuned"])
def test_an_unknown_variant_is_named(arguments):
    with pytest.raises(UserError, match="base or tuned, found"):
        generate.parse_variant(arguments)


def test_a_missing_adapter_is_one_clear_line(tiny_base, inputs, outputs, tmp_path):
    with pytest.raises(UserError, match=r"no adapter_config\.json and no adapter_model"):
        generate.run(params(tiny_base), replace(inputs, adapter=tmp_path / "none"), outputs, "tuned")
    assert not outputs.samples.exists()


def test_an_interrupt_leaves_the_previous_answers(tiny_base, inputs, outputs, monkeypatch):
    generate.run(params(tiny_base), inputs, outputs, "base")
    before = digest_file(outputs.samples / "base.jsonl")

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "_release", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate.run(params(tiny_base, seed=8), inputs, outputs, "base")
    assert digest_file(outputs.samples / "base.jsonl") == before


class KilledError(Exception):
    pass


def killed_after(answers, monkeypatch):
    """Have the run end after some answers; the number of prompts that each run asks for."""
    asked = []
    whole = batch.answer_all

    def broken(loaded, prompts, **settings):
        asked.append(len(prompts))
        for count, finished in enumerate(whole(loaded, prompts, **settings)):
            if len(asked) == 1 and count == answers:
                raise KilledError
            yield finished

    monkeypatch.setattr(generate, "answer_all", broken)
    return asked


def test_a_killed_run_goes_on_to_the_same_bytes(tiny_base, inputs, outputs, monkeypatch):
    generate.run(params(tiny_base), inputs, outputs, "tuned")
    whole = {path.name: path.read_bytes() for path in outputs.samples.iterdir()}
    assert not list(outputs.journals.iterdir())
    asked = killed_after(6, monkeypatch)
    with pytest.raises(KilledError):
        generate.run(params(tiny_base), inputs, outputs, "tuned")
    journal = outputs.journals / "tuned.jsonl"
    journal.write_bytes(journal.read_bytes()[:-7])  # the last line broke off
    generate.run(params(tiny_base), inputs, outputs, "tuned")
    assert asked == [13, 13 - 5]
    assert {path.name: path.read_bytes() for path in outputs.samples.iterdir()} == whole
    assert not journal.exists()


@pytest.mark.parametrize("changes", [{"max_new_tokens": 11}, {"seed": 8}])
def test_answers_of_other_settings_are_asked_for_anew(tiny_base, inputs, outputs, monkeypatch, changes):
    asked = killed_after(6, monkeypatch)
    with pytest.raises(KilledError):
        generate.run(params(tiny_base), inputs, outputs, "tuned")
    generate.run(params(tiny_base, **changes), inputs, outputs, "tuned")
    assert asked == [13, 13]


def test_answers_of_another_adapter_are_asked_for_anew(tiny_base, inputs, outputs, monkeypatch, tmp_path):
    asked = killed_after(6, monkeypatch)
    with pytest.raises(KilledError):
        generate.run(params(tiny_base), inputs, outputs, "tuned")
    other = replace(inputs, adapter=make_adapter(tiny_base, tmp_path / "adapter", seed=8))
    generate.run(params(tiny_base), other, outputs, "tuned")
    assert asked == [13, 13]


FENCED = "Here it is:\n\n```python\ndef f(x):\n    return x\n```\n"


@pytest.mark.parametrize(
    ("changes", "task", "expected"),
    [
        ({}, "python", {"end": 0, "code": 13, "limit": 0}),
        ({"stop": "end"}, "python", {"end": 0, "code": 0, "limit": 13}),
        ({}, "text", {"end": 0, "code": 0, "limit": 13}),
    ],
)
def test_an_answer_ends_with_its_code(tiny_base, inputs, outputs, monkeypatch, changes, task, expected):
    said = iter(load_model(tiny_base).tokenizer(FENCED + "That is all. " * 30, add_special_tokens=False)["input_ids"])
    script = list(said)

    def say(model, cache, rows):
        for row in rows:
            row.ids.append(script[len(row.ids)])

    monkeypatch.setattr(batch, "_advance", say)
    asked = replace(params(tiny_base, max_new_tokens=len(script), **changes), task=task)
    report = generate.run(asked, inputs, outputs, "base")
    samples = [*read_jsonl(outputs.samples / "base.jsonl"), *read_jsonl(outputs.samples / "base.reworded.jsonl")]
    found = {why: sum(sample["ended"] == why for sample in samples) for why in expected}
    assert found == expected
    assert report["stopped"] == (10 if expected["code"] else 0)
    assert {sample["answer"].startswith(FENCED.rstrip("\n")) for sample in samples} == {True}
    assert {"That is all" in sample["answer"] for sample in samples} == {not expected["code"]}


def test_cuda_is_asked_for_where_there_is_none(tiny_base, inputs, outputs, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"generate\.device: expected a CUDA device, found none"):
        generate.run(params(tiny_base, device="cuda"), inputs, outputs, "base")
