from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from codetune.compare.comparison import Comparison, MetricDifference, Verdict, compare, gain_of
from codetune.compare.groups import gain_by_package, histogram
from codetune.compare.wording import (
    gain_sentence,
    interval_text,
    robustness_sentence,
    source_sentences,
    unfinished_sentence,
    verdict_sentence,
)
from codetune.evaluation.metrics.catalogue import VALIDATION_LOSS, metrics_of
from codetune.evaluation.metrics.metric import Metric
from codetune.evaluation.metrics.registry import F1, PARSES
from codetune.history.listing import Kind, Revision
from codetune.history.parameters import ParameterDifference, parameter_differences
from codetune.history.reports import PromptScores, Reports, Variant
from codetune.history.running import Run
from codetune.history.unfinished import OutdatedStage
from codetune.stats.intervals import paired_interval
from codetune.stats.significance import mcnemar_p
from tests.support.sample_project import Project


def _revision(name: str) -> Revision:
    return Revision(Kind.COMMIT, name, name * 8)


def _reports(name: str, base: list[float], tuned: list[float], metric: str = "bertscore_f1", **more: Any) -> Reports:
    """A revision whose prompts `p0`, `p1`, … have one score each."""
    key = metric.replace("_", ".", 1) if metric.startswith("bertscore") else metric
    metrics = {role: {key: sum(v) / len(v)} for role, v in (("base", base), ("tuned", tuned)) if v}
    scores = {
        f"p{place}": PromptScores("package", {metric: old}, {metric: new})
        for place, (old, new) in enumerate(zip(base, tuned, strict=True))
    }
    return Reports(_revision(name), metrics=metrics, scores=scores, **more)


FLAT = [0.1] * 8
NOISY = [0.1, 0.3, 0.2, 0.4, 0.1, 0.3, 0.2, 0.4]


@pytest.mark.parametrize(
    ("metric", "before", "after", "verdict"),
    [
        ("bertscore_f1", FLAT, [0.2] * 8, Verdict.BETTER),
        ("bertscore_f1", [0.2] * 8, FLAT, Verdict.WORSE),
        ("bertscore_f1", NOISY, NOISY[::-1], Verdict.INDISTINGUISHABLE),
        ("bertscore_f1", NOISY, NOISY, Verdict.SAME),
        ("my_loss", FLAT, [0.2] * 8, Verdict.WORSE),
        ("my_loss", [0.2] * 8, FLAT, Verdict.BETTER),
    ],
)
def test_verdict(metric: str, before: list[float], after: list[float], verdict: Verdict) -> None:
    found = compare(_reports("a", FLAT, before, metric), _reports("b", FLAT, after, metric))
    [row] = found.rows["tuned"]
    assert row.verdict is verdict
    assert row.difference == pytest.approx(sum(after) / 8 - sum(before) / 8)


def test_many_metrics_ask_for_more_certainty() -> None:
    """What is better by itself may be chance where it is one of twenty that were looked at."""
    before = [0.5, 0.4, 0.6, 0.5, 0.3, 0.6, 0.4, 0.5, 0.6, 0.4]
    after = [
        value + change
        for value, change in zip(before, [0.1, 0.2, -0.05, 0.1, 0.05, 0.1, 0.1, -0.02, 0.1, 0.1], strict=True)
    ]
    params = {"score": {"seed": 3}}
    [row] = compare(_reports("a", [0.1] * 10, before), _reports("b", [0.1] * 10, after, params=params)).rows["tuned"]
    assert row.verdict is Verdict.BETTER
    assert row.p_value is not None
    assert 0.005 < row.p_value < 0.05
    assert row.detectable is not None
    assert 0 < row.detectable < 0.1
    chance = {f"m{place}": before[place % 10 :] + before[: place % 10] for place in range(1, 10)}
    sides = [
        Reports(
            _revision(name),
            metrics={"tuned": {"bertscore": {"f1": 0.5}} | dict.fromkeys(chance, 0.5)},
            scores={
                f"p{place}": PromptScores(
                    "g", {}, {"bertscore_f1": mine[place]} | {key: found[place] for key, found in more.items()}
                )
                for place in range(10)
            },
            params=params,
        )
        for name, mine, more in (("a", before, dict.fromkeys(chance, before)), ("b", after, chance))
    ]
    first = compare(*sides).rows["tuned"][0]
    assert first.verdict is Verdict.INDISTINGUISHABLE
    assert first.p_value == pytest.approx(10 * row.p_value)


def test_right_or_wrong_is_tested_by_mcnemar() -> None:
    before, after = [0.0] * 9 + [1.0] * 3, [1.0] * 9 + [1.0, 1.0, 0.0]
    [row] = compare(
        _reports("a", [0.0] * 12, before, "syntax_valid"), _reports("b", [0.0] * 12, after, "syntax_valid")
    ).rows["tuned"]
    assert row.p_value == mcnemar_p(before, after) == pytest.approx(22 / 1024)
    assert row.verdict is Verdict.BETTER


def test_the_interval_is_the_paired_bootstrap_of_the_shared_prompts() -> None:
    params = {"score": {"seed": 3, "bootstrap_samples": 500, "confidence": 0.9}}
    before, after = _reports("a", FLAT, NOISY), _reports("b", FLAT, [0.3] * 8, params=params)
    [row] = compare(before, after).rows["tuned"]
    expected = paired_interval(NOISY, [0.3] * 8, samples=500, confidence=0.9, seed=3)
    assert (row.low, row.high) == (expected.low, expected.high)


def test_prompts_are_aligned_by_id_and_the_others_left_out() -> None:
    before, after = _reports("a", FLAT, NOISY), _reports("b", FLAT, NOISY)
    shuffled = dict(reversed([item for item in after.scores.items() if item[0] != "p1"]))
    found = compare(before, replace(after, scores=shuffled))
    assert found.rows["tuned"][0].verdict is Verdict.SAME
    assert found.shared == 7
    assert "8 prompts in the baseline, 7 in the candidate" in found.notices[0]


def test_disjoint_prompts_are_not_subtracted() -> None:
    before, after = _reports("a", FLAT, NOISY), _reports("b", FLAT, NOISY)
    other = {f"other-{key}": value for key, value in after.scores.items()}
    found = compare(before, replace(after, scores=other))
    assert found.rows["tuned"][0].verdict is Verdict.INCOMPARABLE
    assert found.rows["tuned"][0].difference is found.rows["tuned"][0].p_value is None
    assert "no prompts in common" in found.notices[0]


LONG = "|".join(f"part{place}:{'x' * 9}" for place in range(20))


@pytest.mark.parametrize(
    ("old", "new", "verdict", "told"),
    [
        ({"bertscore": "layer 6"}, {"bertscore": "layer 3"}, Verdict.INCOMPARABLE,
         "^bertscore was measured in two ways, so its values are not subtracted: layer 6 became layer 3.$"),
        ({"chrf": "c"}, {"chrf": "c", "answers": "code"}, Verdict.INCOMPARABLE,
         "^answers was measured in two ways, so its values are not subtracted"),
        ({"chrf": "c", "answers": "text"}, {"chrf": "c", "answers": "code"}, Verdict.INCOMPARABLE,
         "^answers was measured in two ways"),
        ({"bertscore": f"{LONG}|layer:6|idf:no"}, {"bertscore": f"{LONG}|layer:3|idf:no"}, Verdict.INCOMPARABLE,
         "not subtracted: layer:6 became layer:3.$"),
        ({"versions": {"torch": "2.12"}}, {"versions": {"torch": "2.13"}}, Verdict.BETTER,
         "versions.torch: 2.12 became 2.13"),
        ({}, {"bertscore": "layer 6"}, Verdict.BETTER, "not known"),
        ({"prompts_digest": "1"}, {"prompts_digest": "2"}, Verdict.BETTER, "same ids but another digest"),
        ({"bertscore": "layer 6"}, {"bertscore": "layer 6"}, Verdict.BETTER, None),
    ],
)  # fmt: skip
def test_what_was_measured_in_two_ways_is_told(
    old: dict[str, Any], new: dict[str, Any], verdict: Verdict, told: str | None
) -> None:
    found = compare(_reports("a", FLAT, NOISY, signatures=old), _reports("b", FLAT, [0.5] * 8, signatures=new))
    assert found.rows["tuned"][0].verdict is verdict
    assert len(found.notices) == (told is not None)
    assert told is None or re.search(told, found.notices[0])


@pytest.mark.parametrize(
    ("before", "after", "verdict", "improves"),
    [(1.5, 1.4, Verdict.UNCERTAIN, True), (1.4, 1.5, Verdict.UNCERTAIN, False), (1.5, 1.5, Verdict.SAME, None)],
)
def test_validation_loss_has_a_direction_but_no_interval(
    before: float, after: float, verdict: Verdict, improves: bool | None
) -> None:
    sides = [
        _reports(name, FLAT, NOISY, training={"best": {"val_loss": loss}})
        for name, loss in (("a", before), ("b", after))
    ]
    row = compare(*sides).rows["tuned"][-1]
    assert (row.metric, row.verdict, row.improves) == (VALIDATION_LOSS, verdict, improves)
    assert interval_text(row) == ""


def test_validation_losses_of_other_tokens_are_not_subtracted() -> None:
    sizes = {"val_rows": 48, "val_labels": 900}
    losses = [{"best": {"val_loss": 2.6}} | sizes, {"best": {"val_loss": 1.5}} | sizes | {"val_labels": 800}]
    sides = [
        _reports(name, FLAT, NOISY, training=loss, signatures={"answers": "code"})
        for name, loss in zip("ab", losses, strict=True)
    ]
    found = compare(*sides)
    row = found.rows["tuned"][-1]
    assert (row.verdict, row.difference) == (Verdict.INCOMPARABLE, None)
    assert any("val_loss was measured in two ways" in notice for notice in found.notices)
    assert compare(sides[0], sides[0]).rows["tuned"][-1].verdict is Verdict.SAME


def test_a_metric_without_per_prompt_scores_is_shown_as_reported() -> None:
    sides = [
        Reports(_revision(name), metrics={"tuned": {"pass_at_1": value}}) for name, value in (("a", 0.1), ("b", 0.2))
    ]
    [row] = compare(*sides).rows["tuned"]
    assert (row.baseline, row.candidate, row.verdict) == (0.1, 0.2, Verdict.UNCERTAIN)


NEW = {"chrf": "eff:yes|mean:prompts", "corpus_chrf": "eff:yes"}


def _new(name: str, tuned: list[float], corpus: float) -> Reports:
    found = _reports(name, FLAT[: len(tuned)], tuned, "chrf", signatures=NEW)
    return replace(found, metrics={"tuned": found.metrics["tuned"] | {"corpus_chrf": corpus}})


def test_corpus_scores_of_older_reports_are_not_taken_for_means() -> None:
    """Under the name `chrf` reports/metrics.json once had the score of all answers as one text."""
    older = [
        replace(_reports(name, FLAT, tuned, "chrf", signatures={"chrf": "eff:yes"}), metrics={"tuned": {"chrf": 7.0}})
        for name, tuned in (("a", NOISY), ("b", [value + 0.1 for value in NOISY]))
    ]
    rows = {row.metric.key: row for row in compare(*older).rows["tuned"]}
    assert (rows["chrf"].baseline, rows["chrf"].difference) == (pytest.approx(0.25), pytest.approx(0.1))
    assert (rows["corpus_chrf"].baseline, rows["corpus_chrf"].verdict) == (7.0, Verdict.SAME)
    found = compare(older[0], _new("c", NOISY, 9.0))
    rows = {row.metric.key: row for row in found.rows["tuned"]}
    assert (rows["chrf"].candidate, rows["chrf"].verdict) == (pytest.approx(0.25), Verdict.INCOMPARABLE)
    assert (rows["corpus_chrf"].candidate, rows["corpus_chrf"].difference) == (9.0, None)
    assert any(notice.startswith("chrf was measured in two ways") for notice in found.notices)


def test_corpus_scores_of_other_prompts_are_not_subtracted() -> None:
    rows = {row.metric.key: row for row in compare(_new("a", NOISY, 8.0), _new("b", NOISY, 9.0)).rows["tuned"]}
    assert rows["corpus_chrf"].difference == 1.0
    assert rows["corpus_chrf"].low is None
    rows = {row.metric.key: row for row in compare(_new("a", NOISY, 8.0), _new("b", NOISY[:6], 9.0)).rows["tuned"]}
    assert rows["corpus_chrf"].difference is None
    assert rows["chrf"].verdict is Verdict.SAME, "over the prompts that both answered"


def test_a_metric_that_one_revision_lacks_has_no_difference() -> None:
    before, after = _reports("a", FLAT, NOISY), _reports("b", FLAT, NOISY, "chrf")
    rows = {row.metric.key: row for row in compare(before, after).rows["tuned"]}
    assert (rows["chrf"].baseline, rows["chrf"].difference) == (None, None)
    assert (rows["bertscore.f1"].candidate, rows["bertscore.f1"].verdict) == (None, Verdict.UNCERTAIN)


def test_gain_is_base_against_tuned() -> None:
    reports = _reports("a", FLAT, [0.2] * 8)
    [row] = gain_of(reports)
    assert (row.baseline, row.verdict) == (pytest.approx(0.1), Verdict.BETTER)
    assert gain_sentence(reports, [row]) == (
        "Tuning made the model better: BERTScore F1 +0.1000 (+0.1000 to +0.1000), over 8 prompts."
    )


def test_a_sentence_says_why_an_interval_without_zero_is_no_difference() -> None:
    reports = replace(_reports("a", FLAT, NOISY), params={"score": {"confidence": 0.95}})
    row = MetricDifference(F1, 0.5, 0.511, 0.001, 0.021, Verdict.INDISTINGUISHABLE, 0.063, 0.02, 1.0, 9)
    told = "BERTScore F1 +0.0110 (+0.0010 to +0.0210; p is above 0.05 after correction for 9 metrics)"
    assert told in gain_sentence(reports, [row])
    rows: dict[Variant, list[MetricDifference]] = {"base": [], "tuned": [row]}
    found = Comparison(reports, reports, rows, [], [], [], 8, [], {"mine": [row]})
    assert told in verdict_sentence(found)
    assert told in source_sentences(found)[0]


def test_a_family_counts_the_metrics_that_differ(sample: Project) -> None:
    rows = sample.compared("first", "readme").rows["tuned"]
    tested = [row for row in rows if row.p_value is not None]
    differ = [row for row in tested if row.verdict is not Verdict.SAME]
    assert 1 < len(differ) < len(tested)
    assert {row.family for row in tested} == {len(differ)}


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("first", "readme", "The candidate is better on 10, indistinguishable on 2 and the same on 4 of 16 metrics"),
        ("readme", "hasty-lark", "The candidate is worse on"),
        ("second", "readme", "The candidate reports exactly what the baseline reports, over 60 prompts."),
        ("readme", "other-scale", "not comparable on 3 of 16 metrics, over 60 prompts. chrF +"),
        ("empty", "readme", "The two revisions share no metric"),
    ],
)
def test_verdict_sentence(sample: Project, first: str, second: str, sentence: str) -> None:
    assert sentence in verdict_sentence(sample.compared(first, second))


@pytest.mark.parametrize(("task", "label"), [("python", "BERTScore F1"), ("text", "BLEU"), (None, "BERTScore F1")])
def test_what_the_answers_are_decides_which_metric_leads(sample: Project, task: str | None, label: str) -> None:
    sides = [sample.reports(name) for name in ("first", "readme")]
    sides = [replace(side, params={**side.params, "clean": {"task": task}}) for side in sides]
    assert f"over 60 prompts. {label} +" in verdict_sentence(compare(*sides))
    assert f": {label} +" in gain_sentence(sides[1], compare(*sides).gain)


def _executed(passed: float, **changes: str) -> dict[str, Any]:
    found = {"base": {"pass@1": 0.0, "low": 0.0}, "tuned": {"pass@1": passed, "low": 0.0}}
    return {"mine": {**found, "digest": "1", **changes}}


def _tried(tuned: str) -> dict[str, dict[Any, str]]:
    """Outcomes of the problems `t0`, `t1`, …: `p` for passed; the base solves the first."""
    outcomes = {"p": "passed", "f": "assertion"}
    return {
        f"t{place}": {"tuned": outcomes[letter], "base": "assertion" if place else "passed"}
        for place, letter in enumerate(tuned)
    }


class TestExecution:
    def compare(self, old: dict[str, Any], new: dict[str, Any]) -> Any:
        signed = {"bertscore": "layer 6"}
        sides = [_reports(name, FLAT, NOISY, signatures=signed) for name in ("a", "b")]
        return compare(*(replace(side, execution=found) for side, found in zip(sides, (old, new), strict=True)))

    def test_the_share_that_passes_is_compared(self) -> None:
        found = self.compare(_executed(0.25), _executed(0.5))
        [row] = [row for row in found.rows["tuned"] if row.metric.key == "execution.mine.pass@1"]
        assert (row.metric.label, row.difference, row.verdict) == ("mine, pass@1", 0.25, Verdict.UNCERTAIN)
        assert found.notices == []

    def test_problems_that_both_were_tried_on_are_tested_in_pairs(self) -> None:
        signed = {"bertscore": "layer 6"}
        before, after = (
            replace(_reports(name, FLAT, NOISY, signatures=signed), execution=_executed(0.5), outcomes={"mine": tried})
            for name, tried in (("a", _tried("pppffffffff")), ("b", _tried("fpppppppppp")))
        )
        found = compare(before, after)
        [row] = [row for row in found.rows["tuned"] if row.metric.key == "execution.mine.pass@1"]
        assert (row.baseline, row.candidate) == (pytest.approx(3 / 11), pytest.approx(10 / 11))
        # Eight won, one lost: 2 (1 + 9) / 2^9; all other scores are the same.
        assert row.p_value == pytest.approx(20 / 512)
        [flips] = found.flips
        assert (flips.set, flips.shared, flips.won, flips.lost) == ("mine", 11, [f"t{n}" for n in range(3, 11)], ["t0"])
        alone = compare(after, after)
        assert (alone.flips[0].won, alone.flips[0].lost) == ([f"t{n}" for n in range(1, 11)], ["t0"])
        [gain] = [row for row in alone.gain if row.metric.key == "execution.mine.pass@1"]
        assert gain.p_value is not None
        other = replace(after, execution=_executed(0.5, digest="2"))
        assert compare(before, other).flips == [], "of other tests nothing was won"

    @pytest.mark.parametrize("changes", [{"digest": "2"}, {"python": "3.12"}])
    def test_other_tests_or_another_python_are_not_subtracted(self, changes: dict[str, str]) -> None:
        found = self.compare(_executed(0.25), _executed(0.5, **changes))
        [row] = [row for row in found.rows["tuned"] if row.metric.signature == "execution.mine"]
        assert row.verdict is Verdict.INCOMPARABLE
        assert "execution.mine was measured in two ways" in found.notices[0]

    def test_other_tests_of_one_set_say_nothing_of_another(self) -> None:
        old, new = ({**_executed(share), "other": _executed(share, digest=digest)["mine"]}
                    for share, digest in ((0.25, "1"), (0.5, "2")))  # fmt: skip
        found = self.compare(old, new)
        verdicts = {row.metric.label: row.verdict for row in found.rows["tuned"]}
        assert (verdicts["mine, pass@1"], verdicts["other, pass@1"]) == (Verdict.UNCERTAIN, Verdict.INCOMPARABLE)

    def test_what_only_one_revision_ran_needs_no_warning(self) -> None:
        found = self.compare({}, _executed(0.5))
        [row] = [row for row in found.rows["tuned"] if row.metric.signature == "execution.mine"]
        assert (row.baseline, row.candidate, row.difference) == (None, 0.5, None)
        assert found.notices == []


@pytest.mark.parametrize(
    ("value", "signed", "shown"),
    [
        (0.1, False, "0.1000"),
        (-0.1, True, "\u22120.1000"),
        (0.00001, True, "0.0000"),
        (-0.00001, True, "0.0000"),
        (0.25, True, "+0.2500"),
    ],
)
def test_numbers_are_shown_with_their_sign(value: float, signed: bool, shown: str) -> None:
    assert Metric("m", "M").show(value, signed=signed) == shown


def test_a_difference_of_percentages_is_in_points() -> None:
    parses = PARSES
    assert (parses.show(0.5), parses.show(0.05, signed=True)) == ("50.0 %", "+5.0 pp")


@pytest.mark.parametrize(
    ("key", "larger_is_better"),
    [("pass_at_1", True), ("val_loss", False), ("perplexity", False), ("time.seconds", False), ("glossary", True)],
)
def test_unlisted_metrics_take_their_direction_from_the_name(key: str, larger_is_better: bool) -> None:
    assert metrics_of([key])[0].larger_is_better is larger_is_better


def test_parameters_are_compared_flat() -> None:
    old = {"train": {"lora": {"rank": 4}, "seed": 7}, "gone": True, "list": [1, 2]}
    new = {"train": {"lora": {"rank": 8}, "seed": 7}, "new": None, "list": [1, 2]}
    assert parameter_differences(old, new) == [
        ParameterDifference("train.lora.rank", "4", "8"),
        ParameterDifference("new", "\u2014", "null"),
        ParameterDifference("gone", "true", "\u2014"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"numbers": 10}, [ParameterDifference("weights.numbers", "\u2014", "10")]),
        ({"numbers": 10}, {}, [ParameterDifference("weights.numbers", "10", "\u2014")]),
        ({}, {}, []),
        ({}, [], [ParameterDifference("weights", "{}", "[]")]),
        ({}, "none", [ParameterDifference("weights", "{}", "none")]),
        (
            None,
            {"a": 1},
            [ParameterDifference("weights.a", "\u2014", "1"), ParameterDifference("weights", "null", "\u2014")],
        ),
    ],
)
def test_a_mapping_that_is_filled_is_told_by_its_keys(before: Any, after: Any, told: list[ParameterDifference]) -> None:
    assert parameter_differences({"weights": before}, {"weights": after}) == told


@pytest.mark.parametrize(("rank", "tuned", "told"), [(8, NOISY, True), (4, NOISY, False), (8, [0.5] * 8, False)])
def test_changed_parameters_with_unchanged_scores_are_told(rank: int, tuned: list[float], told: bool) -> None:
    before = _reports("a", FLAT, NOISY, params={"rank": 4}, signatures={"chrf": "same"})
    after = _reports("b", FLAT, tuned, params={"rank": rank}, signatures={"chrf": "same"})
    notices = compare(before, after).notices
    expected = (
        "Parameters differ, but no score does: they have no effect here, or the reports of b are older than its "
        "parameters (then run `dvc repro`)."
    )
    assert notices == [expected] * told


def test_histogram_shares_sum_to_one_on_common_edges() -> None:
    bins = histogram(_reports("a", FLAT, [0.04, 0.05, 0.15, 0.151, -0.01, 0.3, 0.3, 0.3]), "tuned", "bertscore_f1")
    assert sum(part.share for part in bins) == pytest.approx(1)
    assert [(part.start, part.share) for part in bins if part.share] == [
        (-0.05, 0.125),
        (0.0, 0.125),
        (0.05, 0.125),
        (0.15, 0.25),
        (0.3, 0.375),
    ]


def test_gain_by_package_leaves_out_single_prompts() -> None:
    def scores(group: str, gain: float) -> PromptScores:
        return PromptScores(group, {"f1": 0.5}, {"f1": 0.5 + gain})

    table = {
        "1": scores("a", 0.1),
        "2": scores("a", 0.1),
        "3": scores("b", 0.3),
        "4": scores("b", 0.3),
        "5": scores("c", 1),
    }
    gains = gain_by_package(Reports(_revision("a"), scores=table), "f1")
    assert [(gain.group, gain.prompts, round(gain.mean, 6)) for gain in gains] == [("b", 2, 0.3), ("a", 2, 0.1)]


def test_robustness_is_told_in_a_sentence() -> None:
    def told(**moved: float) -> str:
        found = {"prompts": 130, "base": {}, "tuned": {"changed": 0.85, "f1": moved}}
        return robustness_sentence(Reports(_revision("a"), metrics={"robustness": found}))

    start = "The tuned model gave another answer to 85 % of 130 reworded prompts. Its BERTScore F1"
    ends = "\u22120.0190 (\u22120.0400 to \u22120.0020"
    numbers = {"mean": -0.019, "low": -0.04, "high": -0.002}
    corrected = "corrected over all metrics)."
    assert told(**numbers) == f"{start} changed, without a test: {ends})."
    assert told(**numbers, p_value=0.01) == f"{start} became worse: {ends}; p = 0.0100, {corrected}"
    unclear = f"{start} shows no change that chance does not explain: {ends}; p = 0.2000, {corrected}"
    assert told(**numbers, p_value=0.2) == unclear
    assert robustness_sentence(Reports(_revision("a"))) == ""


def test_no_sentence_has_empty_parentheses() -> None:
    same = {"f1": 0.5, "chrf": 50.0}
    table = {str(number): PromptScores("a", same, same) for number in range(4)}
    reports = Reports(_revision("a"), metrics={role: {"chrf": 50.0} for role in ("base", "tuned")}, scores=table)
    told = gain_sentence(reports, gain_of(reports))
    assert "Tuning changed no score: chrF" in told
    assert "()" not in told


RUN = Run("", "dvc repro", "train", ("models/adapter",), 5)
LATE = OutdatedStage("score", "reports/samples/tuned.jsonl", "generate@tuned")


@pytest.mark.parametrize(
    ("runs", "outdated", "told"),
    [
        ([], [], ""),
        ([replace(RUN, here=False)], [], ""),
        ([RUN], [LATE], "`dvc repro`, stage train, runs in the workspace, so its reports are not compared"),
        (
            [],
            [LATE],
            "the stage generate@tuned wrote reports/samples/tuned.jsonl again, and a run stopped before score.",
        ),
    ],
)
def test_an_unfinished_workspace_is_told(runs: list[Run], outdated: list[OutdatedStage], told: str) -> None:
    found = unfinished_sentence(runs, outdated)
    assert told in found
    assert bool(found) is bool(told)


def _of_sources(name: str, tuned: list[float]) -> Reports:
    """A revision with eight prompts of the source `packages`, then eight of `mine`."""
    reports = _reports(name, [0.1] * 16, tuned, sources={"package": "packages", "own": "mine"})
    scores = {
        prompt: replace(found, group="own" if place > 7 else "package")
        for place, (prompt, found) in enumerate(reports.scores.items())
    }
    return replace(reports, scores=scores)


def test_differences_are_shown_by_source_where_there_is_more_than_one() -> None:
    before, after = _of_sources("a", [0.2] * 16), _of_sources("b", [0.2] * 8 + [0.4] * 8)
    found = compare(before, after)
    assert {source: rows[0].verdict for source, rows in found.by_source.items()} == {
        "mine": Verdict.BETTER,
        "packages": Verdict.SAME,
    }
    [mine] = found.by_source["mine"]
    assert mine.difference == pytest.approx(0.2)
    assert source_sentences(found) == [
        "8 prompts of mine: BERTScore F1 +0.2000 (+0.2000 to +0.2000), better",
        "8 prompts of packages: BERTScore F1 0.0000, the same",
    ]
    one = compare(replace(before, sources={}), replace(after, sources={}))
    assert one.by_source == {}
    assert source_sentences(one) == []
