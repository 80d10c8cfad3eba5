"""Programs rather than texts are compared."""

import pytest

from codetune.evaluation.metrics.bertscore import Scores
from codetune.evaluation.metrics.code_bertscore import f3, normalized
from codetune.evaluation.metrics.matching import Matcher
from codetune.evaluation.metrics.table import score_answer
from tests.evaluation.metrics.test_table import BASELINE

REFERENCE = "def total(values):\n    found = 0\n    for value in values:\n        found += value\n    return found"
SAME = '''
    def total(values: list) -> int:
        """Add up."""
        # one by one
        s: int = 0
        for v in values: s += v
        return (s)
'''


def test_what_does_not_matter_to_python_is_taken_away():
    assert normalized(SAME) == normalized(REFERENCE)
    assert normalized(REFERENCE).startswith("def total(values):\n    v0 = 0\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [("x = 'a'", 'x = "a"'), ("class A:\n    'doc'\n    x: int\n    y: int = 1", "class A:\n    x: str\n    y = 1"),
     ("def f():\n    'doc'", "def f(): pass")],
)  # fmt: skip
def test_quotes_documentation_and_annotations_do_not_matter(one, other):
    if "x: int" in one:
        assert normalized(one) == "class A:\n    x: int\n    y = 1"
    else:
        assert normalized(one) == normalized(other)


@pytest.mark.parametrize("code", ["", " \n", "# nothing", "def f(", "x = '\0'", "(" * 1000])
def test_what_is_no_program_has_no_form(code):
    assert normalized(code) is None


def test_weights_are_those_of_f3():
    assert f3(Scores(0.5, 1.0, 0.0)) == pytest.approx(10 * 0.5 / (4.5 + 1))
    assert f3(Scores(1.0, 0.5, 0.0)) < f3(Scores(0.5, 1.0, 0.0)), "recall weighs more"
    assert f3(Scores(0.0, 0.0, 0.0)) == 0.0


def test_same_program_scores_1_and_what_does_not_parse_the_least(minilm):
    other = REFERENCE.replace("+=", "-=")
    broken = REFERENCE.replace("values):", "values")
    matcher = Matcher(minilm)
    found = {
        text: score_answer({"answer": text, "reference": REFERENCE, "stopped": True}, matcher, BASELINE)
        for text in (SAME, other, broken)
    }
    scores = [found[text]["code_bertscore"] for text in (SAME, other, broken)]
    assert scores[0] == pytest.approx(1.0, abs=1e-5)
    assert 0.5 < scores[1] < 0.9999
    assert scores[2] == pytest.approx(-0.25 / 0.75, abs=1e-6), "where a raw 0 comes to lie"
    assert found[SAME]["bertscore_f1"] < 0.95, "the texts differ"
