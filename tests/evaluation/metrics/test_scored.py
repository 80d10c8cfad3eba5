"""What is scored of an answer: its code where answers are code, the answer itself where they are text."""

import pytest

from codetune.evaluation.metrics.scored import expected_form, reading_report, scored_samples, scored_text
from codetune.evaluation.metrics.syntax import syntax_valid
from codetune.models.answer_form import format_completion
from tests.support.tables import sample

ADD = "def add(a, b):\n    return a + b"
BROKEN = "def add(a, b):\n    return (a +"
FENCED = f"```python\n{ADD}\n```"
BARE = (ADD, f"\n{ADD}\n\n", "    return a + b\n", "x = 1", BROKEN, f'"""\n```\n"""\n{ADD}')


@pytest.mark.parametrize("answer", BARE)
def test_answer_that_is_code_is_scored_as_it_stands(answer):
    assert scored_text(answer, "python") == answer
    assert (expected_form(answer, "bare"), expected_form(answer, "fenced")) == (1, 0)


@pytest.mark.parametrize("code", [*BARE, 'def f():\n    """\n    ````\n    f()\n    ````\n    """'])
@pytest.mark.parametrize("form", ["bare", "fenced"])
def test_what_is_taught_is_read_and_has_the_expected_form(code, form):
    assert scored_text(format_completion(code, form), "python") == code
    assert expected_form(f"\n{format_completion(code, form)}\n", form) == 1


@pytest.mark.parametrize(
    "answer",
    [
        f"Here it is:\n{FENCED}",
        f"{FENCED}\nIt adds.",
        FENCED.replace("python", ""),
        FENCED.replace("python", "py"),
        FENCED[:-3],
        f"{ADD}\n```",
        f"{FENCED}\n{FENCED}",
        f"So:\n{ADD}\nand it adds.",
    ],
)
def test_answer_in_markdown_scores_as_its_code_and_only_its_form_differs(answer):
    assert not syntax_valid(answer)
    assert scored_text(answer, "python") == ADD
    assert (expected_form(answer, "bare"), expected_form(answer, "fenced")) == (0, 0)


@pytest.mark.parametrize("answer", ["", " \n", "I do not know."])
def test_answer_without_code_is_scored_as_an_empty_one(answer):
    assert scored_text(answer, "python") == ""
    assert (expected_form(answer, "bare"), expected_form(answer, "fenced")) == (0, 0)


@pytest.mark.parametrize(("answer", "form"), [(f"Sure:\n```\n{ADD}\n```", 1), ("Guten Tag.", 1), ("", 0), (" \n", 0)])
def test_text_is_scored_as_it_stands(answer, form):
    assert scored_text(answer, "text") == answer
    assert expected_form(answer, "as_is") == form


def test_base_and_tuned_are_read_alike_and_the_samples_stay_as_they_are():
    samples = {"base": [sample(answer=FENCED)], "tuned": [sample(answer=FENCED), sample(answer=ADD)]}
    read = scored_samples(samples, "fenced")
    assert [row["answer"] for rows in read.values() for row in rows] == [ADD] * 3
    assert [row["expected_form"] for rows in read.values() for row in rows] == [1, 1, 0]
    assert samples["base"] == [sample(answer=FENCED)]


def test_answers_are_counted_by_form_and_by_reason():
    answers = [FENCED, ADD, "", "```json\n{}\n```", "I do not know."]
    assert reading_report({"base": [sample(answer=answer) for answer in answers], "tuned": []}) == {
        "base": {
            "forms": {"bare": 1, "fenced": 1, "none": 3},
            "no_code": {"blank": 1, "no_code": 1, "other_language": 1},
        },
        "tuned": {"forms": {}, "no_code": {}},
    }
