"""Answers tried whole, with the library and as a person does on the command line; and pass@k by its definition."""

import itertools
import json
from dataclasses import replace

import pytest
from scipy.stats import binomtest

from codetune.cli.execution import results_text
from codetune.core.errors import UserError
from codetune.evaluation.execution.trials import AnswerResults, mean_pass_at_k, missing_modules, pass_at_k, run_answers
from codetune.evaluation.problems.reading import Problem, doctest_problem
from codetune.evaluation.problems.suites import Suite
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.sandbox.packages import package_paths
from codetune.evaluation.sandbox.trial import TestResult as Verdict
from tests.conftest import run_python
from tests.evaluation.problems.test_reading import HUMANEVAL, MBPP, written


def command(*arguments):
    return run_python("-m", "codetune", "execute", *arguments, check=False)


def test_problem_whose_reference_fails_has_no_say(any_isolation):
    broken = Problem("broken", "", "def f(): return 1", Suite("", ("f",), "assert f() == 2"))
    sound = Problem("sound", "def f():\n", "def f(): return 1", Suite("", ("f",), "assert f() == 1"))
    answers = {"broken": ["def f(): return 2"], "sound": ["    return 1", "    return 2", "    return 1"]}
    tried = run_answers([broken, sound], answers, any_isolation, Limits(cpu_s=1))
    assert [one.outcome for one in tried.verdicts["sound"]] == ["passed", "assertion", "passed"]
    assert list(tried.verdicts) == ["sound"]
    report = tried.report([1, 2, 4])
    assert report["unusable"] == {"broken": "assertion"}
    assert (report["problems"], report["answers"], report["unanswered"]) == (1, 3, 0)
    assert report["pass@1"] == pytest.approx(2 / 3, abs=1e-4)
    assert report["pass@2"] == 1.0
    assert report["pass@4"] is None
    assert report["outcomes"] == {"assertion": 1, "passed": 2}
    assert "interval" not in report, "several answers to a problem are no independent trials"
    assert report["isolation"] == any_isolation.name


def test_examples_of_a_docstring_are_tests(any_isolation):
    code = '''def f(x):
    """Tell and double.

    >>> f(2)
    two
    4
    >>> f([])
    Traceback (most recent call last):
        ...
    ValueError: nothing
    """
    if not x:
        raise ValueError("nothing")
    print("two")
    return 2 * x
'''
    problem = doctest_problem("a", code)
    answers = [code, code.replace("2 * x", "x"), code.replace('"two"', '"three"'), code.replace("nothing", "none")]
    verdicts = run_answers([problem], {"a": answers}, any_isolation, Limits(cpu_s=1)).verdicts["a"]
    assert [one.outcome for one in verdicts] == ["passed", "assertion", "assertion", "exception"]


def test_examples_that_are_skipped_prove_nothing(any_isolation):
    code = 'def f(x):\n    """Double.\n\n    >>> f(2)  # doctest: +SKIP\n    4\n    """\n    return 2 * x\n'
    tried = run_answers([doctest_problem("a", code)], {"a": ["def f(x): return 0"]}, any_isolation, Limits(cpu_s=1))
    assert tried.verdicts == {}
    assert tried.unusable["a"].outcome == "unaskable"


PLUS = Problem(
    "plus",
    "def double(x):\n",
    "def double(x):\n    return 2 * x\n",
    Suite(
        "",
        ("double",),
        "import numpy as np\n\n\ndef check(f):\n    assert np.allclose(f(0.5), 1.0)\n\n\ncheck(double)\n",
    ),
)


def test_tests_that_need_a_package_name_it_and_run_where_it_is_let_in(any_isolation):
    answers = {"plus": ["    return x + x", "    return x", "    import numpy\n    return float(numpy.add(x, x))"]}
    tried = run_answers([PLUS], answers, any_isolation, Limits())
    assert tried.verdicts == {}
    assert tried.needed == tried.report([1])["needed"] == {"plus": ["numpy"]}
    assert "`--package numpy`" in results_text(tried.report([1]))
    let_in = replace(any_isolation, packages=package_paths(["numpy"]))
    tried = run_answers([PLUS], answers, let_in, Limits())
    assert [one.outcome for one in tried.verdicts["plus"]] == ["passed", "assertion", "passed"]
    assert "needed" not in tried.report([1])


def test_what_is_standard_or_let_in_is_not_missing():
    tests = Suite("import os.path, pandas.io as p", ("f",), "from scipy import stats\nfrom . import here")
    problem = Problem("a", "", "import numpy\ndef f(): return 1", tests)
    assert missing_modules(problem, frozenset({"numpy"})) == ["pandas", "scipy"]


def test_packages_are_what_is_installed():
    names = [path.name for path in package_paths(["numpy", "numpy"])]
    assert "numpy" in names
    assert not [name for name in names if name.endswith(".dist-info") or name in ("..", "bin")]
    with pytest.raises(UserError, match=r"'no-such-package' is not installed here"):
        package_paths(["no-such-package"])


def test_command_tells_and_keeps_the_verdicts(any_isolation, tmp_path):
    problems = written(tmp_path / "problems.jsonl", HUMANEVAL, MBPP)
    answers = written(
        tmp_path / "answers.jsonl",
        {"task_id": "HumanEval/0", "completion": "    return x + x"},
        {"task_id": "11", "completion": "def add(x, y): return x"},
    )
    told = command(problems, answers, "--k", 1, "--k", 2, "--output", tmp_path / "verdicts.jsonl")
    assert told.returncode == 0, told.stderr
    assert f"2 answers to 2 problems, each isolated by {any_isolation.name}" in told.stdout
    assert "pass@1      0.5000" in told.stdout
    assert "interval    0.0945 to 0.9055, 95 %" in told.stdout  # Wilson's of 1 in 2
    assert "pass@2      some problems have fewer answers than k" in told.stdout
    rows = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    assert [(row["task_id"], row["outcome"]) for row in rows] == [("HumanEval/0", "passed"), ("11", "assertion")]
    fewer = written(tmp_path / "fewer.jsonl", {"task_id": "11", "completion": "def add(x, y): return x + y"})
    assert "1 more problems have no answer" in command(problems, fewer).stdout
    as_json = json.loads(command(problems, answers, "--json").stdout)
    assert as_json["outcomes"] == {"assertion": 1, "passed": 1}


def test_command_names_what_is_wrong(tmp_path):
    problems = written(tmp_path / "problems.jsonl", HUMANEVAL)
    told = command(problems, tmp_path / "missing.jsonl")
    assert told.returncode == 2
    assert told.stderr.startswith("error: ")
    assert "missing.jsonl does not exist" in told.stderr
    assert command(problems, problems, "--k", 0).returncode == 2


@pytest.mark.parametrize("answers", range(1, 7))
def test_estimate_is_the_share_of_draws_with_a_right_answer(answers):
    for correct in range(answers + 1):
        right = [place < correct for place in range(answers)]
        for k in range(1, answers + 1):
            draws = list(itertools.combinations(right, k))
            assert pass_at_k(answers, correct, k) == pytest.approx(sum(map(any, draws)) / len(draws))


@pytest.mark.parametrize(("answers", "correct", "k"), [(3, 1, 4), (3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_what_is_not_defined_is_refused(answers, correct, k):
    with pytest.raises(ValueError, match="is not defined"):
        pass_at_k(answers, correct, k)


def test_mean_is_over_problems():
    assert mean_pass_at_k([(2, 1), (4, 4)], 1) == pytest.approx(0.75)
    assert mean_pass_at_k([(2, 1), (4, 4)], 2) == pytest.approx(1.0)
    assert mean_pass_at_k([(2, 1), (4, 4)], 3) is None
    assert mean_pass_at_k([], 1) is None


@pytest.mark.parametrize(("right", "problems"), [(0, 5), (1, 2), (9, 164), (10, 164), (164, 164)])
def test_interval_of_a_share_is_that_of_scipy(right, problems):
    verdicts = {str(place): [Verdict("passed" if place < right else "syntax")] for place in range(problems)}
    found = binomtest(right, problems).proportion_ci(0.95, method="wilson")
    interval = AnswerResults("none", verdicts, {}).report([1])["interval"]
    assert interval == pytest.approx({"low": found.low, "high": found.high}, abs=1e-4)
