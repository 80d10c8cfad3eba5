"""Compare two revisions: for each metric the difference, its interval and a verdict.

Differences are computed for each prompt that both revisions answered. Pairing removes the variation between easy and
hard prompts. The interval is a paired bootstrap over these prompts. The verdict is better or worse if the interval
excludes zero and the p-value, corrected over the family of metrics (see `codetune.stats.families`), is at most
1 - confidence. The random variation between training runs is not measured.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter
from typing import cast

from codetune.compare.flips import Flips, Model, flips, solved_pairs
from codetune.compare.intervals import settings_of
from codetune.compare.notices import differing_signatures, prompt_notices, signature_notices, stale_notices
from codetune.evaluation.metrics.catalogue import (
    ANSWERS,
    EXECUTION,
    VALIDATION_LOSS,
    metrics_of,
    numbers,
)
from codetune.evaluation.metrics.metric import Metric
from codetune.evaluation.metrics.registry import catalogue, over_all
from codetune.history.parameters import ParameterDifference, parameter_differences
from codetune.history.reports import ROLES, Reports, Variant
from codetune.stats.families import MetricComparison, Settings, compare_family
from codetune.stats.pairs import Pair


class Verdict(Enum):
    """The verdict on a difference.

    `UNCERTAIN`: there is no interval. `INCOMPARABLE`: the two values were not measured in the same way.
    """

    BETTER = "better"
    WORSE = "worse"
    INDISTINGUISHABLE = "indistinguishable"
    SAME = "the same"
    UNCERTAIN = "no interval"
    INCOMPARABLE = "not comparable"


@dataclass(frozen=True)
class MetricDifference:
    """One metric of two models.

    :param baseline: value of the baseline: the mean over the shared prompts if each prompt has a score, else the
        reported value.
    :param candidate: value of the candidate, in the same way.
    :param low: lower end of the interval of the difference; None if there is no interval.
    :param high: upper end of the interval; None if there is no interval.
    :param p_value: p-value of a paired permutation test, or of McNemar's test for problems that are either solved or
        not; corrected over its family with Holm's method.
    :param detectable: smallest true difference that these prompts detect with a power of 80 %.
    :param spread: standard deviation of the scores of single prompts, pooled over both models.
    :param family: number of metrics over which the p-value is corrected.
    """

    metric: Metric
    baseline: float | None
    candidate: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    p_value: float | None = None
    detectable: float | None = None
    spread: float | None = None
    family: int = 1

    @property
    def difference(self) -> float | None:
        """Candidate minus baseline; None if one is missing or the two are not comparable."""
        if self.baseline is None or self.candidate is None or self.verdict is Verdict.INCOMPARABLE:
            return None
        return self.candidate - self.baseline

    @property
    def improves(self) -> bool | None:
        """Whether the candidate has the better value, significant or not; None if there is no difference."""
        if not self.difference:
            return None
        return (self.difference > 0) is self.metric.larger_is_better


@dataclass(frozen=True)
class Comparison:
    """The comparison of two revisions.

    :param rows: metrics of the two base models and of the two tuned models, by role.
    :param gain: metrics of the candidate: its base model as the baseline, its tuned model as the candidate.
    :param parameters: the parameters that differ.
    :param notices: warnings about how far the two revisions can be compared, one sentence each.
    :param shared: number of prompts with scores in both revisions.
    :param flips: the problems that only one of the two tuned models solves. If a revision is compared with itself, its
        base and tuned model are compared.
    :param by_source: metrics of the tuned models with a score for each prompt, over the prompts of each source; empty
        if all prompts are from one source.
    """

    baseline: Reports
    candidate: Reports
    rows: dict[Variant, list[MetricDifference]]
    gain: list[MetricDifference]
    parameters: list[ParameterDifference]
    notices: list[str]
    shared: int
    flips: list[Flips]
    by_source: dict[str, list[MetricDifference]] = field(default_factory=dict)

    @property
    def same_base(self) -> bool:
        """Whether the two base models have the same score on every shared prompt."""
        return all(row.verdict is Verdict.SAME for row in self.rows["base"])


def _is_executed(metric: Metric) -> bool:
    return metric.key.startswith(f"{EXECUTION}.")


def _paired_scores(metric: Metric, baseline: Model, candidate: Model, identifiers: list[str]) -> Pair | None:
    """The scores of both models for each prompt; None if any score is missing.

    :param identifiers: ids of the prompts. Metrics of answers that were run ignore them: they have their own problems.
    """
    if _is_executed(metric):
        name = str(metric.signature).removeprefix(f"{EXECUTION}.")
        both = solved_pairs(name, baseline, candidate).values() if metric.key.endswith(".pass@1") else ()
        return ([old for old, _ in both], [new for _, new in both]) if both else None
    old, new = (_scores_by_prompt(*model, identifiers, metric.score) for model in (baseline, candidate))
    return None if old is None or new is None else (old, new)


def _family(key: str) -> str:
    """The family of a metric: the set of problems that were run, or an empty text for the scores of the answers."""
    return key.rpartition(".")[0] if key.startswith(f"{EXECUTION}.") else ""


def _tested(pairs: Mapping[str, Pair], settings: Settings) -> dict[str, MetricComparison]:
    """Interval and p-value of each difference, corrected over its family, by metric key.

    The scores of the answers are one family. Whether answers pass tests is a different question, so each set of
    problems that were run is a separate family, as in reports/execution/metrics.json.
    """
    families: dict[str, dict[str, Pair]] = defaultdict(dict)
    for key, pair in pairs.items():
        families[_family(key)][key] = pair
    return {key: found for family in families.values() for key, found in compare_family(family, settings).items()}


def _scores_by_prompt(reports: Reports, role: Variant, identifiers: list[str], score: str | None) -> list[float] | None:
    """The score of each prompt, in order; None if any prompt has no score."""
    if score is None or not identifiers:
        return None
    rows = map(
        attrgetter(role), map(reports.scores.__getitem__, identifiers)
    )  # runs thousands of times, so it must be fast
    values: list[float | None] = [row.get(score) for row in rows]
    return None if None in values else cast("list[float]", values)


def _judge(metric: Metric, found: MetricComparison, confidence: float) -> Verdict:
    """The verdict: better or worse if the interval excludes zero and the corrected p-value is small enough."""
    low, high = found.interval.low, found.interval.high
    if found.equal:
        return Verdict.SAME
    if low <= 0 <= high or found.p_value > 1 - confidence:
        return Verdict.INDISTINGUISHABLE
    return Verdict.BETTER if (low > 0) is metric.larger_is_better else Verdict.WORSE


def _differences(
    metrics: list[Metric],
    baseline: Model,
    candidate: Model,
    identifiers: list[str],
    distrusted: Collection[str] = (),
) -> list[MetricDifference]:
    """Compare metrics of two models.

    :param baseline: the reports of a revision, and the role of the model in it.
    :param candidate: likewise for the candidate.
    :param identifiers: ids of the prompts over which to compare.
    :param distrusted: keys of metrics that were not measured in the same way; they are not subtracted.
    """
    settings = settings_of(candidate[0].params)
    found = {metric.key: _paired_scores(metric, baseline, candidate, identifiers) for metric in metrics}
    pairs = {key: pair for key, pair in found.items() if pair}
    tests = _tested({key: pair for key, pair in pairs.items() if key not in distrusted}, settings)
    sizes = Counter(_family(key) for key, test in tests.items() if not test.equal)
    rows = []
    for metric in metrics:
        pair = pairs.get(metric.key)
        before, after = (
            (math.fsum(scores) / len(scores) for scores in pair)
            if pair
            else (reports.values(role).get(metric.key) for reports, role in (baseline, candidate))
        )
        if pair is None or metric.key in distrusted:
            rows.append(_without_interval(metric, before, after, trust=metric.key not in distrusted))
            continue
        test = tests[metric.key]
        ends = test.interval.low, test.interval.high
        verdict = _judge(metric, test, settings.confidence)
        size, certainty = sizes[_family(metric.key)], (test.p_value, test.detectable, test.spread)
        rows.append(MetricDifference(metric, before, after, *ends, verdict, *certainty, family=size))
    return rows


def _without_interval(metric: Metric, before: float | None, after: float | None, *, trust: bool) -> MetricDifference:
    """A metric with only one number per model, so that no interval can be computed."""
    known = Verdict.SAME if before is not None and before == after else Verdict.UNCERTAIN
    return MetricDifference(metric, before, after, None, None, known if trust else Verdict.INCOMPARABLE)


def _loss_difference(baseline: Reports, candidate: Reports, *, trust: bool) -> list[MetricDifference]:
    """The validation losses, if both revisions have one. Losses on different texts or tokens are not subtracted."""
    before, after = (numbers(reports.training).get("best.val_loss") for reports in (baseline, candidate))
    if before is None or after is None:
        return []
    return [_without_interval(VALIDATION_LOSS, before, after, trust=trust)]


def gain_of(reports: Reports) -> list[MetricDifference]:
    """Compare the tuned model of a revision with its base model, by metric."""
    metrics = metrics_of(*(reports.values(role) for role in ROLES))
    return _differences(metrics, (reports, "base"), (reports, "tuned"), list(reports.scores))


def _by_source(
    baseline: Reports, candidate: Reports, identifiers: list[str], metrics: list[Metric]
) -> dict[str, list[MetricDifference]]:
    """The differences between the tuned models by source of the prompts; empty if all prompts are from one source."""
    prompts: dict[str, list[str]] = defaultdict(list)
    for identifier in identifiers:
        prompts[candidate.sources.get(candidate.scores[identifier].group, "")].append(identifier)
    sides: tuple[Model, Model] = (baseline, "tuned"), (candidate, "tuned")
    found = {source: _differences(metrics, *sides, prompts[source]) for source in sorted(prompts) if source}
    return found if len(found) > 1 else {}


def compare(baseline: Reports, candidate: Reports) -> Comparison:
    """Compare two revisions. Each may have all metrics, some or none."""
    identifiers = [identifier for identifier in candidate.scores if identifier in baseline.scores]
    same = not baseline.scores or not candidate.scores or baseline.scores.keys() == candidate.scores.keys()
    disjoint = bool(baseline.scores and candidate.scores and not identifiers)
    differing = differing_signatures(baseline, candidate)
    changed = {*differing, *(key.partition(".")[0] for key in differing)}
    whole = {metric.key for metric in over_all()}
    rows: dict[Variant, list[MetricDifference]] = {}
    for role in ROLES:
        metrics = metrics_of(baseline.values(role), candidate.values(role))
        distrusted = {
            metric.key
            for metric in metrics
            if changed & {metric.signature, ANSWERS}
            or (disjoint and not _is_executed(metric))
            or (not same and metric.key in whole)
        }
        rows[role] = _differences(metrics, (baseline, role), (candidate, role), identifiers, distrusted)
    rows["tuned"] += _loss_difference(baseline, candidate, trust=VALIDATION_LOSS.signature not in changed)
    parameters = parameter_differences(baseline.params, candidate.params)
    unmoved = bool(rows["tuned"]) and all(row.verdict is Verdict.SAME for row in rows["tuned"])
    listed = (*catalogue(), VALIDATION_LOSS)
    measured = {ANSWERS, EXECUTION, *(metric.signature for metric in listed if metric.signature)}
    return Comparison(
        baseline=baseline,
        candidate=candidate,
        rows=rows,
        gain=gain_of(candidate),
        parameters=parameters,
        notices=[
            *(stale_notices(candidate) if parameters and unmoved else []),
            *prompt_notices(baseline, candidate),
            *signature_notices(baseline, candidate, measured),
        ],
        shared=len(identifiers),
        flips=flips((baseline, "base" if baseline is candidate else "tuned"), (candidate, "tuned"), differing),
        by_source=_by_source(
            baseline,
            candidate,
            identifiers,
            [row.metric for row in rows["tuned"] if row.low is not None and row.metric.score],
        ),
    )
