"""Examples run beside the answer and compared outside, by the rules of `doctest` itself."""

import doctest
import io
import textwrap

import pytest

from codetune.evaluation.problems.suites import Example, Examples, parse_examples
from codetune.evaluation.sandbox.comparing import example_passes
from codetune.evaluation.sandbox.trial import run_against_tests

SOURCE = """
class Own(Exception):
    pass

class Point:
    def __init__(self, x): self.x = x
    def __repr__(self): return f"Point({self.x})"

def f(x=None):
    if x == "print": print("a  b\\n\\nc")
    elif x == "own": raise Own("it is mine")
    elif x == "value": raise ValueError("first\\nsecond")
    elif x == "both": print("before"); raise KeyError("k")
    elif x == "point": return Point(3)
    elif x == "generator": return (number for number in range(3))
    elif x == "apply": return lambda function, *values: [function(value) for value in values]
    elif x == "long": return list(range(100))
    elif x == "float": return 0.1 + 0.2
    elif x == "text": return "ä\\u2028"
"""
EXAMPLES = {
    "value": ">>> f('point')\nPoint(3)",
    "wrong value": ">>> f('point')\nPoint(4)",
    "attribute": ">>> f('point').x + 1\n4",
    "nothing": ">>> f()",
    "nothing, but something is wanted": ">>> f()\nNone",
    "something, but nothing is wanted": ">>> f('point')",
    "generator": ">>> list(f('generator'))\n[0, 1, 2]",
    "generator kept": ">>> g = f('generator')\n>>> next(g), next(g)\n(0, 1)\n>>> next(g)\n2",
    "lambda": ">>> f('apply')(lambda x: x * 2, 1, 2)\n[2, 4]",
    "function of the examples": ">>> def twice(x):\n...     return 2 * x\n>>> f('apply')(twice, 4)\n[8]",
    "loop": ">>> for x in f('generator'):\n...     print(x)\n0\n1\n2",
    "last value": ">>> f('point').x\n3\n>>> _ + 1\n4",
    "blank line": ">>> f('print')\na  b\n<BLANKLINE>\nc",
    "blank line that is none": ">>> f('print')\na  b\n<BLANKLINE>\n<BLANKLINE>\nc",
    "other white space": ">>> f('print')\na b\n<BLANKLINE>\nc",
    "white space does not matter": ">>> f('print') # doctest: +NORMALIZE_WHITESPACE\na b c",
    "ellipsis": ">>> f('long') # doctest: +ELLIPSIS\n[0, 1, ..., 99]",
    "ellipsis that is not asked for": ">>> f('long')\n[0, 1, ..., 99]",
    "exception": ">>> f('both')\nTraceback (most recent call last):\n    ...\nKeyError: 'k'",
    "exception of another message": ">>> f('both')\nTraceback (most recent call last):\n    ...\nKeyError: 'l'",
    "exception of another class": ">>> f('both')\nTraceback (most recent call last):\n    ...\nValueError: 'k'",
    "exception whose message does not matter":
        ">>> f('both') # doctest: +IGNORE_EXCEPTION_DETAIL\nTraceback (most recent call last):\n    ...\nKeyError: 'l'",
    "exception of another module":
        ">>> f('both') # doctest: +IGNORE_EXCEPTION_DETAIL\nTraceback (most recent call last):\n    ...\nbuiltin.KeyError",
    "class that does matter":
        ">>> f('both') # doctest: +IGNORE_EXCEPTION_DETAIL\nTraceback (most recent call last):\n    ...\nValueError: 'k'",
    "exception of several lines": ">>> f('value')\nTraceback (most recent call last):\n    ...\nValueError: first\nsecond",
    "exception with an ellipsis":
        ">>> f('both') # doctest: +ELLIPSIS\nTraceback (most recent call last):\n    ...\nKeyError: ...",
    "no exception": ">>> f()\nTraceback (most recent call last):\n    ...\nKeyError: 'k'",
    "exception that nobody wants": ">>> f('both')\nbefore",
    "class of the answer's own": ">>> f('own')\nTraceback (most recent call last):\n    ...\nOwn: it is mine",
    "syntax error": ">>> f(\nTraceback (most recent call last):\n    ...\nSyntaxError: '(' was never closed",
    "name that nobody knows": ">>> g()\nTraceback (most recent call last):\n    ...\nNameError: name 'g' is not defined",
    "number": ">>> f('float') # doctest: +ELLIPSIS\n0.3...",
    "true for one": ">>> f('generator') is not None\n1",
    "true for one that does not count": ">>> f('generator') is not None # doctest: +DONT_ACCEPT_TRUE_FOR_1\n1",
    "letters": ">>> f('text')\n'ä\\u2028'",
    "the first of two fails": ">>> f('point')\n1\n>>> f('point')\nPoint(3)",
    "exit": ">>> import sys\n>>> sys.exit(3)\nTraceback (most recent call last):\n    ...\nSystemExit: 3",
    "skipped beside another": ">>> f('point') # doctest: +SKIP\n1\n>>> f('point')\nPoint(3)",
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_verdict_is_that_of_doctest(any_isolation, limits, name):
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(SOURCE, namespace)  # noqa: S102 - written above
    test = doctest.DocTestParser().get_doctest(EXAMPLES[name], namespace, name, None, 0)
    failed = doctest.DocTestRunner(verbose=False).run(test, out=io.StringIO().write).failed
    found = run_against_tests(SOURCE, Examples("", ("f",), parse_examples(EXAMPLES[name])), any_isolation, limits)
    assert found.passed is not bool(failed), found


@pytest.mark.parametrize(
    ("source", "examples", "outcome", "detail"),
    [
        ("def f(x): return x", ">>> f(1)\n2\n", "assertion", "f(1)"),
        ("def f(x): return x.y", ">>> f(1)\n2\n", "exception", "AttributeError"),
        ("def f(x): return 'x' * 10**10", ">>> f(1)\n2\n", "memory", ""),
        ("def f(x) return x", ">>> f(1)\n2\n", "syntax", "SyntaxError"),
        ("def f(x) -> Unknown: return x", ">>> f(1)\n1\n", "exception", "NameError"),
        ("def g(x): return x", ">>> f(1)\n2\n", "missing", "no function f"),
        ("def f(x): return x", ">>> f(1) # doctest: +SKIP\n2\n", "unaskable", "no example decides"),
        ("def f(x): return x", "No example.", "unaskable", "no example decides"),
    ],
)
def test_verdict_tells_why(any_isolation, limits, source, examples, outcome, detail):
    found = run_against_tests(source, Examples("", ("f",), parse_examples(examples)), any_isolation, limits)
    assert (found.outcome, found.detail[: len(detail)]) == (outcome, detail)


def test_setup_runs_first_and_what_is_shown_does_not_decide(any_isolation, limits):
    setup = "from collections import Counter\nf = None\n"
    examples = (
        Example("letters = f(Counter('aab'))", "something else\n", decides=False),
        Example("letters['a'], Counter.__name__", "(2, 'Counter')", ()),
    )
    suite = Examples(setup, ("f",), examples)
    assert run_against_tests("def f(x): return x", suite, any_isolation, limits).passed
    assert run_against_tests("Counter = 3\ndef f(x): return x", suite, any_isolation, limits).passed, (
        "names are its own"
    )
    assert run_against_tests("def f(x): return {}", suite, any_isolation, limits).outcome == "exception"
    broken = Examples("import nothing", ("f",), examples)
    found = run_against_tests("def f(x): return x", broken, any_isolation, limits)
    assert (found.outcome, found.detail) == ("unaskable", "the set-up of the examples: ModuleNotFoundError")


def test_order_of_hashes_is_chosen(any_isolation, limits):
    suite = Examples("", ("f",), parse_examples(">>> print(f())\n{'a', 'b', 'c'}\n"))
    source = "def f(): return set('abc')"
    outcomes = {run_against_tests(source, suite, any_isolation, limits, seed).outcome for seed in range(12)}
    assert outcomes == {"passed", "assertion"}


def test_what_must_be_printed_does_not_enter_the_sandbox(any_isolation, limits, monkeypatch):
    from codetune.evaluation.sandbox.process import Process

    sent = []
    monkeypatch.setattr(Process, "send", lambda self, message: (sent.append(message), self._channel.send(message))[1])
    suite = Examples("", ("f",), parse_examples(">>> f(1)\n'a secret'\n"))
    assert run_against_tests("def f(x): return 'a secr' + 'et'", suite, any_isolation, limits).passed
    assert len(sent) == 2
    assert "a secret" not in repr(sent)


def test_a_reply_is_compared_as_it_is():
    example = Example("f(1)", "1\n", ("ELLIPSIS", "OTHER_VERSIONS_FLAG"))
    assert example_passes(example, {"printed": "1\n"})
    assert not example_passes(example, {"printed": "1\n", "raised": "ValueError", "last_line": "1\n"})
    assert not example_passes(Example("f(1)", ""), {"printed": textwrap.dedent("x\n")})
