"""Programs with one change each."""

import ast
import difflib
import random

from codetune.evaluation.validity.mutants import KINDS, mutants

SOURCE = """
def f(values, low=0):
    total = low
    for value in values:
        if value > 3 and value != low:
            total += max(value, 2)
    print("done")
    return total * 2
"""


def made(count=1000, seed=1, source=SOURCE):
    return list(mutants(ast.parse(source), count, random.Random(seed)))


def test_each_differs_in_one_line_from_the_function():
    plain = ast.unparse(ast.parse(SOURCE)).split("\n")
    for _, source in made():
        ast.parse(source)
        changed = [line for line in difflib.ndiff(plain, source.split("\n")) if line[0] in "+-"]
        assert len(changed) == 2, changed


def test_every_kind_is_made():
    assert {kind for kind, _ in made()} == set(KINDS)


def test_kinds_change_what_they_say():
    found = {kind: [source for other, source in made() if other == kind] for kind in KINDS}
    assert any("value >= 3" in source for source in found["comparison"])
    assert any("total -= max" in source for source in found["arithmetic"])
    assert any("value > 3 or value != low" in source for source in found["logic"])
    assert any("if not (" in source for source in found["condition"])
    assert any("value > 4" in source for source in found["constant"])
    assert any("'donex'" in source for source in found["constant"])
    assert [source.endswith("return None") for source in found["return"]] == [True]
    assert any("print" not in source for source in found["statement"])
    assert any("max(2, value)" in source for source in found["arguments"])


def test_draw_decides_which():
    few = made(4)
    assert len(few) == 4
    assert made(4) == few
    assert made(4, seed=2) != few
    assert set(few) < set(made())


def test_function_with_nothing_to_change_has_none():
    assert made(source="def f(x):\n    pass") == []
