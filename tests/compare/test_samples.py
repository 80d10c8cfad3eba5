from __future__ import annotations

from typing import Any

import pytest

from codetune.compare.inline import Piece, inline_difference, reworded
from codetune.compare.samples import (
    Parsing,
    Sample,
    SampleFilter,
    ScoreChange,
    ScoredAnswer,
    by_change,
    comparable_metrics,
    filter_samples,
    samples_of,
    ways,
)
from codetune.evaluation.metrics.metric import Metric
from codetune.history.reports import Prompt
from tests.support.sample_project import Project

CHRF, LOSS = Metric("chrf", "chrF", score="chrf"), Metric("loss", "Loss", score="loss", larger_is_better=False)


def _sample(identifier: str, before: dict[str, float], after: dict[str, float], group: str = "lark") -> Sample:
    prompt = Prompt(identifier, group, f"{group}/a.py", f"do_{identifier}", f"Do {identifier}.", "return 1", {})
    return Sample(prompt, ScoredAnswer("old text", before), ScoredAnswer("new text", after))


SAMPLES = [
    _sample("a", {"chrf": 1.0, "syntax_valid": 0.0}, {"chrf": 3.0, "syntax_valid": 1.0}),
    _sample("b", {"chrf": 5.0, "syntax_valid": 1.0}, {"chrf": 1.0, "syntax_valid": 0.0}, "jinja2"),
    _sample("c", {"chrf": 2.0, "syntax_valid": 1.0}, {"chrf": 2.0, "syntax_valid": 1.0}),
    _sample("d", {}, {}),
]


def _ids(samples: list[Sample]) -> str:
    return "".join(sample.prompt.id for sample in samples)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (SampleFilter(), "abcd"),
        (SampleFilter(package="jinja2"), "b"),
        (SampleFilter(way=ScoreChange.BETTER), "a"),
        (SampleFilter(way=ScoreChange.WORSE), "b"),
        (SampleFilter(way=ScoreChange.SAME), "c"),
        (SampleFilter(parsing=Parsing.PARSES), "ac"),
        (SampleFilter(parsing=Parsing.FAILS), "b"),
        (SampleFilter(parsing=Parsing.MENDED), "a"),
        (SampleFilter(parsing=Parsing.BROKEN), "b"),
        (SampleFilter(text="DO_C"), "c"),
        (SampleFilter(text="jinja2/a"), "b"),
        (SampleFilter(text="return 1"), "abcd"),
        (SampleFilter(text="new text", way=ScoreChange.BETTER), "a"),
        (SampleFilter(text="nowhere"), ""),
    ],
)
def test_what_a_reader_asks_for(wanted: SampleFilter, ids: str) -> None:
    assert _ids(filter_samples(SAMPLES, wanted, CHRF)) == ids


def test_without_a_metric_nothing_is_better() -> None:
    assert _ids(filter_samples(SAMPLES, SampleFilter(), None)) == "abcd"
    assert filter_samples(SAMPLES, SampleFilter(way=ScoreChange.BETTER), None) == []


@pytest.mark.parametrize(("worst_first", "ids"), [(False, "acbd"), (True, "bcad")])
def test_order_by_change(worst_first: bool, ids: str) -> None:
    assert _ids(by_change(SAMPLES, CHRF, worst_first=worst_first)) == ids


def test_where_smaller_is_better_a_fall_is_an_improvement() -> None:
    samples = [_sample("a", {"loss": 1.0}, {"loss": 2.0}), _sample("b", {"loss": 2.0}, {"loss": 1.0})]
    assert _ids(by_change(samples, LOSS)) == "ba"
    assert [sample.way(LOSS) for sample in samples] == [ScoreChange.WORSE, ScoreChange.BETTER]


def test_counts_by_way() -> None:
    assert ways(SAMPLES, CHRF) == {ScoreChange.BETTER: 1, ScoreChange.WORSE: 1, ScoreChange.SAME: 1}


def test_two_revisions_are_compared_by_their_tuned_models(sample: Project) -> None:
    comparison = sample.compared("first", "readme")
    before, after = comparison.baseline, comparison.candidate
    found = samples_of(comparison)
    assert [one.prompt.id for one in found] == list(after.prompts)
    one = found[0]
    assert (one.before.text[-6:], one.after.text[-6:]) == ("rank 4", "rank 8")
    assert (one.before.scores, one.after.scores) == (
        before.scores[one.prompt.id].tuned,
        after.scores[one.prompt.id].tuned,
    )
    assert one.base == ScoredAnswer(one.prompt.answers["base"].text, after.scores[one.prompt.id].base)
    assert comparison.same_base


def test_one_revision_is_compared_with_its_base(sample: Project) -> None:
    comparison = sample.compared("readme", "readme")
    one = samples_of(comparison)[0]
    assert one.before.scores == comparison.candidate.scores[one.prompt.id].base
    assert one.base is None
    assert comparable_metrics(comparison)[0].key == "bertscore.f1"


def test_a_metric_that_was_measured_in_two_ways_moves_no_prompt(sample: Project) -> None:
    keys = [metric.key for metric in comparable_metrics(sample.compared("readme", "other-scale"))]
    assert "chrf" in keys
    assert not any(key.startswith("bertscore") for key in keys)


@pytest.mark.parametrize(
    ("reference", "answer", "pieces"),
    [
        ("a", "a", [("same", "a")]),
        ("", "", []),
        ("", "x", [("extra", "x")]),
        ("x", "", [("missing", "x")]),
        ("return left", "return right", [("same", "return "), ("missing", "left"), ("extra", "right")]),
        ("f(a)", "f(a, b)", [("same", "f(a"), ("extra", ", b"), ("same", ")")]),
    ],
)
def test_inline_difference(reference: str, answer: str, pieces: list[Any]) -> None:
    assert inline_difference(reference, answer) == [Piece(*piece) for piece in pieces]


def test_a_paraphrase_is_told_apart_word_by_word() -> None:
    pieces = reworded("Write a Python function `f`.", "Could you write a  Python function `f`?")
    told = {
        kind: [piece.text for piece in pieces if piece.kind == kind and piece.text.strip()]
        for kind in ("missing", "extra")
    }
    assert told == {"missing": ["Write", "`f`."], "extra": ["Could you write", "`f`?"]}


def test_both_texts_are_whole_in_the_difference(sample: Project) -> None:
    texts = [(one.prompt.reference, one.after.text) for one in samples_of(sample.compared("readme", "readme"))]
    # Long enough to be compared by lines, which differ from each other as those of programs do.
    old, new = (
        "".join(line.format(number) for number in range(700)) for line in ("one {0}\nsame {0}\n", "same {0}\ntwo {0}\n")
    )
    texts.append((old, new))
    for reference, answer in texts:
        pieces = inline_difference(reference, answer)
        assert "".join(piece.text for piece in pieces if piece.kind != "extra") == reference
        assert "".join(piece.text for piece in pieces if piece.kind != "missing") == answer
