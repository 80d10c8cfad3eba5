"""Figures in the README come out of this tree."""

from pathlib import Path

from codetune.cli.summary import metrics_table
from codetune.core.files import read_json

ROOT = Path(__file__).parent.parent


def test_results_are_those_of_the_reports():
    table = metrics_table(read_json(ROOT / "reports/metrics.json"))
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")


def test_files_that_the_readme_shows_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("compare", "samples", "try"):
        assert f"(docs/{name}.png)" in text
        assert (ROOT / f"docs/{name}.png").stat().st_size < 200_000
