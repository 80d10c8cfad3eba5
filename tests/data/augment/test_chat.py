"""A chat model that rewords: which part it is given, and real code on a tiny random model."""

import pytest

from codetune import numerics
from codetune.core.errors import UserError
from codetune.core.files import read_jsonl
from codetune.data.augment.chat import DESCRIBE, REPHRASE, ChatParaphraser, one_text, split_instruction
from codetune.data.augment.rows import augment
from codetune.generation import batch
from codetune.models import prompt
from tests.data.augment.conftest import all_alike, make_params
from tests.support.tables import instruction_row

SAID = "Return the rows of `table` that are not empty."
ASKED = f"{SAID} Write a Python function `load(table)` that does this.\n\nExample:\n>>> load([[]])\n[]"


def row(identity="aaaa000000000001", instruction=ASKED):
    return instruction_row(identity, instruction=instruction, qualname="load", completion="def load(table):\n    ...")


def chat(folder, model, **changes):
    values = {"model": str(model), "temperature": 0.7, "max_tokens": 12}
    return ChatParaphraser(make_params(**{"method": "model", "chat": values, **changes}), folder)


@pytest.mark.parametrize(
    ("text", "before", "description"),
    [
        (ASKED, "", SAID),
        (f"{SAID}\n\nPlease write the Python function `load(table)`.", "", SAID),
        (f"{SAID} It is quick.\n\nWrite it as `load(table)`.", "", f"{SAID} It is quick."),
        ("Write a Python function `load` with parameter `table`. Return it.",
         "Write a Python function `load` with parameter `table`. ", "Return it."),
        ("Say what `load` does.", "", ""),
    ],
)  # fmt: skip
def test_the_description_is_what_stands_before_the_name(text, before, description):
    parts = split_instruction(text, "load")
    assert (parts.before, parts.description) == (before, description)
    assert parts.saying(description) == text
    assert parts.saying("Other words.").count("`load") == text.count("`load")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Give the rows.", "Give the rows."),
        ('\n"Give\nthe rows"\n\nI hope this helps.', "Give the rows."),
        ("", ""),
        ("To do this, follow these steps:\n\nFirst, read it.", None),
    ],
)
def test_the_first_paragraph_of_an_answer_counts(answer, text):
    assert one_text(answer) == text


@pytest.mark.parametrize(("method", "question"), [("model", REPHRASE), ("code_to_instruction", DESCRIBE)])
def test_the_model_is_asked_for_each_draft_with_a_seed_of_its_own(tiny_instruct, tmp_path, method, question):
    params = {"method": method, "per_row": 2, "max_attempts": 2}
    first, second = (chat(tmp_path / name, tiny_instruct, **params) for name in ("a", "b"))
    rows = [row(), row("bbbb000000000002", ASKED.replace("empty", "full"))]
    assert first._question(rows[0]) == question.format(description=SAID, code=rows[0]["completion"])
    first.prepare(rows)
    second.prepare(rows[::-1])
    said = [
        {line["index"]: line["text"] for line in read_jsonl(tmp_path / name / f"{method}.jsonl")} for name in ("a", "b")
    ]
    assert [said[0][at] for at in range(8)] == [said[1][(at + 4) % 8] for at in range(8)]
    assert len(set(said[0].values())) > 4
    drafts = [[drawer.draw(each["instruction"]).text for _ in range(4)] for drawer in (first, second) for each in rows]
    assert drafts[:2] == drafts[2:]
    assert all(text.endswith(ASKED.removeprefix(SAID)) for text in drafts[0])


def test_a_killed_run_goes_on(tiny_instruct, tmp_path, monkeypatch):
    chat(tmp_path / "whole", tiny_instruct).prepare([row()])
    expected = read_jsonl(tmp_path / "whole/model.jsonl")
    (tmp_path / "broken").mkdir()
    lines = (tmp_path / "whole/model.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "broken/model.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:9])
    asked = []
    real = batch.answer_all
    monkeypatch.setattr(
        batch, "answer_all", lambda loaded, prompts, **more: asked.extend(prompts) or real(loaded, prompts, **more)
    )
    chat(tmp_path / "broken", tiny_instruct).prepare([row()])
    assert len(asked) == len(expected) - 2 == 2
    found = read_jsonl(tmp_path / "broken/model.jsonl")
    assert sorted(found, key=lambda line: line["index"]) == sorted(expected, key=lambda line: line["index"])


def test_drafts_pass_the_gates_that_phrases_pass(tiny_instruct, tmp_path, monkeypatch):
    answers = [
        "Give back those rows of `table` which are not blank.",
        "Give back each row which is not blank.",
        SAID,
        "Drop.",
    ]
    monkeypatch.setattr(ChatParaphraser, "_answered", lambda *_: enumerate(answers * 2))
    rows = [row(), row("bbbb000000000002", f"{SAID} Write a Python function `load(path)` that does this.")]
    params = make_params(
        method="model", min_changes=1, chat={"model": str(tiny_instruct), "temperature": 0.7, "max_tokens": 12}
    )
    result = augment(rows, params, all_alike, paraphraser=ChatParaphraser(params, tmp_path))
    assert [made["instruction"] for made in result.paraphrases] == [
        each["instruction"].replace(SAID, answers[0]) for each in rows
    ]
    monkeypatch.setattr(ChatParaphraser, "_answered", lambda *_: enumerate(answers[1:] * 2))
    params = params.model_copy(update={"max_attempts": 3})
    result = augment(rows, params, all_alike, paraphraser=ChatParaphraser(params, tmp_path))
    assert result.paraphrases == []
    assert result.rejected == {"protected_changed": 4, "unchanged": 2}


def test_only_what_the_model_wrote_is_compared(tiny_instruct, tmp_path, monkeypatch):
    """The rest of the instruction is the same, and would make every answer look similar."""
    said = "The weather in `table` is not bad."
    monkeypatch.setattr(ChatParaphraser, "_answered", lambda *_: enumerate([said]))
    values = {"model": str(tiny_instruct), "temperature": 0.7, "max_tokens": 12}
    params = make_params(method="model", min_changes=1, max_attempts=1, chat=values)
    compared = []
    augment([row()], params, lambda pairs: compared.extend(pairs) or [0.0] * len(pairs),
            paraphraser=ChatParaphraser(params, tmp_path))  # fmt: skip
    assert compared == [(SAID, said)]


def test_an_answer_that_is_cut_is_left_out_and_counted(tiny_instruct, tmp_path, monkeypatch):
    """One whose first paragraph is whole is taken; after one that is cut the next draft is drawn."""
    said = "Give back those rows of `table` which are not blank."
    values = {"model": str(tiny_instruct), "temperature": 0.7, "max_tokens": 12}
    params = make_params(method="model", min_changes=1, chat=values)
    drawer, again = (ChatParaphraser(params, tmp_path) for _ in range(2))
    assert drawer._loaded is not again._loaded, "loaded before anything is replaced"
    found = [("Give back those rows of", "limit"), (f"{said}\n\nI hope", "limit"), (said, "end"), (said, "end")]
    monkeypatch.setattr(prompt, "completion_text", lambda _tokenizer, ids: found[ids[0]][0])
    monkeypatch.setattr(
        batch, "answer_all", lambda *_, **__: ((at, batch.Answer([at], ended)) for at, (_, ended) in enumerate(found))
    )
    result = augment([row()], params, all_alike, paraphraser=drawer)
    assert [made["instruction"] for made in result.paraphrases] == [ASKED.replace(SAID, said)]
    assert result.rejected == {"unfinished": 1}
    monkeypatch.setattr(batch, "answer_all", lambda _loaded, prompts, **_: iter([] if not prompts else [1 / 0]))
    assert augment([row()], params, all_alike, paraphraser=again).rejected == {"unfinished": 1}


def test_answers_of_another_mode_of_numerics_are_not_taken(tiny_instruct, tmp_path, monkeypatch):
    drawer = chat(tmp_path, tiny_instruct)
    here = drawer._recipe([[1]])
    monkeypatch.setattr(numerics, "fixed", lambda: numerics.NumericsParams(mode="fast", threads=0))
    assert drawer._recipe([[1]]) != here


def test_what_is_too_long_or_has_no_description_is_counted(tiny_instruct, tmp_path, monkeypatch):
    monkeypatch.setattr(ChatParaphraser, "_answered", lambda *_: iter(()))
    rows = [row(), row("bbbb000000000002", "Say what `load` does.")]
    params = make_params(method="model", chat={"model": str(tiny_instruct), "temperature": 0.7, "max_tokens": 12})
    result = augment(rows, params, all_alike, paraphraser=ChatParaphraser(params, tmp_path))
    assert result.rejected == {"too_long": 1, "nothing_to_change": 1}


def test_a_model_that_is_missing_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no file or folder no_such"):
        chat(tmp_path, "no_such/folder/of/it").prepare([row()])
