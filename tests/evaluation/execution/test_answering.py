"""A model's answers to problems: drawn from seeds, kept as they come, and cut where the function ends."""

import json
import shutil
from dataclasses import replace

import pytest
from tokenizers.processors import TemplateProcessing

from codetune.core.errors import UserError
from codetune.evaluation.execution import answering
from codetune.evaluation.execution.answering import AnswerSettings, answer_problems
from codetune.evaluation.problems.reading import read_answers, read_problems
from codetune.generation import batch
from codetune.generation.sampling import SamplingSettings
from codetune.models.load import load_tokenizer
from tests.evaluation.problems.test_reading import HUMANEVAL, MBPP, written


@pytest.fixture
def problems(tmp_path):
    longer = HUMANEVAL | {"task_id": "HumanEval/2", "prompt": HUMANEVAL["prompt"] * 2}
    return read_problems(written(tmp_path / "problems.jsonl", HUMANEVAL, longer, MBPP))


@pytest.fixture
def asking(tiny_base):
    return AnswerSettings(str(tiny_base), None, 2, SamplingSettings(temperature=1.0, max_new_tokens=24))


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_problem_is_answered_as_often_as_asked(problems, asking, tmp_path):
    output = tmp_path / "answers.jsonl"
    assert answer_problems(problems, asking, output) == 6
    found = rows(output)
    assert [(row["task_id"], row["sample"]) for row in found] == [
        (problem.id, number) for problem in problems for number in (0, 1)
    ]
    assert len({row["completion"] for row in found}) == 6
    assert {task: len(given) for task, given in read_answers(output, problems).items()} == dict.fromkeys(
        [problem.id for problem in problems], 2
    )


def test_answer_that_goes_on_after_the_function_is_cut(problems, asking, tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "completion_text", lambda *_: "\n    return 1\n\n\ndef other():\n    pass\n")
    answer_problems(problems, asking, tmp_path / "answers.jsonl")
    found = {row["task_id"]: row["completion"] for row in rows(tmp_path / "answers.jsonl")}
    assert found["HumanEval/0"] == "\n    return 1\n\n\n"
    assert found["11"].endswith("pass\n"), "an answer to words may be several functions"


def test_nothing_is_written_after_the_function(problems, asking, tmp_path, monkeypatch):
    tokenizer = load_tokenizer(asking.model)
    script = tokenizer("\n    return 1\n\n\ndef other():\n    pass\n", add_special_tokens=False)["input_ids"]
    steps = {}

    def say(_model, _cache, rows):
        for row in rows:
            row.ids.append(script[len(row.ids)])
            steps[row.index] = len(row.ids)

    monkeypatch.setattr(batch, "_advance", say)
    answer_problems(problems, replace(asking, sampling=SamplingSettings(temperature=1.0, max_new_tokens=len(script))),
                    tmp_path / "answers.jsonl")  # fmt: skip
    found = rows(tmp_path / "answers.jsonl")
    for place, row in enumerate(found):
        ended = row["task_id"] != "11"
        assert row["stopped"] is ended
        assert ("other" in row["completion"]) is not ended
        text = tokenizer.decode(script[: steps[place]])
        assert text.rstrip().endswith("pass") is not ended


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("\n    return x\n", "\n    return x\n"),
        ("\n    return x\n\n\ndef g():\n    pass\n", "\n    return x\n\n\n"),
        ("\n    return x", "\n    return x"),
        ("\nreturn x", "\n"),
        ("", ""),
    ],
)
def test_a_function_ends_where_the_text_goes_left(answer, body):
    assert answering._function_text(answer) == body


def test_killed_run_goes_on_to_the_same_answers(problems, asking, tmp_path):
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    answer_problems(problems, asking, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    broken.write_bytes(b"".join([lines[4], lines[1], lines[3][:-9]]))
    assert answer_problems(problems, asking, broken) == 4
    assert broken.read_bytes() == whole.read_bytes()
    assert answer_problems(problems, asking, broken) == 0
    more = AnswerSettings(asking.model, None, 3, asking.sampling)
    assert answer_problems(problems, more, broken) == 3
    assert [row for row in rows(broken) if row["sample"] < 2] == rows(whole)
    assert answer_problems(problems, asking, broken) == 0
    assert len(rows(broken)) == 9, "what was asked for before is kept"


def test_answers_of_other_settings_are_not_mixed(problems, asking, tmp_path, tiny_adapter):
    output = tmp_path / "answers.jsonl"
    answer_problems(problems, asking, output)
    output.write_bytes(output.read_bytes().rstrip(b"\n"))  # as an editor may leave it
    before = output.read_bytes()
    other = AnswerSettings(asking.model, None, 2, SamplingSettings(temperature=0.5, max_new_tokens=24))
    tuned = replace(asking, adapter=tiny_adapter)
    for question, asked in ((problems, other), (problems[:2], asking), (problems, tuned)):
        with pytest.raises(UserError, match="answers of another model, other settings or other problems"):
            answer_problems(question, asked, output)
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("samples", "settings", "message"),
    [
        (2, {}, "all samples of a problem would be equal"),
        (1, {"max_new_tokens": 100_000}, r"task HumanEval/0 has \d+ tokens"),
    ],
)
def test_what_cannot_be_asked_is_refused(problems, tiny_base, tmp_path, samples, settings, message):
    with pytest.raises(UserError, match=message):
        answer_problems(
            problems, AnswerSettings(str(tiny_base), None, samples, SamplingSettings(**settings)), tmp_path / "a.jsonl"
        )


def test_place_that_cannot_be_written_is_named(problems, asking, tmp_path):
    for place in (tmp_path / "none" / "answers.jsonl", tmp_path):
        with pytest.raises(UserError, match="expected a file in an existing folder"):
            answer_problems(problems, asking, place)


@pytest.mark.parametrize("content", ["not JSON", "not JSON\n", "# A list\n\n- without an end"])
def test_file_of_something_else_is_left_as_it_is(problems, asking, tmp_path, content):
    other = tmp_path / "notes.md"
    other.write_text(content)
    with pytest.raises(UserError, match=r"notes\.md"):
        answer_problems(problems, asking, other)
    assert other.read_text() == content


def test_command_answers(tmp_path, tiny_base, call):
    path = written(tmp_path / "problems.jsonl", HUMANEVAL)
    output = tmp_path / "answers.jsonl"
    options = ("--model", tiny_base, "--max-new-tokens", 8)
    told = call("answer", path, output, *options)
    assert told.returncode == 0, told.stderr
    assert "1 answers generated" in told.stdout
    assert f"codetune execute {path} {output}" in told.stdout
    assert len(rows(output)) == 1


def test_head_of_a_function_begins_as_every_text_of_a_training(problems, tiny_base, tmp_path, monkeypatch):
    base, prompts = shutil.copytree(tiny_base, tmp_path / "base"), []
    tokenizer = load_tokenizer(base)
    tokenizer.add_special_tokens({"bos_token": "<|end|>"})
    begin = tokenizer.bos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|end|> $A", special_tokens=[("<|end|>", begin)]
    )
    tokenizer.save_pretrained(base)
    monkeypatch.setattr(answering, "answer_all", lambda _loaded, new, **_settings: prompts.extend(new) or ())
    answer_problems(problems, AnswerSettings(str(base), None, 1, SamplingSettings()), tmp_path / "answers.jsonl")
    assert [ids[:2].count(begin) for ids in prompts] == [1] * len(problems), "of heads and of words alike"
