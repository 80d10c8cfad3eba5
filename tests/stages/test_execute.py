"""The execute stage, whole: answers that are known beforehand, run in the sandbox that this machine offers."""

import sys

import pytest

from codetune.core.errors import UserError
from codetune.core.files import read_json, read_jsonl, write_jsonl
from codetune.evaluation.execution.params import ExecuteParams
from codetune.evaluation.problems.reading import read_problems
from codetune.evaluation.problems.sets import pack_answer
from codetune.evaluation.sandbox.isolation import ISOLATIONS
from stages import execute
from tests.evaluation.metrics.conftest import changed
from tests.evaluation.problems.test_reading import HUMANEVAL, written
from tests.support import tables

SETTINGS = {"cpu_s": 1}
PARAMS = execute.Params(ExecuteParams(**SETTINGS), changed())
RIGHT, WRONG = "```python\ndef triple(x):\n    return x + 2 * x\n```", "def triple(x):\n    return 7"
IDS = [f"aaaa00000000000{number}" for number in range(4)]


def write_samples(path, answers):
    write_jsonl(path, [tables.sample(identity, answer=answer) for identity, answer in zip(IDS, answers, strict=False)])


@pytest.fixture
def inputs(tmp_path):
    """Three verified problems, of which the reference of one fails; one that is not verified; a benchmark of two."""
    names = ("base", "tuned", "base_benchmarks", "tuned_benchmarks", "problems", "verified")
    paths = execute.Inputs(**{name: tmp_path / f"{name}.jsonl" for name in names}, benchmarks=tmp_path / "benchmarks")
    problems = [tables.held_out_problem(identity) for identity in IDS]
    problems[2]["reference"] = WRONG
    write_jsonl(paths.problems, problems)
    write_jsonl(paths.verified, [{"id": row["id"], "digest": row["digest"]} for row in problems[:3]])
    write_samples(paths.base, [WRONG, RIGHT, RIGHT, RIGHT])
    write_samples(paths.tuned, [RIGHT, WRONG, RIGHT, RIGHT])
    paths.benchmarks.mkdir()
    wordy = {**HUMANEVAL, "test": HUMANEVAL["test"].replace("== 4", "== 4, 'a text of the benchmark'")}
    asked = read_problems(written(paths.benchmarks / "mine.jsonl", wordy, {**wordy, "task_id": "HumanEval/1"}))
    for path, answer in ((paths.base_benchmarks, "    return x\n"), (paths.tuned_benchmarks, asked[0].reference)):
        write_jsonl(
            path,
            [tables.benchmark_sample(task_id=each.id, **pack_answer(answer, each)) for each in asked],
        )
    return paths


@pytest.fixture
def outputs(tmp_path):
    return execute.Outputs(tmp_path / "reports")


@pytest.mark.usefixtures("any_isolation")
def test_answers_are_run_and_each_set_has_its_figures(inputs, outputs):
    report = execute.run(PARAMS, inputs, outputs)
    assert report == read_json(outputs.reports / "metrics.json")
    assert list(report) == ["held_out", "mine"]
    found = report["held_out"]
    assert (found["problems"], found["unusable"]) == (2, {IDS[2]: "assertion"})
    assert found["base"]["pass@1"] == found["tuned"]["pass@1"] == 0.5
    assert found["base"]["interval"] == {"low": 0.0945, "high": 0.9055}  # Wilson's of 1 in 2
    assert (found["won"], found["lost"]) == ([IDS[0]], [IDS[1]])
    assert (found["gain"]["mean"], found["gain"]["p_value"]) == (0.0, 1.0)
    assert found["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    mine = report["mine"]
    assert (mine["base"]["pass@1"], mine["tuned"]["pass@1"]) == (0.0, 1.0)
    assert mine["base"]["outcomes"] == {"assertion": 2}
    assert mine["gain"]["mean"] == 1.0
    assert mine["gain"]["p_value"] == 0.5, "by McNemar, two of two"
    assert "a text of the benchmark" not in (outputs.reports / "verdicts.jsonl").read_text()
    rows = read_jsonl(outputs.reports / "verdicts.jsonl")
    assert [(row["task_id"], row["outcome"]) for row in rows if row["variant"] == "tuned"] == [
        (IDS[0], "passed"), (IDS[1], "assertion"), ("HumanEval/0", "passed"), ("HumanEval/1", "passed")
    ]  # fmt: skip
    assert next(row["detail"] for row in rows if row["task_id"] == IDS[1] and row["variant"] == "tuned") == "triple(2)"


def test_which_isolation_is_used_changes_no_byte(inputs, outputs, monkeypatch):
    contents = set()
    for way in ISOLATIONS:
        if way.unavailable_reason() is not None:
            pytest.skip(f"{way.name} is not to be had")
        monkeypatch.setattr(execute, "find_isolation", lambda way=way: way)
        execute.run(PARAMS, inputs, outputs)
        contents.add(tuple(path.read_bytes() for path in sorted(outputs.reports.iterdir())))
    assert len(contents) == 1


def test_without_isolation_the_stage_ends_well_and_says_nothing(inputs, outputs, monkeypatch, capsys):
    def refuse():
        raise UserError("no isolation here", "Install bubblewrap.")

    monkeypatch.setattr(execute, "find_isolation", refuse)
    assert execute.run(PARAMS, inputs, outputs) == {}
    assert read_json(outputs.reports / "metrics.json") == {}
    assert read_jsonl(outputs.reports / "verdicts.jsonl") == []
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("execute: no answer was run, so there is no pass@1: no isolation here. Install bubblewrap.")
    assert sorted(path.name for path in outputs.reports.iterdir()) == ["metrics.json", "verdicts.jsonl"]


@pytest.mark.usefixtures("any_isolation")
def test_data_without_tests_has_no_figures(inputs, outputs):
    write_jsonl(inputs.verified, [])
    for path in (inputs.base_benchmarks, inputs.tuned_benchmarks):
        write_jsonl(path, [])
    assert execute.run(PARAMS, inputs, outputs) == {}


@pytest.mark.usefixtures("any_isolation")
def test_a_set_without_a_problem_that_can_be_used_has_no_share(inputs, outputs):
    write_jsonl(inputs.verified, [{"id": IDS[2], "digest": IDS[2][::-1]}])
    found = execute.run(PARAMS, inputs, outputs)["held_out"]
    assert (found["problems"], list(found["unusable"])) == (0, [IDS[2]])
    assert not {"base", "tuned", "gain"} & found.keys(), "absent, never zero"
