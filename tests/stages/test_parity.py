"""The stage `parity`, whole on a tiny model in 32-bit numbers, whose files give the answers of torch."""

import pytest

from codetune.core.errors import UserError
from codetune.core.files import read_json, write_jsonl
from codetune.evaluation.execution.params import ExecuteParams
from codetune.evaluation.parity import answers as parity_answers
from codetune.evaluation.parity.params import ParityParams
from codetune.generation.params import GenerateParams
from codetune.models.params import ModelParams
from codetune.numerics import NumericsParams
from codetune.reporting.parity_table import parity_rows
from stages import parity
from tests.evaluation.metrics.conftest import changed
from tests.evaluation.parity.conftest import exported  # noqa: F401
from tests.evaluation.problems.test_reading import HUMANEVAL, written
from tests.support import tables

GENERATE = {
    "seed": 7, "max_prompts": 2, "benchmark_prompts": 0, "reworded_prompts": 0, "max_new_tokens": 192,
    "batch_size": "auto", "stop": "code", "device": "cpu",
}  # fmt: skip
IDS = [f"aaaa00000000000{number}" for number in range(3)]


@pytest.fixture
def params(exported):  # noqa: F811
    return parity.Params(
        ParityParams(prompts=4, max_new_tokens=12),
        GenerateParams(**GENERATE),
        changed(baseline_pairs=12, bootstrap_samples=200),
        ExecuteParams(cpu_s=1),
        ModelParams(base=str(exported.base), revision=None, system="none"),
        NumericsParams(mode="portable", threads=1),
        "fenced",
    )


@pytest.fixture
def inputs(exported, instruction_rows, tmp_path, monkeypatch):  # noqa: F811
    names = ("test", "problems", "verified")
    paths = parity.Inputs(
        **{name: tmp_path / f"{name}.jsonl" for name in names},
        benchmarks=tmp_path / "benchmarks",
        adapter=exported.adapter,
        export=exported.folder,
    )
    rows = [tables.held_out_problem(identity) for identity in IDS]
    # The problems have one reference in common, of which no baseline can be made.
    references = [(row["group"], row["completion"]) for row in instruction_rows]
    monkeypatch.setattr(parity, "read_references", lambda *_: references)
    write_jsonl(paths.test, [tables.instruction_row(identity, instruction=f"Do {identity}.") for identity in IDS])
    write_jsonl(paths.problems, rows)
    write_jsonl(paths.verified, [{"id": row["id"], "digest": row["digest"]} for row in rows])
    paths.benchmarks.mkdir()
    written(paths.benchmarks / "mine.jsonl", *({**HUMANEVAL, "task_id": f"HumanEval/{place}"} for place in range(5)))
    return paths


@pytest.fixture
def outputs(tmp_path):
    return parity.Outputs(tmp_path / "reports", tmp_path / "journals", tmp_path / "kept")


def test_equal_files_give_equal_answers(params, inputs, outputs, monkeypatch, capsys):
    def none():
        raise UserError("there is no sandbox", "Install one.")

    monkeypatch.setattr(parity, "find_isolation", none)
    report = parity.run(params, inputs, outputs)
    assert report == read_json(outputs.reports / "metrics.json")
    assert report["sets"] == {"held_out": {"prompts": 2}, "mine": {"prompts": 2}}
    assert list(report["forms"]) == ["adapter-f32", "tuned-f32"]
    for form in report["forms"].values():
        assert (form["equal"]["count"], form["first_difference"]) == (4, {"answers": 0})
        assert form["tokens"] == report["torch"]["tokens"] > 0
        assert form["bertscore_f1"]["mean"] == report["torch"]["bertscore_f1"]
        assert "pass@1" not in form
    assert "no answer was run, so there is no pass@1: there is no sandbox" in capsys.readouterr().err
    page = (outputs.reports / "parity.md").read_text()
    assert "| tuned-f32 | 4 of 4 (51 to 100 %) |" in page
    assert "The answers were not run" in page
    assert str(inputs.test.parent) not in page + (outputs.reports / "metrics.json").read_text()


def test_a_killed_run_goes_on_and_asks_nothing_twice(params, inputs, outputs, monkeypatch):
    monkeypatch.setattr(parity, "_add_tests", lambda *_: None)
    parity.run(params, inputs, outputs)
    report = (outputs.reports / "metrics.json").read_bytes()
    journals = sorted(outputs.journals.iterdir())
    assert [path.stem for path in journals] == ["adapter-f32", "torch", "tuned-f32"]
    for path in journals:
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    asked = []
    whole = parity_answers.whole_answer
    monkeypatch.setattr(parity_answers, "whole_answer", lambda *given: asked.append(given[1]) or whole(*given))
    parity.run(params, inputs, outputs)
    assert len(asked) == 2  # one answer of each form
    assert all(request["cache_prompt"] is False for request in asked)
    assert (outputs.reports / "metrics.json").read_bytes() == report
    monkeypatch.setattr(parity_answers, "whole_answer", lambda *_: pytest.fail("asked again"))
    parity.run(params, inputs, outputs)


@pytest.mark.usefixtures("any_isolation")
def test_answers_are_run(params, inputs, outputs, monkeypatch):
    """The form tuned-f32 is made to know the answers to the benchmark."""
    texts = parity.completion_text
    right = HUMANEVAL["canonical_solution"]
    found = parity.form_answers

    def knowing(form, *given):
        return [[-1]] * 4 if form.name == "tuned-f32" else found(form, *given)

    monkeypatch.setattr(parity, "form_answers", knowing)
    monkeypatch.setattr(parity, "completion_text", lambda tok, ids: right if ids == [-1] else texts(tok, ids))
    report = parity.run(params, inputs, outputs)
    assert (report["tested"], report["unusable"]) == (4, {})
    assert report["torch"]["pass@1"]["count"] == report["forms"]["adapter-f32"]["pass@1"]["count"] == 0
    tuned = report["forms"]["tuned-f32"]
    assert tuned["pass@1"]["won"] == ["mine: HumanEval/0", "mine: HumanEval/1"]
    assert (tuned["pass@1"]["share"], tuned["pass@1"]["difference"]["mean"]) == (0.5, 0.5)
    assert (tuned["equal"]["count"], tuned["first_difference"]["median"]) == (0, 1.0)
    assert parity_rows(report)[2][-1].startswith("+0.500 (")


def test_another_prompt_ends_the_stage(params, inputs, outputs, exported, monkeypatch):  # noqa: F811
    monkeypatch.setattr("codetune.evaluation.parity.forms.ExportedForm.template", lambda _: "{{ messages[0].content }}")
    with pytest.raises(UserError, match=r"the chat template of adapter-f32.gguf differs"):
        parity.run(params, inputs, outputs)
    assert not (outputs.reports / "metrics.json").exists()
