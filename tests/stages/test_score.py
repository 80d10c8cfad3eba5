import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codetune.cli.summary import metrics_table
from codetune.core.errors import UserError
from codetune.core.files import read_json, read_jsonl, write_jsonl
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.evaluation.metrics.code_bertscore import normalized
from codetune.evaluation.problems.reading import read_problems
from codetune.evaluation.problems.sets import pack_answer
from codetune.export.merge import MergeCheck
from codetune.models.answer_form import TaughtForm
from codetune.numerics import NumericsParams
from codetune.reporting.model_card import CardFacts, _evaluation
from stages import score
from tests.evaluation.metrics.conftest import changed
from tests.evaluation.problems.test_reading import HUMANEVAL
from tests.support.tables import STRUCTURE

NUMERICS = NumericsParams(mode="portable", threads=2)
SECTION = changed(baseline_pairs=12, bootstrap_samples=200)


def write_inputs(folder: Path, rows: list[dict[str, Any]], prompts: int = 4) -> score.Inputs:
    """Test rows, and samples of `prompts` prompts: base answers with another's reference, tuned with half its own."""
    names = (
        "base",
        "tuned",
        "base_reworded",
        "tuned_reworded",
        "base_benchmarks",
        "tuned_benchmarks",
        "problems",
        "test",
    )
    inputs = score.Inputs(**{name: folder / f"{name}.jsonl" for name in names}, benchmarks=folder / "benchmarks")
    write_jsonl(inputs.problems, [])
    write_jsonl(inputs.test, rows)
    write_jsonl(inputs.base_benchmarks, [])
    write_jsonl(inputs.tuned_benchmarks, [])
    asked = rows[::5][:prompts]
    of_base = [row["completion"] for row in rows[3::5][:prompts]]
    of_tuned = [row["completion"][: len(row["completion"]) // 2] for row in asked]
    # In other words the base answers the same, and the tuned model answers half the prompts with nothing.
    for path, answers in (
        (inputs.base, of_base),
        (inputs.tuned, of_tuned),
        (inputs.base_reworded, of_base),
        (inputs.tuned_reworded, [answer * (place % 2) for place, answer in enumerate(of_tuned)]),
    ):
        write_jsonl(
            path,
            [
                {key: row[key] for key in ("id", "group", "path", "qualname")}
                | {"instruction": row["instruction"] + " Please." * ("reworded" in path.name)}
                | {"reference": row["completion"], "answer": answer, "tokens": 9, "stopped": True}
                for row, answer in zip(asked, answers, strict=True)
            ],
        )
    return inputs


def outputs_in(folder: Path) -> score.Outputs:
    return score.Outputs(
        folder / "scores.jsonl", folder / "metrics.json", folder / "signatures.json", folder / "scoring.json",
        folder.parent / f"{folder.name}.kept",
    )  # fmt: skip


def run(inputs: score.Inputs, folder: Path, form: TaughtForm = "bare") -> dict[str, Any]:
    return score.run(score.Params(SECTION, NUMERICS, form), inputs, outputs_in(folder))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[score.Inputs, Path]:
    folder = tmp_path_factory.mktemp("score")
    rows = read_jsonl(Path(__file__).parents[1] / "support" / "instruction_rows.jsonl")
    inputs = write_inputs(folder, rows)
    run(inputs, folder / "reports")
    return inputs, folder / "reports"


def test_the_reports_have_the_agreed_form(finished):
    reports = finished[1]
    metrics = read_json(reports / "metrics.json")
    assert list(metrics) == ["base", "tuned", "gain", "prompts", "robustness"]
    structure = list(STRUCTURE)
    surface = ["chrf", "bleu", "corpus_chrf", "corpus_bleu"]
    shares = ["exact_match", "syntax_valid", "expected_form", "stopped"]
    assert list(metrics["base"]) == ["bertscore", *surface, *structure, *shares]
    assert list(metrics["tuned"]["bertscore"]) == ["precision", "recall", "f1", "precision_raw", "recall_raw", "f1_raw"]
    assert list(metrics["gain"]) == [
        "f1", "code_bertscore", "chrf", "bleu",
        *(key for key in structure[1:] if key not in ("tree_match", "length_ratio")),
        "syntax_valid", "expected_form",
    ]  # fmt: skip
    assert all(list(gain) == ["mean", "low", "high", "p_value", "detectable"] for gain in metrics["gain"].values())
    assert metrics["prompts"] == len(read_jsonl(reports / "scores.jsonl")) == 4
    assert metrics["gain"]["f1"]["low"] > 0
    signatures = read_json(reports / "signatures.json")
    assert list(signatures) == [
        "bertscore", "code_bertscore", *surface, "answers", "expected_form", "prompts_digest", "numerics", "versions",
    ]  # fmt: skip
    assert (signatures["answers"], signatures["expected_form"]) == ("code", "bare")
    assert "|layer:6|" in signatures["bertscore"]
    assert "|pairs:12|" in signatures["bertscore"]
    assert signatures["numerics"] == "portable"
    assert read_json(reports / "scoring.json")["baseline"]["texts"] == len(read_jsonl(finished[0].test))


def test_each_benchmark_has_its_own_means(tmp_path, finished):
    folder = tmp_path / "benchmarks"
    write_jsonl(folder / "mine.jsonl", [HUMANEVAL])
    [problem] = read_problems(folder / "mine.jsonl")
    answers = {"base": "No.", "tuned": problem.reference}
    for variant, answer in answers.items():
        row = {"set": "mine", "task_id": problem.id, **pack_answer(answer, problem), "tokens": 5, "stopped": True}
        write_jsonl(tmp_path / f"{variant}.jsonl", [row | {"ended": "end"}])
    inputs = replace(
        finished[0],
        base_benchmarks=tmp_path / "base.jsonl",
        tuned_benchmarks=tmp_path / "tuned.jsonl",
        benchmarks=folder,
    )
    found = run(inputs, tmp_path / "reports")
    own = found.pop("benchmarks")
    assert found == read_json(finished[1] / "metrics.json"), "the others are as they were"
    assert list(own) == ["mine"]
    assert list(own["mine"]) == ["base", "tuned", "gain", "prompts"]
    assert (own["mine"]["base"]["exact_match"], own["mine"]["tuned"]["exact_match"]) == (0.0, 1.0)
    assert own["mine"]["gain"]["f1"]["mean"] == pytest.approx(1.0)
    assert read_json(tmp_path / "reports/scoring.json")["read"]["base.mine"]["no_code"] == {"no_code": 1}
    write_jsonl(folder / "mine.jsonl", [{**HUMANEVAL, "canonical_solution": "    return x + x\n"}])
    with pytest.raises(
        UserError, match=r"base.jsonl:1 answers HumanEval/0 of mine, which is missing from the benchmark"
    ):
        run(inputs, tmp_path / "reports")


def test_a_gain_is_the_difference_of_the_two_values_beside_it(finished):
    metrics = read_json(finished[1] / "metrics.json")
    for name, gain in metrics["gain"].items():
        base, tuned = ((metrics[role]["bertscore"] | metrics[role])[name] for role in ("base", "tuned"))
        assert gain["mean"] == pytest.approx(tuned - base, abs=2e-6), name
        assert gain["p_value"] > 0
    # The table in the terminal and the model card.
    lines = [line[22:] for line in metrics_table(metrics).partition("\n\n")[0].splitlines()[1:]]
    card = _evaluation(CardFacts({}, MergeCheck(0, 0, 0, 0, 0, 0), "", metrics=metrics)).splitlines()
    lines += [line.split("|", 2)[2] for line in card if line.startswith("|")]
    numbers = [re.findall(r"[-+]?\d+\.\d+", line.replace("\u2212", "-")) for line in lines]
    triples = [found[:3] for found in numbers if len(found) == 5]
    assert len(triples) == 6 + 10
    for texts in triples:
        base, tuned, gain = map(float, texts)
        digits = len(texts[0].partition(".")[2])
        assert gain == pytest.approx(tuned - base, abs=1.6 * 10**-digits), "each is rounded by itself"


def rewritten(inputs: score.Inputs, folder: Path, change: Callable[[str], str]) -> score.Inputs:
    """The inputs with a whole reference, changed, for every answer: its own for the tuned model, another for the base."""
    paths = {name: folder / f"{name}.jsonl" for name in ("base", "tuned")}
    for name, path in paths.items():
        rows = read_jsonl(getattr(inputs, name))
        answers = [row["reference"] for row in (rows if name == "tuned" else reversed(rows))]
        write_jsonl(path, [row | {"answer": change(text)} for row, text in zip(rows, answers, strict=True)])
    return replace(inputs, **paths)


def test_answers_that_are_code_score_as_they_would_as_text_and_fences_change_the_form_alone(finished, tmp_path):
    cases: dict[str, tuple[TaughtForm, str]] = {
        "code": ("bare", "{}"),
        "text": ("as_is", "{}"),
        "taught": ("fenced", "```python\n{}\n```"),
        "fenced": ("fenced", "Sure:\n```python\n{}\n```\nDone."),
    }
    scores: dict[str, list[dict[str, Any]]] = {}
    for name, (form, written) in cases.items():
        (tmp_path / name).mkdir()
        inputs = rewritten(finished[0], tmp_path / name, lambda text, written=written: written.replace("{}", text))
        run(inputs, tmp_path / name / "reports", form)
        scores[name] = read_jsonl(tmp_path / name / "reports/scores.jsonl")
    assert scores["code"] == scores["text"] == scores["taught"]
    assert {row[role]["expected_form"] for row in scores["code"] for role in ("base", "tuned")} == {1}
    assert scores["fenced"] == [
        row | {role: row[role] | {"expected_form": 0} for role in ("base", "tuned")} for row in scores["code"]
    ]


def test_answers_are_counted_by_their_form_and_by_why_they_have_no_code(finished, tmp_path):
    read = read_json(finished[1] / "scoring.json")["read"]
    assert list(read) == ["base", "tuned", "base.reworded", "tuned.reworded"]
    assert read["base"] == {"forms": {"bare": 4}, "no_code": {}}
    assert read["tuned.reworded"] == {"forms": {"bare": 2, "none": 2}, "no_code": {"blank": 2}}
    run(finished[0], tmp_path, "as_is")
    assert "read" not in read_json(tmp_path / "scoring.json")


def test_the_same_code_in_other_prose_is_the_same_answer(finished, tmp_path):
    again = tmp_path / "again.jsonl"
    rows = read_jsonl(finished[0].base_reworded)
    write_jsonl(again, [row | {"answer": f"Sure:\n```python\n{row['answer']}\n```"} for row in rows])
    run(replace(finished[0], base_reworded=again), tmp_path / "reports")
    robustness = [read_json(folder / "metrics.json")["robustness"] for folder in (tmp_path / "reports", finished[1])]
    assert robustness[0] == robustness[1]


def test_robustness_is_what_other_words_change(finished):
    reports = finished[1]
    found = read_json(reports / "metrics.json")["robustness"]
    assert found["prompts"] == 4
    assert found["base"]["changed"] == 0
    assert {found["base"][key]["mean"] for key in ("f1", "chrf", "edit_similarity", "syntax_valid")} == {0}
    assert found["tuned"]["changed"] == 0.5
    lost = [row["tuned"]["chrf"] for row in read_jsonl(reports / "scores.jsonl")][::2]
    assert found["tuned"]["chrf"]["mean"] == pytest.approx(-sum(lost) / 4, abs=1e-6)
    assert found["tuned"]["f1"]["high"] <= 0 < found["tuned"]["f1"]["detectable"]


def test_without_other_words_there_is_no_robustness(finished, tmp_path):
    empty = tmp_path / "none.jsonl"
    write_jsonl(empty, [])
    found = run(replace(finished[0], base_reworded=empty, tuned_reworded=empty), tmp_path / "reports")
    assert "robustness" not in found


def test_nothing_written_names_a_place_on_this_machine(finished):
    for path, written in content(finished[1]).items():
        for place in (b"/tmp", b"/home", b"site-packages", str(Path(__file__).parents[2]).encode()):
            assert place not in written, (path, place)


def test_what_was_kept_spares_the_work_and_changes_no_byte(finished, tmp_path, monkeypatch, threads):
    inputs, reports = finished
    kept = outputs_in(reports).kept
    assert (kept / "kept.sqlite").stat().st_size > 0
    monkeypatch.setattr(BertEncoder, "_encode", lambda *_: pytest.fail("nothing is left to encode"))
    outputs = replace(outputs_in(tmp_path), kept=kept)
    score.run(score.Params(SECTION, NUMERICS, "bare"), inputs, outputs)
    assert content(tmp_path) == content(reports)
    monkeypatch.undo()
    # Another adapter: its answers are encoded, and nothing else is.
    encoded: list[str] = []
    embed_all = BertEncoder.embed_all
    monkeypatch.setattr(
        BertEncoder, "embed_all", lambda self, texts, label: encoded.extend(texts) or embed_all(self, texts, label)
    )
    rows = [
        {**row, "answer": f"def g{place}():\n    return {place}"} for place, row in enumerate(read_jsonl(inputs.tuned))
    ]
    other = tmp_path / "tuned.jsonl"
    write_jsonl(other, rows)
    threads(1)
    score.run(score.Params(SECTION, NUMERICS, "bare"), replace(inputs, tuned=other), outputs)
    answers = {row["answer"] for row in rows}
    programs = {normalized(answer) for answer in answers}
    fresh = {normalized(row["reference"]) for row in rows}  # half an answer is no program: they were not compared yet
    assert answers <= set(encoded) <= answers | programs | fresh
    threads(2)
    cold = run(replace(inputs, tuned=other), tmp_path / "cold")
    assert cold == read_json(outputs.metrics)


def test_a_score_does_not_depend_on_the_other_prompts(finished, instruction_rows, tmp_path):
    run(write_inputs(tmp_path, instruction_rows, prompts=2), tmp_path / "reports")
    assert read_jsonl(tmp_path / "reports/scores.jsonl") == read_jsonl(finished[1] / "scores.jsonl")[:2]


def test_samples_of_other_prompts_change_nothing(finished, tmp_path):
    inputs, reports = finished
    before = content(reports)
    other = tmp_path / "tuned.jsonl"
    write_jsonl(other, reversed(read_jsonl(inputs.tuned)))
    with pytest.raises(UserError, match="expected the same prompts in the same order"):
        run(replace(inputs, tuned=other), reports)
    assert content(reports) == before
