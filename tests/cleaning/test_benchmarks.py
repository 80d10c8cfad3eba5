"""Solutions of benchmarks are functions without docstring, and rows that are one of them are found."""

import json

import pytest

from codetune.cleaning.benchmarks import BenchmarkIndex, ShingleIndex, Task, read_benchmark
from codetune.cleaning.minhash import hashed
from codetune.cleaning.pairs import judge_row
from tests.clean_params import clean_params
from tests.tables import raw_row

PROMPT = 'from typing import List\n\n\ndef helper(x):\n    return x + 1\n\n\ndef best(values: List[int]) -> int:\n    """Say.\n\n    >>> best([1])\n    1\n    """\n'
BODY = (
    "    top = values[0]\n    for value in values:\n        if value > top:\n            top = value\n    return top\n"
)
BEST = f"def best(values: List[int]) -> int:\n{BODY.rstrip()}"


@pytest.fixture
def tasks(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps({"task_id": "HumanEval/35", "prompt": PROMPT, "canonical_solution": BODY}) + "\n")
    return read_benchmark(path)


def test_functions_are_taken_out_of_a_solution(tasks):
    assert tasks == [Task("HumanEval/35", "def helper(x):\n    return x + 1"), Task("HumanEval/35", BEST)]


def marks(code):
    documented = code.replace(":\n", ':\n    """Say the best one."""\n', 1)
    return judge_row(raw_row(code=documented, docstring="Say the best one."), clean_params()).fingerprint


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (BEST, ("HumanEval/35", 1.0)),
        (BEST.replace("top", "largest").replace("best", "most"), ("HumanEval/35", 1.0)),
        (BEST.replace("return top", "result = top\n    return result"), "near"),
        (BEST.replace("if value > top", "if value.of(top) and not top.of(value, 1, 2, 3, 4, 5, 6, 7, 8)"), None),
    ],
)
def test_matches(tasks, code, found):
    match = BenchmarkIndex(tasks, 0.6).match(marks(code))
    if found == "near":
        assert match[0] == "HumanEval/35"
        assert 0.6 <= match[1] < 1
    else:
        assert match == found


def test_the_nearest_set_is_found_by_jaccard():
    index = ShingleIndex([("a", hashed({"1", "2", "3"})), ("b", hashed({"3", "4"})), ("c", hashed({"9"}))])
    assert index.nearest(hashed({"2", "3"}), 0.5) == ("a", 0.6667)
    assert index.nearest(hashed({"3", "4", "5"}), 0.5) == ("b", 0.6667)
    assert index.nearest(hashed({"3"}), 0.6) is None
    assert index.nearest(hashed({"7"}), 0.1) is None
