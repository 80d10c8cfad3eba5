"""The report in the tree: what it says of the metrics is of those that `score` uses."""

from pathlib import Path

from codetune.core.files import read_json

REPORTS = Path(__file__).parents[3] / "reports"


def test_evidence_is_of_the_metrics_in_use():
    asked, used = read_json(REPORTS / "validity/metrics.json")["signatures"], read_json(REPORTS / "signatures.json")
    assert asked == {name: used[name] for name in asked}, "run `make validity`"
    assert set(asked) == {"bertscore", "code_bertscore"}
