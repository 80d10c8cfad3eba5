from __future__ import annotations

import json

import pytest

from codetune.compare.figures import Figures, Measured, figures_of, load_rows, matching
from codetune.compare.quantities import metrics, ways_of
from codetune.core.files import write_json
from codetune.history.listing import WORKSPACE, Kind, list_revisions
from codetune.history.repository import Repository
from tests.support.sample_project import Project, commit, git


def rows_of(project: Project, known: dict[str, Figures] | None = None):
    repository = Repository(project.root)
    return load_rows(repository, list_revisions(repository), known)


def test_every_commit_and_experiment_has_one_row(sample: Project) -> None:
    rows = rows_of(sample)
    keys = [row.revision.key for row in rows]
    assert keys[0] == "workspace"
    assert sorted(keys[1:]) == sorted(sample.commits.values())
    titles = {row.revision.key: row.title for row in rows}
    assert titles[sample.commits["hasty-lark"]] == "hasty-lark"
    assert titles[sample.commits["readme"]] == f"{sample.commits['readme'][:7]} (main)"
    names = {row.revision.key: row.names for row in rows}
    assert names[sample.commits["first"]] == ("rank-4", "v0.1")


def test_figures_are_those_of_the_revision(sample: Project) -> None:
    figures = {row.revision.key: row.figures for row in rows_of(sample)}
    first, second = figures[sample.commits["first"]], figures[sample.commits["second"]]
    assert (first.params["train.lora.rank"], second.params["train.lora.rank"]) == (4, 8)
    assert first.values["training.val_loss"] == Measured(1.55)
    assert first.values["tuned.bertscore.f1"].value < second.values["tuned.bertscore.f1"].value
    assert figures[sample.commits["other-scale"]].signatures["bertscore"] == "minilm-L3"
    assert figures["workspace"] == second
    assert figures[sample.commits["empty"]].values == {}


def test_intervals_are_read_where_the_reports_hold_them(copied_sample: Project) -> None:
    content = {
        "tuned": {"chrf": 1.5, "corpus_chrf": 1.25, "bad": float("nan")},
        "gain": {"f1": {"mean": 0.2, "low": 0.1, "high": 0.3, "p_value": 0.01}, "odd": {"mean": 1, "low": "x", "high": 2}},
        "robustness": {"tuned": {"changed": 0.8, "f1": {"mean": -0.02, "low": -0.04, "high": 0.0}}},
    }  # fmt: skip
    (copied_sample.root / "reports" / "metrics.json").write_text(json.dumps(content))
    values = rows_of(copied_sample)[0].figures.values
    assert values.pop("training.val_loss")
    assert values == {
        "tuned.chrf": Measured(1.5),
        "tuned.corpus_chrf": Measured(1.25),
        "gain.bertscore.f1": Measured(0.2, 0.1, 0.3),
        "robustness.tuned.bertscore.f1": Measured(-0.02, -0.04, 0.0),
    }


def test_problems_solved_are_metrics_with_the_tests_as_their_signature(executed_sample: Project) -> None:
    rows = {row.revision.key: row for row in rows_of(executed_sample)}
    few, more, without = (rows[executed_sample.commits[name]].figures for name in ("few-rows", "more-rows", "readme"))
    shares = [figures.values["tuned.execution.held_out.pass@1"].value for figures in (few, more)]
    assert shares == [0.1333, 0.15]
    assert few.signatures["execution.held_out"] == "tests:1|python:3.11"
    assert not [key for key in {**without.values, **without.signatures} if "execution" in key]
    [column] = [each for each in metrics([*rows.values()]) if each.key == "tuned.execution.held_out.pass@1"]
    assert (column.label, column.text(0.15)) == ("held_out, pass@1", "15.0 %")
    assert len(ways_of([*rows.values()], [column])[0]) == 1


def test_older_reports_had_corpus_scores_under_the_names_of_means(copied_sample: Project) -> None:
    (copied_sample.root / "reports" / "metrics.json").write_text('{"base": {"chrf": 1.5}, "tuned": {"bleu": 2.5}}')
    values = rows_of(copied_sample)[0].figures.values
    assert (values["base.corpus_chrf"], values["tuned.corpus_bleu"]) == (Measured(1.5), Measured(2.5))
    assert not {"base.chrf", "tuned.bleu"} & values.keys()


@pytest.mark.parametrize("content", ["{", "[]", '"words"', "\xff"])
def test_a_damaged_file_is_named_and_the_rest_is_read(copied_sample: Project, content: str) -> None:
    (copied_sample.root / "reports" / "metrics.json").write_bytes(content.encode("latin-1"))
    broken = commit(copied_sample.root, "Break it", 5)
    for row in rows_of(copied_sample):
        if row.revision.key in ("workspace", broken):
            assert row.figures.problems == ("reports/metrics.json",)
            assert row.figures.params
        else:
            assert not row.figures.problems


def test_a_commit_is_read_once(sample: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, Figures] = {}
    before = rows_of(sample, known)
    calls = []
    real = Repository.git
    monkeypatch.setattr(Repository, "git", lambda self, *a, **k: calls.append(a[0]) or real(self, *a, **k))
    assert rows_of(sample, known) == before
    assert "cat-file" not in calls
    figures_of(Repository(sample.root), [sample.commits["first"]])
    assert calls.count("cat-file") == 2


def test_a_project_in_a_folder_of_the_repository_is_read(copied_sample: Project) -> None:
    root = copied_sample.root
    (root / "sub folder").mkdir()
    git(root, "mv", "params.yaml", "reports", "sub folder")
    moved = commit(root, "Move it", 5)
    figures = figures_of(Repository(root / "sub folder"), [moved])[moved]
    assert figures.params["train.lora.rank"] == 8
    assert figures.values


@pytest.mark.parametrize(
    ("text", "kinds", "found"),
    [
        ("rank=2", [Kind.EXPERIMENT], ["hasty-lark"]),
        ("rank=2", [Kind.COMMIT], []),
        ("RAISE the", list(Kind), ["second"]),
        ("describe main", list(Kind), ["readme"]),
        ("v0.1", list(Kind), ["first"]),
        ("ada other-scale", list(Kind), ["other-scale"]),
        ("no such words", list(Kind), []),
    ],
)
def test_rows_are_found_by_words(sample: Project, text: str, kinds: list[Kind], found: list[str]) -> None:
    rows = matching(rows_of(sample), text, kinds)
    assert [row.revision.commit for row in rows] == [sample.commits[name] for name in found]


def test_the_best_and_the_last_loss_are_read(copied_sample: Project) -> None:
    summary = {"best": {"val_loss": 1.5}, "evaluations": [{"val_loss": 1.9}, {"val_loss": 1.5}, {"val_loss": 1.6}]}
    write_json(copied_sample.root / "reports/training/summary.json", summary)
    values = load_rows(Repository(copied_sample.root), [WORKSPACE])[0].figures.values
    assert values["training.val_loss"] == Measured(1.5)
    assert values["training.last_val_loss"] == Measured(1.6)
