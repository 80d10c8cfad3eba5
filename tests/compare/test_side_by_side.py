"""`codetune compare`: two revisions from a clone, as text, Markdown and JSON."""

import csv
import html
import io
import json
import re
from dataclasses import replace

import pytest

from codetune.__main__ import main
from codetune.app.ui.tables import metric_table
from codetune.compare.comparison import compare
from codetune.compare.gather import ComparisonReport, side_by_side
from codetune.compare.renderers.data import COLUMNS, as_csv, as_json
from codetune.compare.renderers.text import as_markdown, as_text
from codetune.compare.samples import samples_of
from codetune.compare.wording import p_value_text
from codetune.core.errors import UserError
from codetune.history.listing import Kind, Revision, require_revision
from codetune.history.reading import load_reports
from codetune.history.reports import PromptScores, Reports
from codetune.history.repository import Repository
from codetune.history.stages import StageChanges
from tests.support.sample_project import copied_sample, sample

__all__ = ["copied_sample", "sample"]


@pytest.fixture
def pair(sample):
    commits = list(sample.commits.values())
    return sample.root, commits[-2], commits[-1]


def test_the_numbers_are_those_of_the_page(pair):
    root, before, after = pair
    repository = Repository(root)
    expected = compare(*(load_reports(repository, require_revision(repository, name)) for name in (before, after)))
    found = as_json(side_by_side(root, before, after))
    assert found["verdict"]
    assert found["shared_prompts"] == expected.shared > 0
    told = {
        (row["metric"], row["difference"], row["low"], row["high"], row["verdict"]) for row in found["metrics"]["tuned"]
    }
    assert told == {
        (row.metric.key, row.difference, row.low, row.high, row.verdict.value) for row in expected.rows["tuned"]
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("before", "after", "metric", "score"),
    [
        ("first", "hasty-lark", "bertscore.f1", "bertscore_f1"),
        ("hasty-lark", "other-scale", "code_bertscore", "code_bertscore"),  # BERTScore was measured in two ways
    ],
)
def test_prompts_that_moved_most_come_first(sample, before, after, metric, score):
    sides = sample.root, sample.commits[before], sample.commits[after]
    content = as_json(side_by_side(*sides, prompts=4))
    assert content["moved_by"] == metric
    moved = content["moved"]
    changes = [abs(row["scores"]["candidate"][score] - row["scores"]["baseline"][score]) for row in moved]
    assert len(changes) == 4
    assert changes == sorted(changes, reverse=True)
    assert changes[0] == max(
        abs(one.after.scores[score] - one.before.scores[score]) for one in samples_of(side_by_side(*sides).comparison)
    )
    assert set(moved[0]["answers"]) == {"reference", "baseline", "candidate"}


def test_the_text_has_every_part(pair):
    found = side_by_side(*pair)
    lines = as_text(found).splitlines()
    assert lines[0].startswith("baseline   ")
    assert any(
        line.startswith("BERTScore F1") and line.endswith(found.comparison.rows["tuned"][0].verdict.value)
        for line in lines
    )
    assert any(line.startswith("data:") for line in lines)
    place = lines.index("stages:")
    assert lines[place + 1 : place + 4] == [
        "  train re-ran",
        "    parameter: train.lora.rank 2 → 16",
        "    outputs that differ: models/adapter",
    ]
    for moved in found.moved:
        assert any(moved.prompt.id in line for line in lines)
    for parameter in found.comparison.parameters:
        assert f"  {parameter.key}: {parameter.baseline} → {parameter.candidate}" in lines


def test_markdown_has_tables_and_fences_that_hold(pair):
    text = as_markdown(side_by_side(*pair))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0].startswith("| tuned model | baseline | candidate | difference |")
    assert {line.replace("\\|", "").count("|") for line in rows[:3]} == {9}
    assert "| `train` | re-ran | parameter: train.lora.rank 2 → 16 | models/adapter |" in rows
    assert text.count("```python") == 3 * 5
    assert text.count("```text") == 1


def test_the_csv_has_the_numbers_of_the_json(pair):
    found = side_by_side(*pair)
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert tuple(rows[0]) == COLUMNS
    content = as_json(found)
    for part, metrics in (*content["metrics"].items(), ("gain", content["gain"])):
        told = [row for row in rows if row["part"] == part]
        assert [row["name"] for row in told] == [metric["metric"] for metric in metrics]
        for row, metric in zip(told, metrics, strict=True):
            assert {key: row[key] for key in COLUMNS[2:]} == {
                key: "" if metric[key] is None else str(metric[key]) for key in COLUMNS[2:]
            }
    others = [(row["part"], row["name"], row["baseline"], row["candidate"]) for row in rows]
    assert ("parameter", "train.lora.rank", "2", "16") in others
    assert ("stage", "train", "", "parameter: train.lora.rank 2 → 16") in others
    assert [row["name"].split()[0] for row in rows if row["part"] == "prompt"] == [
        moved["id"] for moved in content["moved"]
    ]


def test_what_a_spreadsheet_would_compute_stays_text(copied_sample):
    file = copied_sample.root / "params.yaml"
    file.write_text(file.read_text() + "odd: '=1+1'\n")
    text = as_csv(side_by_side(copied_sample.root, "HEAD", "workspace"))
    assert "parameter,odd,—,'=1+1," in text


def test_where_rows_came_from_is_in_the_csv(pair):
    change = {"before": None, "after": "keep", "rows": 12, "examples": []}
    found = replace(side_by_side(*pair), data=("", {"came": [change]}))
    assert "data,came,,keep,12,,,,,,,,,,\n" in as_csv(found)


def test_without_a_lock_the_rest_is_told(sample):
    found = side_by_side(sample.root, sample.commits["second"], sample.commits["readme"])
    assert "No stage re-ran." in as_text(found).splitlines()
    found = replace(found, stages=StageChanges(missing="x has no dvc.lock"))
    assert "x has no dvc.lock" in as_text(found).splitlines()
    assert as_json(found)["stages"] == {"missing": "x has no dvc.lock"}


def test_mistakes_are_one_line(pair):
    root, before, _ = pair
    with pytest.raises(UserError, match=r"there is no revision 'nowhere'. Give `workspace`"):
        side_by_side(root, before, "nowhere")


def test_it_is_a_command(pair, monkeypatch, capsys):
    root, before, after = pair
    monkeypatch.chdir(root)
    for form, start in (([], "baseline   "), (["--markdown"], "## "), (["--json"], "{"), (["--csv"], "part,name,")):
        monkeypatch.setattr("sys.argv", ["codetune", "compare", before, after, *form])
        main()
        assert capsys.readouterr().out.startswith(start)


def test_problems_won_and_lost_and_the_worth_of_metrics_are_told_in_every_form() -> None:
    area = {"mean": 0.614, "low": 0.55, "high": 0.666}
    sides = [
        Reports(
            Revision(Kind.COMMIT, name, name * 8),
            {"tuned": {"edit_similarity": 1.0}},
            execution={"mine": {"digest": "1", "tuned": {"pass@1": 0.5}}},
            outcomes={"mine": {"t|1": {"tuned": first}, "t2": {"tuned": second}}},
            answer_validity={"metrics": {"edit_similarity": area}},
        )
        for name, first, second in (("a", "syntax", "passed"), ("b", "passed", "timeout"))
    ]
    found = ComparisonReport(compare(*sides), StageChanges(missing="none"), None, [], ("", {}))
    for told in (as_text(found), as_markdown(found)):
        assert "mine: 1 won, 1 lost of 2 problems" in told
        assert "0.61 (0.55 to 0.67)" in told
    assert "    won   mine t|1\n    lost  mine t2" in as_text(found)
    assert "| mine | won | t\\|1 |" in as_markdown(found)
    content = as_json(found)
    assert content["flips"] == [{"set": "mine", "shared": 2, "won": ["t|1"], "lost": ["t2"]}]
    numbers = ("auc", "auc_low", "auc_high")
    known = {row["metric"]: [row[name] for name in numbers] for row in content["metrics"]["tuned"]}
    assert known.pop("edit_similarity") == [0.614, 0.55, 0.666]
    assert all(values == [None] * 3 for values in known.values())
    tabled = [row for row in csv.DictReader(io.StringIO(as_csv(found))) if row["part"] == "tuned"]
    assert ["0.614", "0.55", "0.666"] in [[row[name] for name in numbers] for row in tabled]
    rows = [row for row in csv.DictReader(io.StringIO(as_csv(found))) if row["part"] == "problem"]
    assert [(row["name"], row["verdict"]) for row in rows] == [("mine t|1", "won"), ("mine t2", "lost")]


@pytest.mark.parametrize("prompts", [40, 6000])
def test_a_p_value_is_never_0(prompts: int) -> None:
    """All prompts were mended: the exact test of 6,000 would give a number too small for a float."""
    sides = [
        Reports(
            Revision(Kind.COMMIT, name, name * 8),
            {"tuned": {"syntax_valid": value}},
            scores={f"p{n}": PromptScores("g", {}, {"syntax_valid": value}) for n in range(prompts)},
        )
        for name, value in (("a", 0.0), ("b", 1.0))
    ]
    comparison = compare(*sides)
    [row] = comparison.rows["tuned"]
    assert row.p_value is not None
    assert 0 < row.p_value < 1e-9
    found = ComparisonReport(comparison, StageChanges(missing="none"), None, [], ("", {}))
    texts = [as_text(found), as_markdown(found), metric_table([row], sides[1], "a", "b")]
    for text in map(html.unescape, texts):
        assert "< 0.0001" in text
        assert not re.search(r"p = 0\.0+\b|\b0\.0000\b", text)
    assert str(row.p_value) in as_csv(found)
    assert as_json(found)["metrics"]["tuned"][0]["p_value"] == row.p_value
    assert [p_value_text(value, "= ") for value in (0.00005, 0.0001, 0.25)] == ["< 0.0001", "= 0.0001", "= 0.2500"]
