from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from codetune.app.ui.exports import export_text
from codetune.compare.gather import ComparisonReport, side_by_side
from codetune.compare.renderers.data import as_csv, as_json
from codetune.compare.renderers.text import as_markdown
from codetune.compare.wording import F1
from codetune.core.files import dump_json
from codetune.history.running import Run
from tests.app.conftest import APP, HOUSE
from tests.app.words import choose, words
from tests.support.sample_project import Project, build_empty, build_single, git, write_reports

Open = Callable[..., AppTest]


class TestNothingToCompare:
    def test_an_empty_clone_says_what_to_run(self, open_page: Open, tmp_path: Path) -> None:
        page = open_page(build_empty(tmp_path / "p").root)
        text = words(page)
        assert "has no reports/metrics.json" in text
        assert "`make repro`" in text
        assert not page.subheader

    def test_a_folder_without_git_says_what_to_run(self, open_page: Open, sample: Project, tmp_path: Path) -> None:
        shutil.copy(sample.root / "params.yaml", tmp_path)
        assert "The workspace has no reports yet. Run `make repro`" in words(open_page(tmp_path))

    def test_reports_outside_git_are_shown(self, open_page: Open, tmp_path: Path) -> None:
        write_reports(tmp_path)
        text = words(open_page(tmp_path))
        assert "Tuning made the model better" in text
        assert "Baseline and candidate are the same" in text

    def test_one_measured_revision_shows_its_gain(self, open_page: Open, tmp_path: Path) -> None:
        page = open_page(build_single(tmp_path / "p").root)
        text = words(page)
        assert "has no reports/metrics.json" in text
        assert "Tuning made the model better: BERTScore F1 +" in text
        assert [part.value for part in page.subheader] == ["Plots"]
        assert not page.get("download_button")

    def test_broken_parameters_are_told_and_the_rest_is_shown(self, open_page: Open, copied_sample: Project) -> None:
        (copied_sample.root / "params.yaml").write_text("numerics: [")
        text = words(open_page(copied_sample.root))
        assert "params.yaml of workspace cannot be read" in text
        assert text.count("Correct the file by hand.") == 1
        assert "Restore it" not in text
        assert "The candidate" in text


class TestUnfinishedWorkspace:
    @pytest.mark.parametrize("page", ["compare", "samples"])
    def test_a_workspace_that_is_being_written_is_not_judged(
        self, open_page: Open, copied_sample: Project, monkeypatch: pytest.MonkeyPatch, page: str
    ) -> None:
        run = Run("", "dvc repro", "train", ("models/adapter",), 65)
        for name in ("codetune.app.project.running", "codetune.app.ui.running.running"):
            monkeypatch.setattr(name, lambda _: [run])
        write_reports(copied_sample.root, tuned=0.7, rank=32)
        text = words(open_page(copied_sample.root, page=page))
        assert "`dvc repro`, stage train, runs in the workspace" in text
        assert "Running now: the pipeline, stage train" in text
        assert "The candidate is" not in text
        assert "Tuned, candidate workspace" not in text

    @pytest.mark.parametrize("page", ["compare", "samples"])
    def test_reports_that_are_older_than_their_model_are_not_judged(
        self, open_page: Open, copied_sample: Project, page: str
    ) -> None:
        write_reports(copied_sample.root, tuned=0.7, rank=32)
        lock = copied_sample.root / "dvc.lock"
        lines = lock.read_text().splitlines()
        place = next(i for i, line in enumerate(lines) if "models/adapter" in line)
        lines[place + 2] = lines[place + 2].partition(":")[0] + ": " + "f" * 32
        lock.write_text("\n".join(lines))
        text = words(open_page(copied_sample.root, page=page))
        assert "the stage train wrote models/adapter again, and a run stopped before generate@tuned" in text
        assert "The candidate is" not in text


class TestRemedies:
    """Each fault has one remedy."""

    @pytest.mark.parametrize("page", ["compare", "samples"])
    def test_only_the_metrics_are_missing(self, open_page: Open, copied_sample: Project, page: str) -> None:
        (copied_sample.root / "reports/metrics.json").unlink()
        text = words(open_page(copied_sample.root, page=page))
        assert "The workspace has reports, but no reports/metrics.json. Run `dvc repro`" in text
        assert "make repro" not in text

    @pytest.mark.parametrize("page", ["compare", "samples"])
    def test_the_metrics_are_damaged(self, open_page: Open, copied_sample: Project, page: str) -> None:
        (copied_sample.root / "reports/metrics.json").write_text("{")
        text = words(open_page(copied_sample.root, page=page))
        assert "reports/metrics.json of workspace cannot be read" in text
        assert "Run `dvc repro`, which writes it again." in text
        assert "make repro" not in text
        assert "git checkout" not in text


def test_how_well_a_metric_tells_answers_apart_stands_beside_it(open_page: Open, tmp_path: Path) -> None:
    """In the table, under the plots and over the samples; below 20 problems the report has no figures, and nothing is said."""
    write_reports(tmp_path)
    report = tmp_path / "reports/answer_validity/metrics.json"
    report.parent.mkdir()
    for metrics, told in (({}, 0), ({F1.score: {"mean": 0.614, "low": 0.55, "high": 0.666}}, 1)):
        report.write_text(dump_json({"problems": 19 + told, "metrics": metrics}))
        for page in ("compare", "samples"):
            opened = open_page(tmp_path, page=page)
            captions = [each for each in opened.caption if "0.61 (0.55 to 0.67)" in each.value.replace("\\", "")]
            assert len(captions) == told, page
            assert ("AUC of passing" in words(opened)) is bool(told), page


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        (APP, "page.title[0].value == 'Compare' and len(page.subheader) == 4"),
        ("from codetune.app.pages import samples; samples.page()", "len(page.code) == 4"),
    ],
)
def test_comparing_does_not_wait_for_torch(sample: Project, script: str, shown: str) -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_string({script!r}, default_timeout=60).run()\n"
        f"assert not page.exception and {shown}\n"
        "heavy = {'torch', 'transformers', 'dvc.repo'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {**os.environ, "CODETUNE_PROJECT": str(sample.root)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HOUSE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("Markdown", lambda found: as_markdown(found) + "\n"),
        ("CSV", as_csv),
        ("JSON", lambda found: dump_json(as_json(found))),
    ],
)
def test_a_download_is_what_the_command_prints(
    sample: Project, form: str, told: Callable[[ComparisonReport], str]
) -> None:
    found = side_by_side(sample.root, sample.commits["first"], sample.commits["hasty-lark"])
    assert export_text(sample.root, found.comparison, form) == told(found)


class TestTwoRevisions:
    def test_the_verdict_comes_first_and_every_part_is_there(self, open_page: Open, sample: Project) -> None:
        page = open_page(sample.root)
        text = words(page)
        assert "The candidate is better on 10, indistinguishable on 2 and the same on 4 of 16 metrics" in text
        assert [part.value for part in page.subheader] == ["Parameters", "Stages that re-ran", "Data", "Plots"]
        assert "train.lora.rank" in text
        # A forest plot of the tuned models and of the gain (the base models are the same), loss, F1, packages.
        assert len(page.get("vega_lite_chart")) == 5
        assert [button.label for button in page.get("download_button")] == ["Markdown", "CSV", "JSON"]
        assert page.warning.len == 0

    def test_why_stages_re_ran_is_told(self, open_page: Open, sample: Project) -> None:
        text = words(open_page(sample.root))
        assert "parameter: train.lora.rank 4 \u2192 8" in text
        assert "data: models/adapter (from train)" in text
        assert "No stage wrote other data" in text

    def test_without_a_lock_the_rest_is_shown(self, open_page: Open, copied_sample: Project) -> None:
        (copied_sample.root / "dvc.lock").unlink()
        write_reports(copied_sample.root, tuned=0.7, lock=False)
        text = words(open_page(copied_sample.root))
        assert "workspace has no dvc.lock" in text
        assert "The candidate is better on" in text

    def test_a_damaged_lock_is_told(self, open_page: Open, copied_sample: Project) -> None:
        write_reports(copied_sample.root, tuned=0.7)
        (copied_sample.root / "dvc.lock").write_text("stages: [")
        assert "dvc.lock of workspace cannot be read" in words(open_page(copied_sample.root))

    def test_the_choice_is_in_the_address_by_commit(self, open_page: Open, sample: Project) -> None:
        page = choose(open_page(sample.root), "candidate", "hasty-lark")
        assert "The candidate is indistinguishable on 10" in words(page)
        assert page.query_params["candidate"] == sample.commits["hasty-lark"]
        assert page.query_params["baseline"] == sample.commits["first"]

    def test_a_link_opens_its_comparison(self, open_page: Open, sample: Project) -> None:
        query = {"baseline": sample.commits["readme"], "candidate": sample.commits["hasty-lark"]}
        page = open_page(sample.root, query)
        assert "The candidate is worse on" in words(page)
        assert page.query_params == query

    def test_problems_won_and_lost_are_told(self, open_page: Open, executed_sample: Project) -> None:
        query = {"baseline": executed_sample.commits["few-rows"], "candidate": executed_sample.commits["more-rows"]}
        page = open_page(executed_sample.root, query)
        text = words(page)
        assert "held_out: 3 won, 2 lost of 60 problems" in text
        assert "held_out, pass@1" in text
        assert "()" not in text, "a metric that is the same leads no verdict"
        moved = re.findall(r"<code>(\w+) \([0-9a-f]{16}\)</code></th>.*?>\S (won|lost)<", text)
        won, lost = ["descendants_8", "to_bool_9", "render_label_10"], ["descendants_0", "to_bool_1"]
        assert moved == [*((name, "won") for name in won), *((name, "lost") for name in lost)]
        alone = open_page(executed_sample.root, query | {"candidate": query["baseline"]})
        assert "held_out: 7 won, 0 lost of 60 problems" in words(alone), "by tuning"

    def test_swapping_turns_the_verdict_round(self, open_page: Open, sample: Project) -> None:
        page = open_page(sample.root)
        page.button[0].click().run()
        assert "The candidate is worse on 10" in words(page)

    def test_a_link_to_an_experiment_that_was_not_pulled_says_how(
        self, open_page: Open, copied_sample: Project
    ) -> None:
        git(copied_sample.root, "remote", "add", "origin", "https://example.org/x.git")
        page = open_page(copied_sample.root, {"candidate": "late-wren"})
        assert "`dvc exp pull origin late-wren`" in words(page)

    def test_other_signatures_are_told_loudly(self, open_page: Open, sample: Project) -> None:
        page = choose(open_page(sample.root), "candidate", "other-scale")
        assert "bertscore was measured in two ways" in words(page)
        assert "not comparable" in words(page)

    def test_what_is_not_comparable_has_no_place_in_the_forest_plot(self, open_page: Open, sample: Project) -> None:
        page = open_page(
            sample.root, {"baseline": sample.commits["readme"], "candidate": sample.commits["other-scale"]}
        )
        spec = page.get("vega_lite_chart")[0].proto.spec
        assert "chrF" in spec
        assert "BERTScore F1" not in spec

    def test_the_same_revision_twice_suggests_an_experiment(self, open_page: Open, sample: Project) -> None:
        page = open_page(sample.root, {"baseline": "main", "candidate": "main"})
        assert "dvc exp run -S train.lora.rank=4" in words(page)
        assert "Tuning made the model better" in words(page)

    def test_a_revision_without_reports_is_told_beside_the_other(self, open_page: Open, sample: Project) -> None:
        text = words(open_page(sample.root, {"baseline": sample.commits["empty"], "candidate": "main"}))
        assert f"`git checkout {sample.commits['empty'][:7]}` and `make repro`" in text
        assert "Tuning made the model better" in text

    def test_an_experiment_that_did_not_finish_is_told(self, open_page: Open, copied_sample: Project) -> None:
        head, empty = copied_sample.commits["readme"], copied_sample.commits["empty"]
        git(copied_sample.root, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/cut-short", empty)
        page = choose(open_page(copied_sample.root), "candidate", "cut-short")
        assert "The experiment cut-short" in words(page)

    def test_a_changed_workspace_is_the_candidate_and_is_read_again(
        self, open_page: Open, copied_sample: Project
    ) -> None:
        write_reports(copied_sample.root, tuned=0.70, rank=32)
        page = open_page(copied_sample.root)
        assert page.query_params["candidate"] == "workspace"
        assert "The candidate is better on" in words(page)
        write_reports(copied_sample.root, tuned=0.42, rank=32)
        assert "The candidate is worse on" in words(page.run())

    def test_a_damaged_report_is_named_and_the_rest_is_shown(self, open_page: Open, copied_sample: Project) -> None:
        (copied_sample.root / "reports" / "samples" / "tuned.jsonl").write_text("{")
        page = open_page(copied_sample.root)
        assert "reports/samples/tuned.jsonl of workspace cannot be read" in words(page)
        assert "Parameters" in [part.value for part in page.subheader]

    def test_odd_but_legal_reports_are_shown(self, open_page: Open, copied_sample: Project) -> None:
        metrics = copied_sample.root / "reports" / "metrics.json"
        metrics.write_text(json.dumps({"base": {"chrf": 1}, "tuned": {"<b>odd</b>": 2.0}}))
        text = words(open_page(copied_sample.root))
        assert "&lt;b&gt;odd&lt;/b&gt;" in text
