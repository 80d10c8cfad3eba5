"""Solutions of benchmarks are functions without docstring, and rows that are one of them are found."""

import json
import random
import textwrap

import numpy as np
import pytest

from codetune.data.clean import benchmarks
from codetune.data.clean.benchmarks import (
    BenchmarkIndex,
    ContainedIndex,
    ProblemIndex,
    ShingleIndex,
    Task,
    read_benchmark,
)
from codetune.data.clean.duplicates import jaccard
from codetune.data.clean.pairs import judge_row
from codetune.data.clean.shingle_hashes import hashed
from tests.support.clean_params import clean_params
from tests.support.tables import pair_row, raw_row

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
        (
            BEST.replace("if value > top", "if value.of(top)")
            .replace("top = v", "top = 1, 2, 3, v")
            .replace("in values", "in set(values)"),
            None,
        ),
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
    sets = [("a", hashed({"1", "2", "3"})), ("b", hashed({"3", "4"})), ("c", hashed({"9"}))]
    index = ShingleIndex(sets, 0.5)
    assert index.nearest(hashed({"2", "3"})) == ("a", 0.6667)
    assert index.nearest(hashed({"3", "4", "5"})) == ("b", 0.6667)
    assert ShingleIndex(sets, 0.6).nearest(hashed({"3"})) is None
    assert ShingleIndex(sets, 0.1).nearest(hashed({"7"})) is None
    assert index.nearest(hashed(frozenset())) is None


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.7, 0.8, 1.0])
def test_the_nearest_set_is_that_of_comparing_all(threshold):
    draw = random.Random(3)
    texts = [frozenset(map(str, draw.sample(range(30), draw.randint(1, 20)))) for _ in range(400)]
    texts += draw.sample(texts, 20)
    sets = [(f"{number:03}", hashed(text)) for number, text in enumerate(texts[:200])]
    index = ShingleIndex(sets, threshold)
    found = 0
    for text in texts[200:]:
        best, name = max((jaccard(text, other), f"{number:03}") for number, other in enumerate(texts[:200]))
        expected = (name, round(best, 4)) if best >= threshold else None
        assert index.nearest(hashed(text)) == expected
        found += expected is not None
    assert found > 5


def test_what_all_sets_share_is_not_looked_up():
    frame = [f"frame {number}" for number in range(30)]
    sets = [(str(row), hashed(frozenset([*frame, *(f"{row} {number}" for number in range(10))]))) for row in range(50)]
    index = ShingleIndex(sets[1:], 0.7)
    assert index.nearest(sets[0][1]) is None
    assert not any(index._for_larger.keys() & set(hashed(frozenset(frame)).tolist()))


OTHER = "def show(table):\n    for name, row in sorted(table.items()):\n        print(name, ', '.join(map(str, row)))"
MAIN = "if __name__ == '__main__':\n    rows = {'one': [1, 2], 'two': [3, 4]}\n    for name in rows:\n        print(name, rows[name], len(rows))"
METHOD = textwrap.indent(BEST.replace("(values", "(self, values"), "    ")
LONGER = {
    "with a main block": f"{BEST}\n\n\n{MAIN}",
    "with a main block, renamed": f"{BEST}\n\n\n{MAIN}".replace("top", "largest").replace("value", "item"),
    "beside a helper": f"{OTHER}\n\n\n{BEST}",
    "in a class": f"class Solution:\n{METHOD}",
    "in a class, renamed": f"class Solution:\n{METHOD}".replace("top", "largest").replace("best", "most"),
    "in a class, changed": f"class Solution:\n{METHOD}".replace("return top", "return self.kept(top)"),
    "static in a class": "class Solution:\n    @staticmethod\n" + textwrap.indent(BEST.replace("top", "largest"), "    "),
    "in a function": f"def outer(rows):\n{textwrap.indent(BEST, '    ')}\n    return [best(row) for row in rows if row is not None]",
    "in a branch": f"import sys\n\nif sys.argv:\n{textwrap.indent(BEST, '    ')}\nprint(best([int(each) for each in sys.argv[1:]]))",
}  # fmt: skip


def pair_marks(code):
    return judge_row(pair_row(completion=code, instruction="Say the best one."), clean_params()).fingerprint


@pytest.mark.parametrize("code", LONGER.values(), ids=LONGER)
def test_a_solution_in_a_longer_answer_is_found(tasks, code):
    name, similarity = BenchmarkIndex(tasks, 0.7).match(pair_marks(code))
    assert name == "HumanEval/35"
    assert 0.7 <= similarity <= 1


def test_a_solution_in_a_class_is_found_in_a_bare_function(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps({"task_id": 1, "text": "Say.", "code": LONGER["in a class"]}) + "\n")
    assert BenchmarkIndex(read_benchmark(path), 0.9).match(pair_marks(BEST.replace("top", "it"))) == ("1", 1.0)


@pytest.mark.parametrize("code", [OTHER, MAIN, "class A:\n    def get(self):\n        return self.x + 1"])
def test_other_code_is_no_solution(tasks, code):
    assert BenchmarkIndex(tasks, 0.7).match(pair_marks(f"{code}\n\n\n{OTHER}")) is None


@pytest.mark.parametrize("code", LONGER.values(), ids=LONGER)
@pytest.mark.parametrize("is_long", [False, True])
def test_a_row_that_holds_a_function_of_test_gives_it_away(code, is_long):
    index = ProblemIndex([("test", pair_marks(code if is_long else BEST))], (), clean_params())
    assert index.match(pair_marks(OTHER)) is None
    if is_long and code in (LONGER["in a class, changed"], LONGER["in a function"]):
        return  # the function that is asked for is another one
    match, threshold = index.match(pair_marks(BEST if is_long else code))
    assert match.id == "test"
    assert match.similarity >= threshold == 0.7


def test_a_frame_that_many_rows_share_gives_none_away():
    frame = "\n".join(f"    source = reading.step_{number}(source, version)" for number in range(9))
    own = "\n".join("    found.part_{0}_%d(source).also_{0}(version)" % line for line in range(4))  # noqa: UP031
    rows = [(str(number), pair_marks(f"def f(source):\n{frame}\n{own.format(number)}\n")) for number in range(60)]
    index = ProblemIndex(rows, (), clean_params())
    assert index.match(pair_marks(f"def f(source):\n{frame}\n{own.format('other')}\n")) is None
    copied = f"def f(source):\n    print(source)\n{own.format(7)}\n"
    assert index.match(pair_marks(copied))[0].id == "7"
    few = ProblemIndex(rows[:40], (), clean_params())
    assert few.match(pair_marks(f"def f(source):\n{frame}\n{own.format('other')}\n")) is not None


def test_every_set_that_is_contained_is_found_whatever_all_share():
    draw = random.Random(7)
    frame = range(30)
    own = {str(name): {*frame, *draw.sample(range(100, 10_000), 20)} for name in range(300)}
    index = ContainedIndex([(name, np.array(sorted(each), np.uint64)) for name, each in own.items()], 0.7)
    for name, each in own.items():
        held = draw.sample(sorted(each), 35)
        others = draw.sample(range(20_000, 30_000), 60)
        assert index.nearest(np.array(sorted({*held, *others}), np.uint64)) == (name, 0.7)
    assert index.nearest(np.array(sorted({*frame, *range(20_000, 20_100)}), np.uint64)) is None
    assert max(len(places) for places in index._places.values()) <= 5, "the frame is not looked up"


@pytest.mark.parametrize("kind", [ContainedIndex, ShingleIndex])
def test_a_row_is_not_compared_with_all_sets_that_share_its_frame(kind, monkeypatch):
    frame = list(range(100, 180))
    sets = [(f"{number:04}", np.array([*frame, 1000 + number, 2000 + number], np.uint64)) for number in range(500)]
    compared = []
    for name in ("contained_shares", "jaccards"):
        own = getattr(benchmarks, name)
        monkeypatch.setattr(benchmarks, name, lambda row, others, own=own: compared.append(others) or own(row, others))
    index = kind([*sets, *((f"more {name}", own + np.uint64(9000)) for name, own in sets)], 0.7)
    assert index.nearest(np.array(frame, np.uint64))[1] == round(80 / 82, 4)
    assert [len(some) for some in compared] == [256]
