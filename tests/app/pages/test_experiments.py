from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from codetune.app.ui.experiment_table import PICKED
from codetune.core.files import write_text
from codetune.history.reports import Curve
from codetune.history.running import Run
from tests.app.words import words
from tests.support.sample_project import Project, add_experiment, build_empty, build_single, git

Open = Callable[..., AppTest]
COLUMNS = ["Name", "Kind", "From", "Date", "Message", "Author", "Branches and tags", "Note"]
ALL = ["head", "experiment", "workspace", "commit"]


@pytest.fixture
def open_experiments(open_page: Open) -> Open:
    def run(root: Path, picked: Sequence[str] = (), kinds: Sequence[str] | None = ALL) -> AppTest:
        chosen = {} if kinds is None else {"experiments_kinds": list(kinds)}
        return open_page(root, page="experiments", **{PICKED: picked}, **chosen)

    return run


def stashed(root: Path, stash: str, name: str, printed: str) -> None:
    """Put an entry into one of DVC's two stashes, as its queue does."""
    ref, parent = f"refs/exps/celery/{stash}", git(root, "rev-parse", "HEAD")
    entry = git(root, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", f"{stash} {name}")
    message = f"commit: dvc-exp:{parent}:{parent}:{name}"
    git(root, "update-ref", "--create-reflog", "-m", message, ref, entry)
    if printed:
        write_text(root / ".dvc/tmp/exps/run" / entry / f"{entry}.out", printed)


def charts(page: AppTest) -> int:
    return len(page.get("vega_lite_chart"))


def test_an_empty_clone_says_what_to_run(open_experiments: Open, tmp_path: Path) -> None:
    page = open_experiments(build_empty(tmp_path / "p").root)
    text = words(page)
    assert "No revision has metrics yet. Run `make repro`, then for example `dvc exp run -S train.lora.rank=4`" in text
    assert list(page.dataframe[0].value.columns) == COLUMNS
    assert charts(page) == 0


def test_a_folder_without_git_shows_the_workspace(open_experiments: Open, sample: Project, tmp_path: Path) -> None:
    shutil.copytree(sample.root, tmp_path / "p", ignore=shutil.ignore_patterns(".git"))
    page = open_experiments(tmp_path / "p")
    words(page)
    assert list(page.dataframe[0].value["Name"]) == ["workspace"]
    assert charts(page) == 2


def test_one_revision_is_a_table_of_two_commits(open_experiments: Open, tmp_path: Path) -> None:
    page = open_experiments(build_single(tmp_path / "p").root)
    words(page)
    assert len(page.dataframe[0].value) == 3
    assert charts(page) == 2


def test_all_commits_and_experiments_with_parameters_and_metrics(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root)
    words(page)
    table = page.dataframe[0].value.set_index("Name")
    assert len(table) == 7
    assert table.loc["hasty-lark", "From"] == sample.commits["readme"][:7]
    assert table.loc["hasty-lark", "train.lora.rank"] == 2
    assert table.loc["hasty-lark", "training.val_loss"] == 1.53
    assert 0 < table.loc["hasty-lark", "tuned.bertscore.f1"] < table.loc["workspace", "tuned.bertscore.f1"]
    assert table.loc["workspace", "tuned.syntax_valid"] > 1  # in percent
    assert charts(page) == 2


def test_figures_of_several_ways_are_never_shown_without_a_word(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root)
    assert "These figures were measured in 2 ways" in page.warning[0].value
    table = page.dataframe[0].value.set_index("Name")
    assert table.loc["other-scale", "Measured as"] == "B"
    assert table.loc["hasty-lark", "Measured as"] == "A"
    assert len([part for part in page.caption if part.value.startswith("Measured in 2 ways, see above")]) == 2
    page.text_input(key="experiments_search").set_value("hasty-lark").run()
    assert not page.warning
    assert "Measured as" not in page.dataframe[0].value


def test_an_axis_that_the_table_does_not_show_is_warned_of_by_itself(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root)
    page.multiselect(key="experiments_metrics").set_value(["training.val_loss"]).run()
    assert len(page.warning) == 2  # of the scatter and of the parallel coordinates
    page.selectbox(key="experiments_y").set_value("training.val_loss").run()
    page.multiselect(key="experiments_axes").set_value(["train.lora.rank", "training.val_loss"]).run()
    assert not page.warning
    assert charts(page) == 2


def test_rows_are_filtered_by_words_and_kind(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root)
    page.text_input(key="experiments_search").set_value("rank=8").run()
    assert set(page.dataframe[0].value["Kind"]) == {"workspace", "commit"}
    page.text_input(key="experiments_search").set_value("<script>").run()
    assert "No row fits" in words(page)


def test_columns_are_chosen(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root)
    page.multiselect(key="experiments_parameters").set_value([]).run()
    page.multiselect(key="experiments_metrics").set_value(["base.chrf"]).run()
    columns = list(page.dataframe[0].value.columns)
    assert [column for column in columns if column not in COLUMNS] == ["base.chrf"]


def test_one_selected_row_has_its_commands(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root, [sample.commits["hasty-lark"]])
    words(page)
    assert [code.value for code in page.code] == [
        "dvc exp run -S train.lora.rank=2",
        "dvc exp apply hasty-lark",
        "dvc exp branch hasty-lark hasty-lark-branch",
        "dvc exp remove hasty-lark",
    ]


def test_two_selected_rows_lead_to_their_comparison(open_experiments: Open, sample: Project) -> None:
    picked = [sample.commits["hasty-lark"], sample.commits["second"]]
    page = open_experiments(sample.root, picked)
    words(page)
    [link] = page.get("page_link")
    assert link.proto.query_string == f"baseline={picked[1]}&candidate={picked[0]}"
    assert len(page.code) == 6
    third = open_experiments(sample.root, [*picked, sample.commits["first"]])
    assert not third.code
    table = words(third)
    for told in ("hasty-lark", sample.commits["first"][:7], "train.lora.rank", "BERTScore F1"):
        assert told in table


def test_at_first_experiments_and_head_are_shown(open_experiments: Open, sample: Project) -> None:
    names = list(open_experiments(sample.root, kinds=None).dataframe[0].value["Name"])
    assert {name.partition(" ")[0] for name in names} == {"hasty-lark", "other-scale", sample.commits["readme"][:7]}


def test_parameters_that_differ_are_those_of_the_rows_shown(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root)
    assert "train.lora.rank" in page.multiselect(key="experiments_parameters").options
    page.text_input(key="experiments_search").set_value("hasty-lark").run()
    assert page.multiselect(key="experiments_parameters").options == []


def test_metrics_are_differences_from_the_baseline(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root)
    values = page.dataframe[0].value.set_index("Name")["tuned.bertscore.f1"]
    page.session_state["experiments_baseline"] = sample.commits["hasty-lark"]
    table = page.run().dataframe[0].value
    assert table["Name"][0] == "hasty-lark"
    moved = table.set_index("Name")["tuned.bertscore.f1"]
    assert moved["hasty-lark"] == 0
    assert moved["workspace"] == pytest.approx(values["workspace"] - values["hasty-lark"])
    assert moved.isna()["other-scale"], "it was measured in another way"


def test_tags_and_notes_stand_in_the_table(open_experiments: Open, copied_sample: Project) -> None:
    git(copied_sample.root, "notes", "add", "-m", "diverged <b>early</b>", copied_sample.commits["hasty-lark"])
    table = open_experiments(copied_sample.root).dataframe[0].value.set_index("Name")
    assert table.loc["hasty-lark", "Note"] == "diverged <b>early</b>"
    [tagged] = [names for names in table["Branches and tags"] if "v0.1" in names]
    assert "rank-4" in tagged


def test_queued_and_failed_runs_have_a_row(open_experiments: Open, copied_sample: Project) -> None:
    stashed(copied_sample.root, "failed", "bad-seed", "epoch 1\nERROR: failed to reproduce 'train': <b>no memory</b>\n")
    stashed(copied_sample.root, "stash", "", "")
    text = words(open_experiments(copied_sample.root))
    assert "bad-seed" in text
    assert "ERROR: failed to reproduce 'train': <b>no memory</b>" in unescape(text)
    assert "<b>no" not in text
    assert "queued" in text


def test_a_selection_stays_with_its_rows_when_others_are_filtered_out(open_experiments: Open, sample: Project) -> None:
    page = open_experiments(sample.root, [sample.commits["hasty-lark"]])
    page.text_input(key="experiments_search").set_value("dvc: commit").run()
    assert page.code[1].value == "dvc exp apply hasty-lark"
    page.text_input(key="experiments_search").set_value("Describe").run()
    assert not page.code


def test_what_was_changed_in_the_workspace_is_seen(open_experiments: Open, copied_sample: Project) -> None:
    page = open_experiments(copied_sample.root)
    params = copied_sample.root / "params.yaml"
    params.write_text(params.read_text().replace("rank: 8", "rank: 99"))
    (copied_sample.root / "reports" / "metrics.json").write_text("{")
    page.run()
    assert page.dataframe[0].value.set_index("Name").loc["workspace", "train.lora.rank"] == 99
    assert "cannot be read in 1 of the rows" in words(page)


def test_a_new_experiment_appears(open_experiments: Open, copied_sample: Project) -> None:
    add_experiment(copied_sample.root, "later", copied_sample.commits["readme"], tuned=0.5, rank=3)
    table = open_experiments(copied_sample.root).dataframe[0].value.set_index("Name")
    assert table.loc["later", "train.lora.rank"] == 3


def test_markup_in_names_is_text(open_experiments: Open, copied_sample: Project) -> None:
    name = "<b>odd</b>&*x*"
    found = add_experiment(copied_sample.root, "odd", copied_sample.commits["readme"], tuned=0.5, rank=3)
    params = copied_sample.root / ".git/refs/exps"
    [file] = params.rglob("odd")
    file.rename(file.with_name("$(odd)<b>"))
    page = open_experiments(copied_sample.root, [found])
    assert name not in words(page)
    assert page.code[1].value == "dvc exp apply '$(odd)<b>'"
    assert not any("<b>" in part.value.replace("\\<", "") for part in page.markdown)


class TestRunning:
    run = Run(
        "hasty", "dvc exp run", "train", ("models/adapter",), 65, (Curve("train/loss", (10, 20), (2.5, 2.0)),), 20
    )

    def test_nothing_is_shown_while_nothing_runs(self, open_experiments: Open, sample: Project) -> None:
        assert "Running now" not in words(open_experiments(sample.root))

    @pytest.mark.parametrize(("steps", "told"), [(300, None), (None, "step 20; the total is known")])
    def test_a_run_has_its_progress_and_curve(
        self,
        open_experiments: Open,
        sample: Project,
        monkeypatch: pytest.MonkeyPatch,
        steps: int | None,
        told: str | None,
    ) -> None:
        monkeypatch.setattr("codetune.app.ui.running.running", lambda _: [replace(self.run, steps=steps)])
        page = open_experiments(sample.root)
        text = words(page)
        assert "Running now: experiment hasty, stage train** · 1 min 5 s" in text
        assert charts(page) == 3
        assert told is None or told in text
        if steps:
            assert page.get("progress")[0].proto.text == "step 20 of 300"
        monkeypatch.setattr("codetune.app.ui.running.running", lambda _: [])
        assert "Running now" not in words(page.run())
