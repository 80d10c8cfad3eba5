"""Figures and pictures in README.md and docs/ come out of this tree."""

import re
from pathlib import Path

from codetune.cli.summary import execution_table, metrics_table
from codetune.core.files import read_json

ROOT = Path(__file__).parent.parent
MAX_PICTURE_BYTES = 200_000


def test_results_are_those_of_the_reports():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert metrics_table(read_json(ROOT / "reports/metrics.json")) in text
    assert execution_table(read_json(ROOT / "reports/execution/metrics.json")) in text


def test_how_well_metrics_separate_answers_is_that_of_the_report():
    found = read_json(ROOT / "reports/answer_validity/metrics.json")["metrics"]
    text = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
    section = text.partition("| metric | AUC of passing |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    assert {"bertscore_f1", "code_bertscore", "chrf", "bleu"} <= dict(rows).keys()
    for name, shown in rows:
        figure = found[name]
        assert shown == f"{figure['mean']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})", name
    mean, low, high = (round(100 * found["bertscore_f1"][key]) for key in ("mean", "low", "high"))
    assert f"in {mean} % of the pairs ({low} to {high}; chance: 50)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_pictures_are_shown_and_small():
    shown = {"compare": "README.md", "samples": "docs/evaluation.md", "try": "docs/serving.md"}
    for name, page in shown.items():
        assert f"{name}.png)" in (ROOT / page).read_text(encoding="utf-8")
        assert (ROOT / f"docs/{name}.png").stat().st_size < MAX_PICTURE_BYTES
    assert {path.stem for path in (ROOT / "docs").glob("*.png")} == set(shown)
