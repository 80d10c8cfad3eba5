"""What is scored of an answer: its code where answers are code, the answer itself where they are text."""

import pytest

from codetune.scoring.scored import expected_form, scored_samples, scored_text
from codetune.scoring.syntax import syntax_valid
from tests.tables import sample

ADD = "def add(a, b):\n    return a + b"
BARE = (ADD, f"\n{ADD}\n\n", "    return a + b\n", "x = 1", f'"""\n```\n"""\n{ADD}')


@pytest.mark.parametrize("answer", BARE)
def test_answer_that_is_code_is_scored_as_it_stands(answer):
    assert scored_text(answer, "python") == answer
    assert expected_form(answer, "python") == 1


@pytest.mark.parametrize(
    "answer",
    [f"```python\n{ADD}\n```", f"Here it is:\n```\n{ADD}\n```\nIt adds.", f"{ADD}\n```", f"So:\n{ADD}\nand it adds."],
)
def test_answer_in_markdown_scores_as_its_code_and_only_its_form_differs(answer):
    assert not syntax_valid(answer)
    assert scored_text(answer, "python") == ADD
    assert expected_form(answer, "python") == 0


@pytest.mark.parametrize("answer", ["", " \n", "I do not know."])
def test_answer_without_code_is_scored_as_an_empty_one(answer):
    assert scored_text(answer, "python") == ""
    assert expected_form(answer, "python") == 0


@pytest.mark.parametrize(("answer", "form"), [(f"Sure:\n```\n{ADD}\n```", 1), ("Guten Tag.", 1), ("", 0), (" \n", 0)])
def test_text_is_scored_as_it_stands(answer, form):
    assert scored_text(answer, "text") == answer
    assert expected_form(answer, "text") == form


def test_base_and_tuned_are_read_alike_and_the_samples_stay_as_they_are():
    fenced = f"```python\n{ADD}\n```"
    samples = {"base": [sample(answer=fenced)], "tuned": [sample(answer=fenced), sample(answer=ADD)]}
    read = scored_samples(samples, "python")
    assert [row["answer"] for rows in read.values() for row in rows] == [ADD] * 3
    assert [row["expected_form"] for rows in read.values() for row in rows] == [0, 0, 1]
    assert samples["base"] == [sample(answer=fenced)]
