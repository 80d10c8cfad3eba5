"""The execute stage, whole: answers that are known beforehand, run in the sandbox that this machine offers."""

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from codetune.errors import UserError
from codetune.execution import answering
from codetune.execution.params import ExecuteParams
from codetune.files import read_json, read_jsonl, write_jsonl
from codetune.modeling.params import ModelParams
from codetune.sandbox import isolation
from stages import execute
from tests.problems.test_reading import HUMANEVAL, written
from tests.scoring.conftest import changed
from tests.tables import raw_row

SETTINGS = {
    "seed": 7, "doctests": 0, "problems": [], "samples": 1, "k": [1], "temperature": 0.0, "top_p": 1.0,
    "max_new_tokens": 24, "cpu_s": 1,
}  # fmt: skip
TRIPLE = 'def triple(x):\n    """Thrice x.\n\n    >>> triple(2)\n    6\n    """\n    return 3 * x\n'


def params(base, **changes):
    return execute.Params(ExecuteParams(**(SETTINGS | changes)), changed(), ModelParams(base=str(base), revision=None))


@pytest.fixture
def inputs(instruction_rows, tmp_path, tiny_adapter):
    paths = execute.Inputs(tmp_path / "test.jsonl", tmp_path / "rows.parquet", tiny_adapter)
    write_jsonl(paths.test, instruction_rows)
    codes = [
        TRIPLE,
        TRIPLE.replace("    6", "    7"),  # its own example fails
        "def f(x):\n    return x",
        "    def method(self):\n" + TRIPLE.partition("\n")[2],
        TRIPLE.replace("3 *", "OUTSIDE *"),
    ]
    rows = [raw_row(row["id"], code=code) for row, code in zip(instruction_rows, codes, strict=False)]
    train = raw_row("f" * 16, code=TRIPLE)
    pq.write_table(pa.Table.from_pylist([*rows, train]), paths.raw)
    return paths


@pytest.fixture
def outputs(tmp_path):
    return execute.Outputs(tmp_path / "reports", tmp_path / "journals")


@pytest.fixture
def knowing(monkeypatch):
    """Have the tuned model know the answer to what it is asked, and the base model not."""

    def answered(problems, asking, journal, _kept):
        rows = []
        for problem in problems:
            right = problem.reference.removeprefix(problem.start)
            for number in range(asking.samples):
                text = right if asking.adapter and number == 0 else "    return 'no'\n"
                rows.append({"task_id": problem.id, "sample": number, "completion": text, "stopped": True})
        journal.write(rows)
        return rows

    monkeypatch.setattr(answering, "answered", answered)


def test_nothing_is_run_unless_asked_for(tiny_base, inputs, outputs, monkeypatch):
    monkeypatch.setattr(isolation, "find_isolation", lambda: pytest.fail("a sandbox was looked for"))
    assert execute.run(params(tiny_base), inputs, outputs) == {}
    assert read_json(outputs.reports / "metrics.json") == {}
    assert read_jsonl(outputs.reports / "verdicts.jsonl") == []


@pytest.mark.usefixtures("any_isolation", "knowing")
def test_examples_of_held_out_functions_are_tried(tiny_base, inputs, outputs, instruction_rows):
    first, second = (row["id"] for row in instruction_rows[:2])
    report = execute.run(params(tiny_base, doctests=9), inputs, outputs)
    assert list(report) == ["doctests"]
    found = report["doctests"]
    assert found["unusable"] == {second: "assertion"}
    assert (found["base"]["pass@1"], found["tuned"]["pass@1"]) == (0.0, 1.0)
    assert found["tuned"]["outcomes"] == {"passed": 1}
    assert found["base"]["problems"] == 1
    assert found["gain"]["mean"] == 1.0
    assert found["isolation"]
    assert found["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    rows = read_jsonl(outputs.reports / "verdicts.jsonl")
    assert [(row["task_id"], row["variant"]) for row in rows] == [(first, "base"), (first, "tuned")]
    assert rows[1]["outcome"] == "passed"
    assert rows[1]["answer"] == TRIPLE
    assert rows[0]["outcome"] != "passed"


@pytest.mark.usefixtures("any_isolation", "knowing")
def test_problem_files_are_tried_with_several_answers(tiny_base, inputs, outputs, tmp_path):
    more = {**HUMANEVAL, "task_id": "HumanEval/1"}
    path = written(tmp_path / "mine.jsonl", HUMANEVAL, more)
    asked = params(tiny_base, problems=[str(path)], samples=2, k=[1, 2], temperature=0.8)
    report = execute.run(asked, inputs, outputs)["mine"]
    assert (report["tuned"]["pass@1"], report["tuned"]["pass@2"]) == (0.5, 1.0)
    assert (report["base"]["pass@1"], report["base"]["pass@2"]) == (0.0, 0.0)
    assert report["gain"]["mean"] == 0.5
    before = report["digest"]
    written(path, HUMANEVAL, {**more, "test": more["test"].replace("4", "5")})
    changed_tests = execute.run(asked, inputs, outputs)["mine"]
    assert changed_tests["digest"] != before
    assert changed_tests["unusable"] == {"HumanEval/1": "assertion"}


@pytest.mark.usefixtures("any_isolation")
def test_models_answer_and_a_killed_run_goes_on(tiny_base, inputs, outputs, tmp_path):
    path = written(tmp_path / "mine.jsonl", HUMANEVAL, {**HUMANEVAL, "task_id": "HumanEval/1"})
    asked = params(tiny_base, problems=[str(path)])
    execute.run(asked, inputs, outputs)
    rows = read_jsonl(outputs.reports / "verdicts.jsonl")
    assert len(rows) == 4
    assert rows[0]["answer"] != rows[2]["answer"], "base and tuned"
    journal = outputs.journals / "mine.tuned.jsonl"
    kept = journal.read_bytes()
    first = json.loads(kept.splitlines()[0]) | {"completion": "    return 2 * x\n"}
    journal.write_text(json.dumps(first) + "\n")
    report = execute.run(asked, inputs, outputs)["mine"]
    assert report["tuned"]["pass@1"] == 0.5, "what was answered is not asked for again"
    journal.write_text("{}\n")
    execute.run(asked, inputs, outputs)
    assert journal.read_bytes() == kept, "answers of something else are not used"


def test_without_isolation_nothing_is_written(tiny_base, inputs, outputs, monkeypatch):
    def refuse():
        raise UserError("no isolation here", "Install bubblewrap.")

    execute.run(params(tiny_base), inputs, outputs)
    monkeypatch.setattr(isolation, "find_isolation", refuse)
    before = {path: path.read_bytes() for path in outputs.reports.iterdir()}
    with pytest.raises(UserError, match="no isolation here"):
        execute.run(params(tiny_base, doctests=1), inputs, outputs)
    assert {path: path.read_bytes() for path in outputs.reports.iterdir()} == before


@pytest.mark.usefixtures("any_isolation")
def test_what_cannot_be_asked_is_refused(tiny_base, inputs, outputs, tmp_path):
    with pytest.raises(UserError, match=r"none\.jsonl cannot be read"):
        execute.run(params(tiny_base, problems=[str(tmp_path / "none.jsonl")]), inputs, outputs)
    path = str(written(tmp_path / "mine.jsonl", HUMANEVAL))
    with pytest.raises(UserError, match="two sets are named mine"):
        execute.run(params(tiny_base, problems=[path, path]), inputs, outputs)
    pq.write_table(pa.Table.from_pylist([raw_row(code="def f(x):\n    return x")]), inputs.raw)
    with pytest.raises(UserError, match="of 0 held-out functions with examples none stands alone"):
        execute.run(params(tiny_base, doctests=3), inputs, outputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": [2]}, r"k: found \[2\], expected numbers from 1 to samples, which is 1"),
        ({"k": [0]}, r"k: found \[0\]"),
        ({"samples": 3}, "at temperature 0 all of them would be the same"),
        ({"problems": "HumanEval.jsonl"}, "list"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        ExecuteParams(**(SETTINGS | changes))
