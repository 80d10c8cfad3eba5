from __future__ import annotations

import pytest

from codetune.history.listing import WORKSPACE
from codetune.history.reading import load_reports
from codetune.history.repository import Repository
from tests.support.sample_project import Project


def test_a_commit_and_the_workspace_are_read_alike(sample: Project) -> None:
    at_commit, on_disk = sample.reports("readme"), load_reports(Repository(sample.root), WORKSPACE)
    for part in ("metrics", "signatures", "training", "params", "scores", "prompts", "curves"):
        assert getattr(at_commit, part) == getattr(on_disk, part), part
        assert getattr(at_commit, part), part
    assert at_commit.problems == on_disk.problems == ()


def test_the_content_is_what_was_written(sample: Project) -> None:
    reports = sample.reports("first")
    assert reports.params["train"]["lora"]["rank"] == 4
    assert reports.params["train"]["learning_rate"] == 2e-3  # YAML 1.2: a number
    assert len(reports.scores) == len(reports.prompts) == 60
    prompt = next(iter(reports.prompts.values()))
    assert prompt.answers["tuned"].text.endswith("# rank 4")
    assert prompt.answers["base"].text != prompt.answers["tuned"].text
    assert [curve.name for curve in reports.curves] == ["train/loss", "val/loss"]
    assert reports.curves[1].steps[:2] == (0, 50)


def test_a_revision_without_reports_is_empty_and_no_problem(sample: Project) -> None:
    reports = sample.reports("empty")
    assert not reports.measured
    assert reports.problems == ()


@pytest.mark.parametrize(
    ("path", "content", "part"),
    [
        ("reports/metrics.json", "{", "metrics"),
        ("reports/metrics.json", "[]", "metrics"),
        ("reports/signatures.json", "nonsense", "signatures"),
        ("reports/scores.jsonl", '{"id": "a"}\n', "scores"),
        ("reports/scores.jsonl", '{"id": "a", "group": "g", "base": {"f1": "high"}, "tuned": {}}\n', "scores"),
        ("reports/scores.jsonl", '{"id": "a"}\n' * 2, "scores"),
        (
            "reports/scores.jsonl",
            '{"id": "aaaa000000000001", "group": "g", "base": {"chrf": 101}, "tuned": {}}\n',
            "scores",
        ),
        ("reports/samples/tuned.jsonl", '{"answer": "x"}\n', "prompts"),
        ("reports/training/plots/metrics/val/loss.tsv", "step\tloss\none\ttwo\n", None),
        ("params.yaml", "train: [", "params"),
        ("reports/parity/metrics.json", '{"prompts": 100}', "parity"),
    ],
)
def test_a_damaged_file_is_named_and_the_rest_is_read(
    copied_sample: Project, path: str, content: str, part: str | None
) -> None:
    (copied_sample.root / path).parent.mkdir(exist_ok=True)
    (copied_sample.root / path).write_text(content)
    reports = load_reports(Repository(copied_sample.root), WORKSPACE)
    assert len(reports.problems) == 1
    assert "reports/samples" in reports.problems[0] if part == "prompts" else path in reports.problems[0]
    if part:
        assert not getattr(reports, part)
    assert reports.scores or part == "scores"


def test_numbers_in_unexpected_places_are_passed_over(copied_sample: Project) -> None:
    (copied_sample.root / "reports" / "metrics.json").write_text(
        '{"base": 3, "tuned": {"chrf": 1, "note": "x", "ok": true}}'
    )
    reports = load_reports(Repository(copied_sample.root), WORKSPACE)
    assert reports.values("base") == {}
    mean = sum(scores.tuned["chrf"] for scores in reports.scores.values()) / len(reports.scores)
    # An older report, in which the corpus score had the name of the mean.
    assert reports.values("tuned") == {"corpus_chrf": 1.0, "chrf": pytest.approx(mean)}


def test_bytes_that_are_no_text_are_a_problem_too(copied_sample: Project) -> None:
    (copied_sample.root / "reports" / "metrics.json").write_bytes(b"\xff\xfe\x00")
    assert "metrics.json" in load_reports(Repository(copied_sample.root), WORKSPACE).problems[0]
