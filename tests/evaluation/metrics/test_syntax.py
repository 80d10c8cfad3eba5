import warnings

import pytest

from codetune.evaluation.metrics.syntax import syntax_valid


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        ("def f(x):\n    return x", 1),
        ("    def f(self):\n        return self.x", 1),
        ("return x", 1),  # parsed, not compiled: a body alone is well-formed
        ("x = '\\d'", 1),  # an odd escape is a warning
        ("", 0),
        ("  \n\n", 0),
        ("# only a comment", 0),
        ("def f(x):", 0),
        ("def f(x)\n    return x", 0),
        ("  x = 1\n y = 2", 0),
        ("print 'x'", 0),
        ("x = '", 0),
        ("x = 1\x00", 0),
        ("x = '\ud800'", 0),
        ("(" * 500 + ")" * 500, 0),
        ("-" * 100_000 + "1", 0),
        ("x" + ".y" * 50_000, 0),
    ],
    ids=range(17),
)
def test_whether_an_answer_parses(answer, valid):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert syntax_valid(answer) == valid
