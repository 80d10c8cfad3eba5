"""Verdicts on answers, honest and wrong."""

import dataclasses
import sys

import pytest

from codetune.core.errors import UserError
from codetune.evaluation.problems.suites import Suite
from codetune.evaluation.sandbox import isolation as isolation_module
from codetune.evaluation.sandbox import limits as limits_module
from codetune.evaluation.sandbox.limits import Limits, calibrate_limits
from codetune.evaluation.sandbox.trial import run_against_tests
from tests.conftest import run_python


@pytest.mark.parametrize(
    ("source", "outcome", "detail"),
    [
        ("def f(x): return x + 1", "passed", ""),
        ("import math\ndef f(x): return math.floor(x) + 1", "passed", ""),
        ("def f(x): return x", "assertion", "wrong"),
        ("def f(x): return x.missing", "exception", "AttributeError"),
        ("class Own(Exception): pass\ndef f(x): raise Own", "exception", "Own"),
        ("def f(x): raise AssertionError", "exception", "AssertionError"),
        ("def f(x): raise MemoryError", "memory", ""),
        ("def f(x): return f(x)", "exception", "RecursionError"),
        ("raise ValueError", "exception", "ValueError"),
        ("def f(x) return x", "syntax", "SyntaxError"),
        ("def f(x): return '\0'", "syntax", ""),
        ("def g(x): return x + 1", "missing", "no function f"),
        ("f = 3", "missing", "no function f"),
    ],
)
def test_verdict_tells_why(isolation, limits, source, outcome, detail):
    found = run_against_tests(source, Suite("", ("f",), "assert f(1) == 2, 'wrong'"), isolation, limits)
    assert found.outcome == outcome
    assert found.detail.startswith(detail)


def test_the_python_inside_is_the_one_outside(isolation, limits):
    source = "import sys\ndef f(): return list(sys.version_info[:3])"
    tests = Suite("", ("f",), f"import sys\nassert f() == list(sys.version_info[:3]) == {list(sys.version_info[:3])}")
    assert run_against_tests(source, tests, isolation, limits).passed


@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        ("x = [3, 1]\nf(x)\nassert x == [1, 3]", "passed"),
        ("x = {'b': 1}\nassert f(x) is None and x == {'b': 1, 'a': 2}", "passed"),
        ("x = {1}\nf(x)\nassert x == {1, 5}", "passed"),
        ("try:\n    f(0)\nexcept TypeError as error:\n    assert 'int' in str(error)\nelse:\n    assert False", "passed"),
        ("try:\n    f(0)\nexcept KeyError:\n    pass", "exception"),
        ("f(lambda: 1)", "unaskable"),
        ("try:\n    f(object())\nexcept Exception:\n    pass", "unaskable"),
        ("import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as told: f([])\nassert told.getvalue() == 'empty\\n'", "passed"),
        ("assert f(x=[1]) is None", "passed"),
        ("undefined", "exception"),
        ("f([])\nassert known(f) == 'f'", "passed"),
        ("assert known(f) == 'f'", "unaskable"),
        ("f([0] * 10**6)", "unaskable"),
        ("while True: pass", "timeout"),
    ],
)  # fmt: skip
def test_tests_see_what_a_call_does(isolation, limits, tests, outcome):
    source = """
def f(x):
    if not x: print("empty") if x == [] else len(x)
    elif type(x) is list: x.sort()
    elif type(x) is dict: x["a"] = 2
    else: x.add(5)
"""
    asked = Suite("def known(g): return g.__name__", ("f",), tests)
    assert run_against_tests(source, asked, isolation, limits).outcome == outcome


def test_sets_are_in_the_same_order_each_time(isolation, limits):
    program = "print(list(map(str, {*'abcdefgh'})))"
    told = run_python("-c", program, PYTHONHASHSEED="0")
    source = "def f(letters): return list(map(str, letters))"
    for tests in (f"assert f({{*'abcdefgh'}}) == {told.stdout}", f"assert list({{*'abcdefgh'}}) == {told.stdout}"):
        asked = Suite("def g(): pass", ("f",), f"f([])\n{tests}")
        assert run_against_tests(source, asked, isolation, limits).outcome == "passed"


def test_long_answers_and_long_tests_are_run(isolation, limits):
    source = "TEXT = " + repr("x" * (3 << 20)) + "\ndef f(x): return len(TEXT) + x"
    tests = f"assert f(1) == {(3 << 20) + 1}, {'y' * (3 << 20)!r}"
    assert run_against_tests(source, Suite("", ("f",), tests), isolation, limits).outcome == "passed"


def test_limits_grow_on_a_slower_machine_and_never_shrink(isolation, monkeypatch):
    limits = Limits(cpu_s=2, wall_s=20)
    monkeypatch.setattr(limits_module, "_measured", lambda *_: limits_module._NOMINAL_S * 2)
    assert calibrate_limits(limits, isolation) == dataclasses.replace(limits, cpu_s=4, wall_s=40)
    monkeypatch.setattr(limits_module, "_measured", lambda *_: limits_module._NOMINAL_S / 3)
    assert calibrate_limits(limits, isolation) == limits


def test_work_is_measured_in_the_sandbox(isolation):
    assert 0.005 < limits_module._measured(Limits(), isolation) < 5


def test_machine_without_isolation_is_refused(monkeypatch):
    isolation_module.find_isolation.cache_clear()
    monkeypatch.setattr(isolation_module.shutil, "which", lambda _: None)
    with pytest.raises(
        UserError, match=r"cannot be isolated .*bwrap is not installed; unshare: unshare is not installed"
    ):
        isolation_module.find_isolation()


def test_broken_isolation_is_refused(monkeypatch):
    isolation_module.find_isolation.cache_clear()
    broken = [
        dataclasses.replace(way, wrap=lambda command, _: ["false", *command]) for way in isolation_module.ISOLATIONS
    ]
    monkeypatch.setattr(isolation_module, "ISOLATIONS", broken)
    with pytest.raises(UserError, match="bubblewrap ended with status 1"):
        isolation_module.find_isolation()
    isolation_module.find_isolation.cache_clear()
