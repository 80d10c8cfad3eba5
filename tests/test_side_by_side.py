"""`python -m codetune compare`: two revisions from a clone, as text, Markdown and JSON."""

import json

import pytest

from codetune.__main__ import main
from codetune.errors import UserError
from codetune.revisions.comparison import compare
from codetune.revisions.listing import find_revision, list_revisions
from codetune.revisions.reports import load_reports
from codetune.revisions.repository import Repository
from codetune.side_by_side import as_json, as_markdown, as_text, side_by_side
from tests.sample_project import copied_sample, sample

__all__ = ["copied_sample", "sample"]


@pytest.fixture
def pair(sample):
    commits = list(sample.commits.values())
    return sample.root, commits[-2], commits[-1]


def test_the_numbers_are_those_of_the_page(pair):
    root, before, after = pair
    repository = Repository(root)
    revisions = list_revisions(repository)
    reports = [load_reports(repository, find_revision(repository, revisions, name)) for name in (before, after)]
    expected = compare(*reports)
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


def test_prompts_that_moved_most_come_first(pair):
    moved = as_json(side_by_side(*pair, prompts=4))["moved"]
    changes = [
        abs(row["scores"]["candidate"]["bertscore_f1"] - row["scores"]["baseline"]["bertscore_f1"]) for row in moved
    ]
    assert len(changes) == 4
    assert changes == sorted(changes, reverse=True)
    assert changes[0] == max(
        abs(prompt.candidate_tuned["bertscore_f1"] - prompt.baseline_tuned["bertscore_f1"])
        for prompt in side_by_side(*pair).comparison.prompts
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
    for prompt in found.moved:
        assert any(prompt.candidate.id in line for line in lines)
    for parameter in found.comparison.parameters:
        assert f"  {parameter.key}: {parameter.baseline} → {parameter.candidate}" in lines


def test_markdown_has_tables_and_fences_that_hold(pair):
    text = as_markdown(side_by_side(*pair))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0].startswith("| tuned model | baseline | candidate | difference |")
    assert {line.replace("\\|", "").count("|") for line in rows[:3]} == {9}
    assert text.count("```python") == 3 * 5
    assert text.count("```text") == 1


def test_mistakes_are_one_line(pair):
    root, before, _ = pair
    with pytest.raises(UserError, match=r"there is no revision 'nowhere'. Give `workspace`"):
        side_by_side(root, before, "nowhere")


def test_it_is_a_command(pair, monkeypatch, capsys):
    root, before, after = pair
    monkeypatch.chdir(root)
    for form, start in (([], "baseline   "), (["--markdown"], "## "), (["--json"], "{")):
        monkeypatch.setattr("sys.argv", ["codetune", "compare", before, after, *form])
        main()
        assert capsys.readouterr().out.startswith(start)
