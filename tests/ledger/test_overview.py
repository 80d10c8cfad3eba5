from __future__ import annotations

import json
from pathlib import Path

import pytest

from codetune.core.files import read_json, write_text
from codetune.history.listing import WORKSPACE, describe_commit
from codetune.history.repository import Repository
from codetune.ledger import overview
from codetune.ledger.overview import Leak, data_reports
from tests.support.sample_project import commit, git

DATA = {
    "raw": 100, "kept": 60, "dropped": {"near_duplicate": 10, "a_new_rule": 5, "test_code": 25},
    "splits": {"test": 10, "train": 50}, "groups": {"test": 1, "train": 4},
    "licenses": {"MIT": 20, "BSD-3-Clause": 30, "Python-2.0.1": 10},
    "lengths": {"code_tokens": {"p5": 26.0, "p50": 72.0, "p95": 207.0, "max": 256}, "instruction_words": {}},
}  # fmt: skip
LEAKS = {
    "train_rows": 70,
    "val": {"rows": 5, "exact_code": 0, "similar": 0, "leaks": []},
    "test": {
        "rows": 10, "exact_code": 1, "similar": 2,
        "leaks": [
            {"way": "similar", "held_out": "a", "train": "b", "similarity": 0.9},
            {"way": "similar", "held_out": "c", "train": "d", "similarity": 0.95},
            {"way": "exact_code", "held_out": "e", "train": "f"},
        ],
    },
}  # fmt: skip


def test_the_funnel_is_in_the_order_of_the_rules_and_adds_up() -> None:
    steps = overview.funnel(DATA)
    assert [(step.reason, step.dropped, step.left) for step in steps] == [
        ("test_code", 25, 75), ("near_duplicate", 10, 65), ("a_new_rule", 5, 60),
    ]  # fmt: skip
    assert steps[0].words == "it is test, example or benchmark code"
    assert steps[-1].words == "of the rule a_new_rule"


def test_the_funnel_of_this_project_ends_in_its_kept_rows() -> None:
    data = read_json(Path(__file__).parents[2] / "reports/data.json")
    assert overview.funnel(data)[-1].left == data["kept"]
    assert sum(count for _, count in overview.licenses(data)) == data["kept"]


def test_splits_licenses_and_lengths() -> None:
    assert overview.splits(DATA) == [("train", 4, 50), ("test", 1, 10)]
    assert overview.licenses(DATA) == [("BSD-3-Clause", 30), ("MIT", 20), ("Python-2.0.1", 10)]
    assert overview.lengths(DATA) == [
        ("tokens of code", {"p5": 26.0, "p50": 72.0, "p95": 207.0, "max": 256.0}),
        ("words of instruction", {}),
    ]


def test_leaks_by_way_and_split_and_one_by_one() -> None:
    assert overview.leak_counts(LEAKS) == [
        ("the same code", {"val": 0, "test": 1}),
        ("the same in meaning", {"val": 0, "test": 2}),
    ]
    assert overview.leaks_found(LEAKS) == [
        Leak("test", "the same code", "e", "f", None),
        Leak("test", "the same in meaning", "c", "d", 0.95),
        Leak("test", "the same in meaning", "a", "b", 0.9),
    ]


def test_paraphrases_with_the_reasons_of_rejections() -> None:
    counts = {"rows_in": 9, "paraphrases": 4, "rejected": {"too_similar": 1, "meaning_changed": 3}}
    assert overview.paraphrase_counts(counts) == [
        ("train rows", 9), ("paraphrases made", 4), ("attempts rejected: meaning changed", 3),
        ("attempts rejected: too similar", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("content", [{}, {"raw": "x", "dropped": 3, "licenses": [], "splits": {"train": None}}])
def test_odd_reports_count_nothing(content: dict[str, object]) -> None:
    assert overview.funnel(content) == overview.splits(content) == overview.licenses(content) == []
    assert overview.leak_counts(content) == overview.leaks_found({"test": {"leaks": []}}) == []


def test_reports_are_those_of_the_revision(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    write_text(tmp_path / "reports/data.json", json.dumps(DATA))
    write_text(tmp_path / "reports/leaks.json", "[")
    first = commit(tmp_path, "run", 0)
    write_text(tmp_path / "reports/data.json", json.dumps({**DATA, "raw": 7}))
    repository = Repository(tmp_path)
    before = data_reports(repository, describe_commit(repository, first))
    now = data_reports(repository, WORKSPACE)
    assert (before.data["raw"], now.data["raw"]) == (100, 7)
    assert before.problems == (
        f"reports/leaks.json of {first[:7]} cannot be read. It is stored in git in this form, so choose another revision.",
    )
    assert now.leaks == now.augmentation == {}
