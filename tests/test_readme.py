"""Figures and pictures in README.md and docs/ come out of this tree."""

from pathlib import Path

from codetune.cli.summary import execution_table, metrics_table
from codetune.core.files import read_json

ROOT = Path(__file__).parent.parent
MAX_PICTURE_BYTES = 200_000


def test_results_are_those_of_the_reports():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert metrics_table(read_json(ROOT / "reports/metrics.json")) in text
    assert execution_table(read_json(ROOT / "reports/execution/metrics.json")) in text


def test_pictures_are_shown_and_small():
    shown = {"compare": "README.md", "samples": "docs/evaluation.md", "try": "docs/serving.md"}
    for name, page in shown.items():
        assert f"{name}.png)" in (ROOT / page).read_text(encoding="utf-8")
        assert (ROOT / f"docs/{name}.png").stat().st_size < MAX_PICTURE_BYTES
    assert {path.stem for path in (ROOT / "docs").glob("*.png")} == set(shown)
