"""Every row of two ledgers is in exactly one kind of change, counted by reason."""

import random

import pyarrow as pa

from codetune.ledger.changes import VersionChange, compare
from codetune.ledger.ledger import add_missing_columns
from codetune.schemas.ledger import LEDGER
from tests.ledger.conftest import ROWS
from tests.support.tables import dropped_row as dropped
from tests.support.tables import ledger_row as line


def ledger(rows):
    return add_missing_columns(pa.Table.from_pylist(rows, schema=LEDGER.arrow), "a ledger")


def counts(changes):
    return [(change.before, change.after, change.rows) for change in changes]


def test_each_kind_of_change():
    before = ledger([line("1"), line("2"), dropped("3", "dunder"), line("4"), line("5", path="a.py"), line("6")])
    after = ledger(
        [line("1"), dropped("2", "secret"), line("3"), line("4", split="test"), line("7", path="a.py"),
         dropped("8", "dunder")]
    )  # fmt: skip
    found = compare(before, after)
    assert counts(found.judged) == [("dunder", "keep", 1), ("keep", "secret", 1)]
    assert counts(found.moved) == [("train", "test", 1)]
    assert counts(found.came) == [(None, "dunder", 1), (None, "keep", 1)]
    assert counts(found.went) == [("keep", None, 2)]
    assert found.unchanged == 1
    assert found.rewritten == 2, "5 became 7, and 6 became 8: the same places"
    assert (found.before.rows, found.before.kept, found.after.rows, found.after.kept) == (6, 5, 6, 4)
    assert [row["id"] for row in found.went[0].examples] == ["5", "6"]


def test_rows_add_up_whatever_the_order():
    generator = random.Random(5)
    reasons = ["keep", "dunder", "secret"]
    sides = []
    for _ in range(2):
        ids = generator.sample(range(300), 200)
        sides.append([
            line(f"{number:03}") if (reason := generator.choice(reasons)) == "keep" else dropped(f"{number:03}", reason)
            for number in ids
        ])  # fmt: skip
    found = compare(*map(ledger, sides))
    total = {kind: sum(change.rows for change in getattr(found, kind)) for kind in ("came", "went", "judged", "moved")}
    assert found.unchanged + total["judged"] + total["moved"] + total["came"] == 200
    assert found.unchanged + total["judged"] + total["moved"] + total["went"] == 200
    assert min(total["came"], total["went"], total["judged"], found.unchanged) > 0
    for side in sides:
        generator.shuffle(side)
    assert compare(*map(ledger, sides)) == found


def test_rows_of_equal_id_are_counted_one_by_one():
    found = compare(ledger([line("1"), line("1")]), ledger([line("1"), line("1"), line("1")]))
    assert (found.unchanged, counts(found.came)) == (2, [(None, "keep", 1)])


def test_examples_are_limited():
    (change,) = compare(ledger([]), ledger(ROWS[:1] * 5), examples=2).came
    assert (change.rows, len(change.examples)) == (5, 2)


def test_what_was_read_in_another_version_is_named():
    def rows(version):
        return [line("1", source="stdlib", package="stdlib", version=version), line("2"), line("3", version="")]

    found = compare(ledger(rows("3.11.7")), ledger([*rows("3.13.0"), line("4", package="new")]))
    assert found.versions == [VersionChange("stdlib", "stdlib", "3.11.7", "3.13.0")]
