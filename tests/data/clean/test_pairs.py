"""Rows of tables: code must parse and have the lengths of code, text need not."""

import pytest

from codetune.data.clean.filters import Candidate
from codetune.data.clean.pairs import judge_row
from codetune.data.clean.reasons import Drop
from tests.support.clean_params import clean_params
from tests.support.tables import pair_row, raw_row

PARAMS = clean_params()
TEXT = PARAMS.model_copy(update={"task": "text"})
CODE = "def add(a, b):\n    total = a + b\n    return total"
SECRET = "AKIA" + "IOSFODNN7REALKEY"


def pair(completion: str, instruction: str = "Add two numbers.") -> dict:
    return pair_row(completion=completion, instruction=instruction)


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (CODE, CODE),
        (f"```python\n{CODE}\n```", CODE),
        (f"```\n{CODE}\n```\n", CODE),
        ("    first = [1, 2, 3, 4]\n    return first", "    first = [1, 2, 3, 4]\n    return first"),
    ],
)
def test_code_is_kept(completion, expected):
    result = judge_row(pair(completion), PARAMS)
    assert isinstance(result, Candidate)
    assert (result.instruction, result.completion) == ("Add two numbers.", expected)


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("The sum of a and b.", "syntax_error"),
        (f"Here it is:\n```python\n{CODE}\n```", "syntax_error"),
        (f"```python\n{CODE}\n```\nor\n```python\n{CODE}\n```", "syntax_error"),
        ("function add(a, b) { return a + b }", "syntax_error"),
        ("x = " + "-" * 100_000 + "1", "too_deep"),
        ("return a", "code_too_short"),
        (CODE + "\n" * 40 + "print(add(1, 2))", "code_too_long"),
        (f"{CODE}\nkey = '{SECRET}'\n", "secret"),
    ],
)
def test_code_is_dropped(completion, reason):
    result = judge_row(pair(completion), PARAMS)
    assert isinstance(result, Drop)
    assert result.reason == reason


@pytest.mark.parametrize("completion", ["Guten Tag", "def add(:", "ja", "x" * 5000])
def test_text_is_not_checked_as_code(completion):
    result = judge_row(pair(completion, "Good day"), TEXT)
    assert isinstance(result, Candidate)
    assert result.completion == completion


def test_text_with_a_secret_is_dropped():
    assert judge_row(pair(f"key {SECRET}"), TEXT) == Drop("secret")


def test_text_is_the_same_when_question_and_answer_are():
    same = [
        judge_row(pair(answer, asked), TEXT).fingerprint.tree
        for asked, answer in (("Good  day", "Guten Tag"), ("good day", "guten\ntag"))
    ]
    assert same[0] == same[1]
    assert judge_row(pair("Guten Tag", "Hello"), TEXT).fingerprint.tree != same[0]


def test_a_function_too_deep_to_walk_is_dropped():
    code = f'def f(a):\n    """Return the nested value."""\n    b = {"+".join(["a"] * 1500)}\n    return b'
    row = raw_row(docstring="Return the nested value.", code=code)
    result = judge_row(row, PARAMS.model_copy(update={"max_tokens": 10_000}))
    assert result == Drop("too_deep")


@pytest.mark.parametrize(("params", "answer"), [(PARAMS, CODE), (TEXT, "Good day")])
def test_what_a_reviewer_found_in_a_pair_counts(params, answer):
    review = {"id": "a" * 16, "verdict": "complete", "text": "Give a float."}
    assert judge_row(pair(answer), params, review=review).instruction == "Add two numbers. Give a float."
    review |= {"verdict": "drop"}
    assert judge_row(pair(answer), params, review=review) == Drop("reviewed", found="Give a float.")
