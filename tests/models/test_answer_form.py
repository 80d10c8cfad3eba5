"""What params.yaml says about the form of answers, and a completion written in it."""

import pytest

from codetune.core.errors import UserError
from codetune.models.answer_form import format_completion, load_task, load_taught_form, taught_form

ADD = "def add(a, b):\n    return a + b"


@pytest.mark.parametrize(
    ("completion", "form", "text"),
    [
        (ADD, "bare", ADD),
        (ADD, "as_is", ADD),
        (ADD, "fenced", f"```python\n{ADD}\n```"),
        ('"""\n```\n"""', "fenced", '````python\n"""\n```\n"""\n````'),
        ("x = '```'", "fenced", "````python\nx = '```'\n````"),
    ],
)
def test_a_completion_as_it_is_taught(completion, form, text):
    assert format_completion(completion, form) == text


def test_text_is_taught_as_it_is_whatever_the_form_of_code():
    assert [taught_form(task, "fenced") for task in ("python", "text")] == ["fenced", "as_is"]


def params(folder, text):
    path = folder / "params.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("task", "form", "taught"), [("python", "bare", "bare"), ("text", "bare", "as_is")])
def test_both_parameters_are_read_and_the_rest_is_left_to_their_stages(tmp_path, task, form, taught):
    path = params(tmp_path, f"clean: {{task: {task}, x: 1}}\ntrain: {{answer_form: {form}, y: 2}}\n")
    assert (load_task(path), load_taught_form(path)) == (task, taught)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clean: {task: prose}\ntrain: {answer_form: bare}\n", "clean.task: found 'prose' .*'python' or 'text'"),
        ("clean: {}\ntrain: {answer_form: quoted}\n", "train.answer_form: found 'quoted' .*'fenced' or 'bare'"),
        ("clean: {}\ntrain: {}\n", "train.answer_form: missing"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, text, problem):
    with pytest.raises(UserError, match=problem):
        load_taught_form(params(tmp_path, text))
