"""Problems as HumanEval and MBPP write them, and functions with examples in their docstrings."""

import gzip
import json
from typing import Any

import pytest

from codetune.core.errors import UserError
from codetune.evaluation.problems.reading import COMPLETE, doctest_problem, read_answers, read_problems

HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": 'def double(x):\n    """Twice x."""\n',
    "entry_point": "double",
    "canonical_solution": "    return 2 * x\n",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n",
}
MBPP = {
    "task_id": 11,
    "text": "Write a function that adds.",
    "code": "import math\ndef helper(x):\n    return x\ndef add(x, y):\n    return helper(x) + y",
    "test_list": ["assert add(1, 2) == 3", "assert add(math.inf, 2) == math.inf"],
    "test_setup_code": "import math",
}


def written(path, *rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_both_formats_are_read(tmp_path):
    first, second = read_problems(written(tmp_path / "a.jsonl", HUMANEVAL, "", MBPP))
    assert first.id == "HumanEval/0"
    assert first.source("    return 3\n") == HUMANEVAL["prompt"] + "    return 3\n"
    assert first.reference == HUMANEVAL["prompt"] + HUMANEVAL["canonical_solution"]
    assert first.tests.preamble == HUMANEVAL["prompt"]
    assert first.tests.tests.endswith("check(double)\n")
    assert (second.id, second.start, second.reference) == ("11", "", MBPP["code"])
    assert second.tests.names == ("add",), "what the tests do not call stays with the answer"
    assert "import math" in second.tests.preamble


BODY, WHOLE = "    return 2 * x\n", "def double(x):\n    return 2 * x\n"


@pytest.mark.parametrize(
    "answer",
    [
        BODY,
        f"\n{BODY}",
        WHOLE,
        f"```python\n{WHOLE}```",
        f"Here it is:\n\n```python\n{WHOLE}```\nIt doubles.",
        f"```python\n{WHOLE}",
        f"Here it is:\n\n{WHOLE}",
        f"{WHOLE}```\nIt doubles.",
        f"```\n{BODY}```",
        f"The body:\n```python\n{BODY.lstrip()}```",
        f"{BODY}```\nIt doubles.",
        f"{BODY}```\nUse:\n```python\nprint(double(1))\n```",
        f"```python\n{HUMANEVAL['prompt']}{BODY}\nassert double(1) == 2\n```",
    ],
)
def test_answer_to_a_head_becomes_a_source(tmp_path, answer):
    [problem] = read_problems(written(tmp_path / "a.jsonl", HUMANEVAL))
    names: dict[str, Any] = {}
    exec(problem.source(answer), names)  # noqa: S102 - written above
    assert names["double"](2) == 4


def test_whole_function_finds_what_the_head_holds(tmp_path):
    prompt = 'from math import sqrt\n\n\ndef one():\n    return 1\n\n\ndef root(x):\n    """The root of x."""\n'
    [problem] = read_problems(written(tmp_path / "a.jsonl", {**HUMANEVAL, "prompt": prompt, "entry_point": "root"}))
    names: dict[str, Any] = {}
    exec(problem.source("```python\ndef root(x):\n    return one() * sqrt(x)\n```"), names)  # noqa: S102 - written above
    assert names["root"](4) == 2


def test_a_body_is_indented_and_its_strings_are_not(tmp_path):
    (problem, *_) = read_problems(written(tmp_path / "b.jsonl", HUMANEVAL))
    source = problem.source('```python\ntext = """\nso\n"""\nreturn text\n```')
    assert source.endswith('\n    text = """\nso\n"""\n    return text')


@pytest.mark.parametrize(
    "answer",
    ["    return (\n", "    x = 1\n    y = (", "", "No.", "```python\ndef double(\n```", "I cannot.\n\nimport this"],
)
def test_answer_that_is_wrong_stays_as_it_stands(tmp_path, answer):
    [problem] = read_problems(written(tmp_path / "a.jsonl", HUMANEVAL))
    assert problem.source(answer) == problem.start + answer


@pytest.mark.parametrize(
    ("answer", "source"), [("x = 1\n", "x = 1\n"), ("Sure:\n```python\nx = 1\n```", "x = 1"), ("I cannot.", "")]
)
def test_answer_to_words_is_read_out_of_markdown(tmp_path, answer, source):
    [problem] = read_problems(written(tmp_path / "a.jsonl", MBPP))
    assert problem.source(answer) == source


def test_a_head_is_asked_for_in_a_fenced_block_and_words_as_they_are(tmp_path):
    head, words = read_problems(written(tmp_path / "a.jsonl", HUMANEVAL, MBPP))
    assert head.question == f"{COMPLETE}\n\n```python\n{HUMANEVAL['prompt']}```"
    assert words.question == words.instruction
    assert words.question.startswith(MBPP["text"])


def test_gzipped_file_is_read(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(HUMANEVAL).encode()))
    assert [problem.id for problem in read_problems(path)] == ["HumanEval/0"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["{"], r"a.jsonl:1 is not JSON: Expecting property name"),
        (["[1]"], r"a.jsonl, item 1 is not a valid problem"),
        (["[1"], r"a.jsonl is not JSON"),
        (["1"], r"a.jsonl:1 is not a valid problem"),
        ([HUMANEVAL, {"task_id": 1}], r"a.jsonl:2 is not a valid problem: KeyError\('code'\)"),
        ([{**MBPP, "code": "def add(:"}], r"a.jsonl:1 is not a valid problem: SyntaxError"),
        ([{**MBPP, "code": "x = 1"}], r"the tests call no function of the code"),
        ([HUMANEVAL, HUMANEVAL], r"a.jsonl:2: task HumanEval/0 occurs twice"),
        ([], r"a.jsonl contains no problems"),
    ],
)
def test_file_that_is_none_is_refused(tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        read_problems(written(tmp_path / "a.jsonl", *rows))


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_problems(tmp_path / "none.jsonl.gz")
    (tmp_path / "bad.jsonl.gz").write_bytes(gzip.compress(b"{}")[:-9])
    with pytest.raises(UserError, match="cannot be read"):
        read_problems(tmp_path / "bad.jsonl.gz")


def test_answers_are_kept_in_order(tmp_path):
    problems = read_problems(written(tmp_path / "a.jsonl", HUMANEVAL, MBPP))
    rows = [{"task_id": 11, "completion": text} for text in "ab"]
    assert read_answers(written(tmp_path / "b.jsonl", *rows), problems) == {"HumanEval/0": [], "11": ["a", "b"]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"task_id": "12", "completion": ""}, "b.jsonl:1 answers task 12, which is not one of the problems"),
        ({"task_id": "11"}, r"b.jsonl:1 is not a valid answer: KeyError\('completion'\)"),
        ({"task_id": "11", "completion": 3}, "b.jsonl:1: expected text in completion, found int"),
        ("11", "b.jsonl:1 is not a valid answer"),
    ],
)
def test_answer_that_is_none_is_refused(tmp_path, row, message):
    problems = read_problems(written(tmp_path / "a.jsonl", MBPP))
    with pytest.raises(UserError, match=message):
        read_answers(written(tmp_path / "b.jsonl", row), problems)


@pytest.mark.parametrize(
    "code",
    [
        'def f(x):\n    """No example."""\n    return x\n',
        "def f(x):\n    return x\n",
        'def f(self):\n    """One.\n\n    >>> f()\n    1\n    """\n',
        "x = 1",
        "",
        "def f(",
    ],
)
def test_function_without_examples_has_no_tests(code):
    assert doctest_problem("a", code) is None


def test_a_list_with_a_byte_order_mark_is_read_as_lines_are(tmp_path):
    path = tmp_path / "sanitized.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([MBPP, HUMANEVAL]).encode())
    problems = read_problems(path)
    assert [each.id for each in problems] == ["11", "HumanEval/0"]
    answers = tmp_path / "answers.json"
    answers.write_bytes(b"\xef\xbb\xbf" + json.dumps([{"task_id": 11, "completion": "a"}]).encode())
    assert read_answers(answers, problems)["11"] == ["a"]


def test_a_string_of_an_answer_is_not_indented(tmp_path):
    [problem] = read_problems(written(tmp_path / "a.jsonl", HUMANEVAL))
    assert "'a\u2028b'" in problem.source("The body:\n```python\nreturn 'a\u2028b'\n```")
