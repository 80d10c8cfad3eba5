"""The stage `answer_validity`, whole on a tiny model, and what it says of metrics on answers known beforehand."""

import pytest

from codetune.core.files import read_json, write_jsonl
from codetune.evaluation.validity.answers import MIN_PROBLEMS, GradedAnswers, discrimination
from codetune.evaluation.validity.params import AnswerValidityParams
from codetune.models.params import ModelParams
from stages import answer_validity
from tests.evaluation.metrics.conftest import changed
from tests.evaluation.problems.test_reading import HUMANEVAL, written
from tests.support import tables

SETTINGS = {
    "seed": 7, "problems": 0, "answers": 2, "temperature": 0.8, "top_p": 0.95, "max_new_tokens": 12, "cpu_s": 1,
}  # fmt: skip
RIGHT = "```python\ndef triple(x):\n    return 3 * x\n```"


def params(base, **changes):
    model = ModelParams(base=str(base), revision=None)
    score = changed(baseline_pairs=12, bootstrap_samples=200)
    return answer_validity.Params(AnswerValidityParams(**(SETTINGS | changes)), score, model, "fenced")


@pytest.fixture
def inputs(instruction_rows, tmp_path, tiny_adapter, monkeypatch):
    names = ("problems", "verified", "test")
    paths = answer_validity.Inputs(
        **{name: tmp_path / f"{name}.jsonl" for name in names}, benchmarks=tmp_path / "benchmarks", adapter=tiny_adapter
    )
    rows = [tables.held_out_problem(f"aaaa0000000000{number:02d}") for number in range(MIN_PROBLEMS)]
    # The problems have one reference in common, of which no baseline can be made.
    references = [(row["group"], row["completion"]) for row in instruction_rows]
    monkeypatch.setattr(answer_validity, "read_references", lambda *_: references)
    write_jsonl(paths.problems, rows)
    write_jsonl(paths.verified, [{"id": row["id"], "digest": row["digest"]} for row in rows])
    paths.benchmarks.mkdir()
    return paths


@pytest.fixture
def outputs(tmp_path):
    return answer_validity.Outputs(tmp_path / "reports", tmp_path / "journals")


@pytest.fixture
def knowing(monkeypatch):
    """Have the tuned model give a right answer second and a wrong one first, and the base model none."""

    def answered(problems, asking, journal, _kept):
        rows = [
            {"task_id": each.id, "sample": number, "stopped": True,
             "completion": RIGHT if asking.adapter and number else "def triple(x):\n    return None"}
            for each in problems for number in range(asking.samples)
        ]  # fmt: skip
        journal.path.parent.mkdir(parents=True, exist_ok=True)
        return rows

    monkeypatch.setattr(answer_validity, "generate_answers", answered)


@pytest.mark.usefixtures("any_isolation", "knowing")
def test_metrics_are_asked_whether_they_tell_passing_from_failing(tiny_base, inputs, outputs):
    report = answer_validity.run(params(tiny_base), inputs, outputs)
    assert report == read_json(outputs.reports / "metrics.json")
    assert report["problems"] == MIN_PROBLEMS
    found = report["sets"]["held_out"]
    assert (found["with_both"], found["answers"], found["passed"]) == (MIN_PROBLEMS, 4 * MIN_PROBLEMS, MIN_PROBLEMS)
    metrics = report["metrics"]
    # The right answer is the reference, in the form that is taught; all others are one text.
    for name in ("bertscore_f1", "chrf", "exact_match", "expected_form", "code_bertscore"):
        assert metrics[name] == {"mean": 1.0, "low": 1.0, "high": 1.0}, name
    assert metrics["syntax_valid"] == metrics["stopped"] == {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert set(report["signatures"]) == {"bertscore", "code_bertscore"}


@pytest.mark.usefixtures("any_isolation", "knowing")
def test_too_few_problems_say_nothing(tiny_base, inputs, outputs):
    report = answer_validity.run(params(tiny_base, problems=MIN_PROBLEMS - 1), inputs, outputs)
    assert (report["problems"], report["metrics"]) == (MIN_PROBLEMS - 1, {})


@pytest.mark.usefixtures("any_isolation")
def test_models_are_asked_and_a_killed_run_goes_on(tiny_base, inputs, outputs):
    written(inputs.benchmarks / "mine.jsonl", HUMANEVAL)
    asked = params(tiny_base, problems=1)
    report = answer_validity.run(asked, inputs, outputs)
    assert {name: found["answers"] for name, found in report["sets"].items()} == {"held_out": 4, "mine": 4}
    assert report["metrics"] == {}
    first = outputs.reports / "metrics.json"
    content = first.read_bytes()
    journals = {path: path.read_bytes() for path in outputs.journals.iterdir()}
    assert len(journals) == 4
    for path, kept in journals.items():
        path.write_bytes(kept.splitlines(keepends=True)[0])
    answer_validity.run(asked, inputs, outputs)
    assert {path: path.read_bytes() for path in outputs.journals.iterdir()} == journals
    assert first.read_bytes() == content


def test_auc_is_over_problems_that_have_both():
    rising = [{"m": 1.0}, {"m": 3.0}]
    both = [GradedAnswers(rising, [{"m": 2.0}])] * (MIN_PROBLEMS - 1)
    none = [GradedAnswers(rising, []), GradedAnswers([], rising)]
    score = changed(bootstrap_samples=200)
    assert discrimination(both + none, score) == {}
    found = discrimination([*both, *none, GradedAnswers(rising, [{"m": 1.0}])], score)["m"]
    # 19 of one half, and one of (1/2 + 1) / 2.
    assert found["mean"] == pytest.approx((19 * 0.5 + 0.75) / 20, abs=1e-4)
    assert found["low"] == 0.5 < found["mean"] < found["high"]
