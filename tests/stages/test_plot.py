"""The stage `plot`, whole, on the scores of a small run."""

from codetune.core.files import read_json, read_jsonl, write_jsonl
from codetune.reporting.score_plots import write_plots
from stages import plot
from tests.conftest import ROOT, digests
from tests.evaluation.metrics.conftest import changed


def test_plots_are_those_of_the_scores(tmp_path):
    rows = read_jsonl(ROOT / "reports/scores.jsonl")[:6]
    write_jsonl(tmp_path / "scores.jsonl", rows)
    plot.run(changed(), plot.Inputs(tmp_path / "scores.jsonl"), plot.Outputs(tmp_path / "plots"))
    write_plots(tmp_path / "expected", rows, changed())
    assert digests(tmp_path / "plots") == digests(tmp_path / "expected")
    assert sum(item["prompts"] for item in read_json(tmp_path / "plots/f1_base.json")) == 6
