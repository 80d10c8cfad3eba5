import json
import re
from pathlib import Path
from typing import Any

import pytest

from codetune.core.files import digest_file, read_json
from codetune.reporting.score_plots import f1_histogram, write_plots
from tests.conftest import run_python
from tests.evaluation.metrics.conftest import changed

NAMES = ["f1_base.json", "f1_distribution.svg", "f1_tuned.json", "gain_by_package.json", "gain_by_package.svg"]


def row(base: float, tuned: float, group: str = "rich") -> dict[str, Any]:
    return {"id": "x", "group": group, "base": {"bertscore_f1": base}, "tuned": {"bertscore_f1": tuned}}


@pytest.mark.parametrize(
    ("f1", "edge"),
    # 0.15 // 0.05 and 0.3 // 0.05 are one too small in floating point.
    [(0.0, 0.0), (0.049999, 0.0), (0.05, 0.05), (0.15, 0.15), (0.3, 0.3), (-0.000001, -0.05), (-0.05, -0.05), (1, 1)],
)
def test_a_score_falls_into_the_bin_that_holds_it(f1, edge):
    assert f1_histogram([row(f1, f1)])["base"] == [{"model": "base", "f1": edge, "prompts": 1}]


def test_both_variants_have_the_same_bins_and_all_prompts():
    found = f1_histogram([row(0.12, 0.31), row(0.12, 0.33), row(0.21, 0.12)])
    assert [(item["f1"], item["prompts"]) for item in found["base"]] == [
        (0.1, 2), (0.15, 0), (0.2, 1), (0.25, 0), (0.3, 0),
    ]  # fmt: skip
    assert [item["prompts"] for item in found["tuned"]] == [1, 0, 0, 0, 2]
    assert [item["f1"] for item in found["tuned"]] == [item["f1"] for item in found["base"]]


ROWS = [row(0.1, 0.4), row(0.2, 0.5), row(0.3, 0.1, "click"), row(0.4, 0.3, "click"), row(0.2, 0.3, "lark")]


@pytest.fixture(scope="module")
def plots(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plots")
    write_plots(folder, ROWS, changed())
    return folder


def test_data_for_dvc_plots(plots):
    assert sorted(path.name for path in plots.iterdir()) == NAMES
    gains = read_json(plots / "gain_by_package.json")
    assert [list(item) for item in gains] == [["package", "prompts", "gain", "low", "high"]] * 3
    assert [(item["package"], item["gain"]) for item in gains] == [("rich", 0.3), ("lark", 0.1), ("click", -0.15)]
    assert {item["model"] for item in read_json(plots / "f1_tuned.json")} == {"tuned"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("f1_distribution", ["BERTScore F1, rescaled", "Prompts per bin of 0.05", "base (mean 0.240)",
                             "tuned (mean 0.320)"]),
        ("gain_by_package", ["Gain in BERTScore F1", "Test package (prompts)", "all packages (5)", "rich (2)",
                             "lark (1)", "click (2)", "95 % bootstrap intervals", "tuned better", "base better"]),
    ],
)  # fmt: skip
def test_pictures_say_what_they_show(name, words, plots):
    svg = (plots / f"{name}.svg").read_text()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert [word for word in words if not any(word in text for text in texts)] == []
    assert "NaN" not in svg
    # Text is measured with the font that the converter brings along, so that no machine's own fonts matter.
    assert {font.split(",")[0] for font in re.findall(r'font-family="([^"]*)"', svg)} == {"Liberation Sans"}


def test_another_process_draws_the_same_bytes(plots, tmp_path):
    code = (
        "import json, sys; from pathlib import Path; from codetune.evaluation.metrics.params import ScoreParams; "
        "from codetune.reporting.score_plots import write_plots; rows, section = json.load(sys.stdin); "
        "write_plots(Path(sys.argv[1]), rows, ScoreParams.model_validate(section))"
    )
    feed = json.dumps([ROWS, changed().model_dump()])
    run_python("-c", code, tmp_path, feed=feed, PYTHONHASHSEED="5", TZ="Asia/Tokyo", LANG="C")
    assert [digest_file(tmp_path / name) for name in NAMES] == [digest_file(plots / name) for name in NAMES]
