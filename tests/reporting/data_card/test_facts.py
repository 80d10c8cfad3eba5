"""What the card counts."""

import pytest

from codetune.reporting.data_card import facts
from tests.ledger.conftest import ROWS
from tests.support.tables import dropped_row as dropped
from tests.support.tables import ledger_row as line


def test_funnel_follows_the_order_of_the_rules():
    ledger = [*ROWS, dropped("1", "new_rule"), dropped("2", "decorated")]
    steps = [
        (step.reason, step.stage, step.dropped, step.left) for step in facts.funnel(facts.drops(ledger), len(ledger))
    ]
    assert steps == [
        ("decorated", "code", 2, 6), ("code_too_long", "length", 1, 5), ("near_duplicate", "duplicate", 1, 4),
        ("new_rule", "other", 1, 3),
    ]  # fmt: skip
    assert facts.kept_by_split(ledger) == {"train": 1, "val": 1, "test": 1}


def test_sources_and_licences():
    ledger = [
        *ROWS,
        dropped("1", "dunder", package="owl", license="ISC"),
        line("2", package="lark", split="test", group="lark/2"),
    ]
    assert [(found.name, found.splits, found.rows, found.kept) for found in facts.sources(ledger)] == [
        ("lark", ("train", "test"), 5, 2), ("robin", ("val",), 1, 1), ("wren", ("test",), 1, 1), ("owl", (), 1, 0),
    ]  # fmt: skip
    assert facts.groups_by_split(ledger) == {"train": 1, "val": 1, "test": 2}
    assert facts.by_license(ledger) == [("MIT", 3, 7, 4), ("ISC", 1, 1, 0)]


@pytest.mark.parametrize(("share", "value"), [(0.05, 1), (0.5, 5), (0.51, 6), (0.95, 10), (1, 10)])
def test_quantile_is_the_nearest_rank(share, value):
    assert facts.quantile(list(range(1, 11)), share) == value


def test_histogram_has_shares_of_each_split_and_a_closing_bin():
    assert facts.histogram({"train": [9, 10, 19, 20], "val": [5], "test": []}) == [
        {"split": "train", "tokens": 0, "share": 0.25},
        {"split": "train", "tokens": 10, "share": 0.5},
        {"split": "train", "tokens": 20, "share": 0.25},
        {"split": "train", "tokens": 30, "share": 0.0},
        {"split": "val", "tokens": 0, "share": 1.0},
        {"split": "val", "tokens": 10, "share": 0.0},
    ]


def test_examples_are_short_whatever_the_order():
    ledger = [line(str(number), code_lines=5 if number % 2 else 50) for number in range(20)]
    chosen = facts.example_ids(ledger)
    assert set(chosen) == {"train"}
    assert int(chosen["train"]) % 2
    assert facts.example_ids(ledger[::-1]) == chosen
    assert facts.example_ids([line("1", code_lines=50)]) == {"train": "1"}, "a long one where there is no other"


def test_groups_in_two_splits_are_found():
    assert facts.groups_in_several_splits(ROWS) == []
    assert facts.groups_in_several_splits([*ROWS, line("1", split="test"), dropped("2", "dunder", group="wren")]) == [
        "lark"
    ]


def test_thresholds_and_similarities_are_those_of_the_ledger():
    assert facts.thresholds(ROWS) == {
        "code_too_long": [("code_lines", 60.0)], "near_duplicate": [("similarity", 0.7)],
    }  # fmt: skip
    assert facts.similarities(ROWS) == {"near_duplicate": [0.84]}
