from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from codetune.compare.baseline import difference_from
from codetune.compare.coordinates import NOTHING, parallel, points
from codetune.compare.figures import Figures, Measured, Row
from codetune.compare.quantities import Quantity, default_columns, metrics, parameters, ways_of, ways_sentence
from codetune.history.listing import Kind, Revision


def row(
    name: str, params: dict[str, Any] | None = None, values: dict[str, Any] | None = None, **signatures: str
) -> Row:
    measured = {key: value if isinstance(value, Measured) else Measured(value) for key, value in (values or {}).items()}
    revision = Revision(Kind.EXPERIMENT, name, name * 8, parent="f" * 40)
    return Row(revision, (), Figures(params or {}, measured, signatures))


def by_key(found: list[Quantity], key: str) -> Quantity:
    return next(quantity for quantity in found if quantity.key == key)


def test_parameters_that_differ_come_before_those_that_some_lack() -> None:
    rows = [
        row("a", {"same": 1, "new": 1, "rank": 4, "kind": "x"}),
        row("b", {"same": 1, "rank": 8, "kind": ["x"]}),
        row("c"),
    ]
    found = parameters(rows)
    assert [(quantity.key, quantity.partial) for quantity in found] == [("rank", False), ("kind", False), ("new", True)]
    assert [quantity.key for quantity in default_columns(found)] == ["rank", "kind"]
    assert [by_key(found, "kind").value(each) for each in rows] == ["x", '["x"]', None]
    assert by_key(found, "rank").value(rows[0]) == 4.0


def test_metrics_have_names_units_and_the_headline_first() -> None:
    values = {
        "base.chrf": 1.0, "tuned.syntax_valid": 0.82, "tuned.odd": 1.0, "gain.bertscore.f1": Measured(0.2, 0.1, 0.3),
        "tuned.bertscore.f1": 0.5, "training.val_loss": 2.5, "robustness.tuned.bertscore.f1": Measured(-0.02, -0.04, 0.01),
        "gain.syntax_valid": Measured(0.1, 0.05, 0.2), "tuned.bertscore.f1_raw": 0.9,
    }  # fmt: skip
    found = metrics([row("a", values=values)])
    assert [quantity.label for quantity in found] == [
        "BERTScore F1", "Gain in BERTScore F1", "Parses", "Validation loss", "odd", "Gain in Parses",
        "BERTScore F1 in other words", "chrF of the base",
    ]  # fmt: skip
    assert len(default_columns(found)) == 4
    assert by_key(found, "tuned.syntax_valid").text(0.82) == "82.0 %"
    assert by_key(found, "gain.syntax_valid").text(0.1) == "+10.0 pp"
    loss = by_key(found, "training.val_loss").metric
    assert loss is not None
    assert not loss.larger_is_better


class TestWays:
    shown = metrics([row("x", values={"tuned.bertscore.f1": 1.0, "tuned.chrf": 1.0, "tuned.stopped": 1.0})])
    rows = (
        row("a", values={"tuned.bertscore.f1": 0.1}, bertscore="m|layer:6", chrf="c", prompts_digest="p"),
        row("b", values={"tuned.bertscore.f1": 0.2}, bertscore="m|layer:6", chrf="d", prompts_digest="p"),
        row("c", values={"tuned.bertscore.f1": 0.3}, bertscore="m|layer:3", chrf="c", prompts_digest="p"),
        row("d", values={"tuned.bertscore.f1": 0.4}, bertscore="m|layer:6", chrf="c", prompts_digest="q"),
        row("e", values={}, bertscore="other"),
    )

    def test_only_the_signatures_of_what_is_shown_count(self) -> None:
        f1 = [by_key(self.shown, "tuned.bertscore.f1")]
        ways, names = ways_of(self.rows, f1)
        assert [(way.name, way.rows) for way in ways] == [("A", 2), ("B", 1), ("C", 1)]
        assert names == {"a" * 8: "A", "b" * 8: "A", "c" * 8: "B", "d" * 8: "C"}
        ways, _ = ways_of(self.rows, [*f1, by_key(self.shown, "tuned.chrf")])
        assert len(ways) == 4

    def test_it_is_said_what_differs(self) -> None:
        ways, _ = ways_of(self.rows, [by_key(self.shown, "tuned.bertscore.f1")])
        sentence = ways_sentence(ways)
        assert sentence.startswith("These figures were measured in 3 ways: A (2 revisions), B (1 revision), C (1 rev")
        assert "bertscore was set up differently (A layer:6, B layer:3, C layer:6)" in sentence
        assert "they did not all answer the same prompts" in sentence

    def test_one_way_is_not_worth_a_word(self) -> None:
        ways, _ = ways_of(self.rows[:2], [by_key(self.shown, "tuned.bertscore.f1")])
        assert len(ways) == 1
        assert ways_sentence(ways) == ""

    def test_a_metric_without_a_signature_still_needs_the_same_prompts(self) -> None:
        rows = [row(name, values={"tuned.stopped": 1.0}, prompts_digest=name) for name in "ab"]
        ways, _ = ways_of(rows, [by_key(self.shown, "tuned.stopped")])
        assert len(ways) == 2

    def test_scores_of_code_are_not_those_of_whole_answers(self) -> None:
        rows = [row(name, values={"tuned.stopped": 1.0}, answers=read) for name, read in (("a", "code"), ("b", "text"))]
        ways, _ = ways_of(rows, [by_key(self.shown, "tuned.stopped")])
        assert len(ways) == 2

    def test_losses_of_other_tokens_are_of_several_ways_whatever_the_prompts(self) -> None:
        rows = [
            row(name, values={"training.val_loss": 1.0}, val_loss=way, prompts_digest=name)
            for name, way in (("a", "rows:48"), ("b", "rows:48"), ("c", "rows:200"))
        ]
        ways, names = ways_of(rows, [by_key(metrics(rows), "training.val_loss")])
        assert (len(ways), names["a" * 8]) == (2, names["b" * 8])

    def test_figures_without_signatures_are_not_taken_for_the_same(self) -> None:
        rows = [self.rows[0], row("z", values={"tuned.bertscore.f1": 0.1})]
        ways, _ = ways_of(rows, [by_key(self.shown, "tuned.bertscore.f1")])
        assert "not recorded" in ways_sentence(ways)


def test_points_have_the_intervals_that_were_reported() -> None:
    rows = [
        row("a", {"rank": 4}, {"gain.bertscore.f1": Measured(0.2, 0.1, 0.3)}),
        row("b", {"rank": 8}, {"gain.bertscore.f1": Measured(0.4)}),
        row("c", {"rank": 8}),
    ]
    x, y = parameters(rows)[0], metrics(rows)[0]
    first, second = points(rows, x, y, {"a" * 8: "A"})
    assert (first.x, first.y, first.y_ends, first.way) == (4.0, 0.2, (0.1, 0.3), "A")
    assert first.y_text == "+0.2000 (+0.1000 to +0.3000)"
    assert (second.y_ends, second.way, second.y_text) == (None, NOTHING, "+0.4000")


def test_an_axis_with_a_word_is_an_axis_of_words() -> None:
    rows = [row("a", {"modules": "all"}, {"tuned.chrf": 1.0}), row("b", {"modules": 4}, {"tuned.chrf": 2.0})]
    found = points(rows, parameters(rows)[0], metrics(rows)[0], {})
    assert [point.x for point in found] == ["all", "4"]


def test_better_is_up_on_parallel_axes() -> None:
    rows = [
        row("a", {"rank": 4, "kind": "x"}, {"training.val_loss": 2.0, "tuned.chrf": 30.0}),
        row("b", {"rank": 8, "kind": "y"}, {"training.val_loss": 3.0, "tuned.chrf": 10.0}),
        row("c", {"rank": 6, "kind": "x"}, {"training.val_loss": 2.5}),
        row("d"),
    ]
    axes, places = parallel(rows, [*parameters(rows), *metrics(rows)], {})
    assert [(axis.label, axis.bottom, axis.top) for axis in axes] == [
        ("rank", "4", "8"), ("kind", "x", "y"), ("chrF", "10.00", "30.00"), ("Validation loss", "3.0000", "2.0000"),
    ]  # fmt: skip
    heights = {title: [place.height for place in places if place.title == title] for title in "abcd"}
    assert heights == {"a": [0, 0, 1, 1], "b": [1, 1, 0, 0], "c": [0.5, 0, None, 0.5], "d": []}


def test_equal_values_stand_in_the_middle() -> None:
    rows = [row(name, {}, {"tuned.chrf": 2.0}) for name in "ab"]
    _, places = parallel(rows, metrics(rows), {})
    assert [place.height for place in places] == [0.5, 0.5]


@pytest.mark.parametrize("count", [27])
def test_ways_never_run_out_of_names(count: int) -> None:
    rows = [row(f"r{n}", values={"tuned.chrf": 1.0}, chrf=str(n)) for n in range(count)]
    ways, _ = ways_of(rows, metrics(rows))
    assert len({way.name for way in ways}) == count
    assert ways[26].name == "A2"


def test_what_an_experiment_changed_in_its_parent_comes_first() -> None:
    parent = replace(row("p", {"seed": 1, "rank": 4}), revision=Revision(Kind.COMMIT, "p", "f" * 40))
    other = replace(row("b", {"seed": 2, "rank": 4}), revision=Revision(Kind.COMMIT, "b", "e" * 40))
    rows = [row("a", {"seed": 1, "rank": 8}), other]
    assert [found.key for found in parameters(rows)] == ["seed", "rank"]
    assert [found.key for found in parameters(rows, [parent])] == ["rank", "seed"]


def test_figures_of_another_way_are_not_subtracted() -> None:
    first, second = (row(name, values={"tuned.chrf": value}) for name, value in (("a", 30.0), ("b", 34.0)))
    chrf = by_key(metrics([first]), "tuned.chrf")
    keys = [each.revision.key for each in (first, second)]
    assert difference_from(second, first, chrf, dict.fromkeys(keys, "A")) == 4.0
    assert difference_from(second, first, chrf, dict(zip(keys, "AB", strict=True))) is None
    assert difference_from(second, row("c"), chrf, {}) is None
