"""Two revisions compared: every metric with its difference, the interval of the difference, and what it amounts to.

Differences are taken prompt by prompt over the prompts that both revisions answered, so that the luck of which prompts
were asked cancels out; the interval is a paired bootstrap over these prompts. A difference is better or worse where
its interval leaves zero out and its p-value, corrected over the family of metrics (see
`codetune.stats.families`), is as small as the confidence asks.
It says nothing of the luck of training.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter
from typing import cast

from codetune.compare.flips import Flips, Model, flips, passes
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
from codetune.history.reports import ROLES, Reports, Role
from codetune.stats.families import Settings, Tested, compare_family
from codetune.stats.pairs import Pair


class Verdict(Enum):
    """What a difference amounts to."""

    BETTER = "better"
    WORSE = "worse"
    INDISTINGUISHABLE = "indistinguishable"
    SAME = "the same"
    UNCERTAIN = "no interval"
    INCOMPARABLE = "not comparable"


@dataclass(frozen=True)
class MetricDifference:
    """One metric of two models.

    :param baseline: mean over the shared prompts where the metric has a value for each prompt, else as reported.
    :param low: lower end of the interval of the difference; None where there is no interval.
    :param p_value: of a paired permutation test, or McNemar's where each prompt is right or wrong; corrected by Holm
        over its family.
    :param detectable: the smallest difference that these prompts would have shown in four of five cases.
    :param spread: how far the scores of single prompts lie apart: their standard deviation, both models pooled.
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

    @property
    def difference(self) -> float | None:
        """Candidate less baseline; None where one is missing or the two must not be subtracted."""
        if self.baseline is None or self.candidate is None or self.verdict is Verdict.INCOMPARABLE:
            return None
        return self.candidate - self.baseline

    @property
    def improves(self) -> bool | None:
        """Whether the difference goes the good way, noise or not; None where there is none."""
        if not self.difference:
            return None
        return (self.difference > 0) is self.metric.larger_is_better


@dataclass(frozen=True)
class Comparison:
    """All that is known about two revisions side by side.

    :param rows: the differences between the two tuned models, and between the two base models.
    :param gain: the candidate's base (as baseline) against its tuned model (as candidate).
    :param notices: sentences that must be read before any difference is believed.
    :param shared: how many prompts both revisions have scores of.
    :param flips: the problems won and lost between the two tuned models; between base and tuned model where a revision
        is compared with itself.
    :param by_source: the differences over the prompts of each source, where these are of more than one: the metrics of
        the tuned models that have a value for each prompt.
    """

    baseline: Reports
    candidate: Reports
    rows: dict[Role, list[MetricDifference]]
    gain: list[MetricDifference]
    parameters: list[ParameterDifference]
    notices: list[str]
    shared: int
    flips: list[Flips]
    by_source: dict[str, list[MetricDifference]] = field(default_factory=dict)

    @property
    def same_base(self) -> bool:
        """Whether the two base models scored the same on every shared prompt."""
        return all(row.verdict is Verdict.SAME for row in self.rows["base"])


def _is_executed(metric: Metric) -> bool:
    return metric.key.startswith(f"{EXECUTION}.")


def _paired_scores(metric: Metric, baseline: Model, candidate: Model, identifiers: list[str]) -> Pair | None:
    """The scores of both models, prompt by prompt; None where any is lacking.

    :param identifiers: the prompts; tests that were run have prompts of their own.
    """
    if _is_executed(metric):
        name = str(metric.signature).removeprefix(f"{EXECUTION}.")
        both = passes(name, baseline, candidate).values() if metric.key.endswith(".pass@1") else ()
        return ([old for old, _ in both], [new for _, new in both]) if both else None
    old, new = (_scores_by_prompt(*model, identifiers, metric.score) for model in (baseline, candidate))
    return None if old is None or new is None else (old, new)


def _tested(pairs: Mapping[str, Pair], settings: Settings) -> dict[str, Tested]:
    """What tells the differences from chance, by key, each corrected over its family.

    The scores of the answers are one family. Whether answers work is another question, and each set of problems that
    were run is a family of its own, as in reports/execution/metrics.json.
    """
    families: dict[str, dict[str, Pair]] = defaultdict(dict)
    for key, pair in pairs.items():
        families[key.rpartition(".")[0] if key.startswith(f"{EXECUTION}.") else ""][key] = pair
    return {key: found for family in families.values() for key, found in compare_family(family, settings).items()}


def _scores_by_prompt(reports: Reports, role: Role, identifiers: list[str], score: str | None) -> list[float] | None:
    """The score of each prompt, in order; None where any of them lacks it."""
    if score is None or not identifiers:
        return None
    rows = map(attrgetter(role), map(reports.scores.__getitem__, identifiers))  # thousands of times: it has to be fast
    values: list[float | None] = [row.get(score) for row in rows]
    return None if None in values else cast("list[float]", values)


def _judge(metric: Metric, found: Tested, confidence: float) -> Verdict:
    """Better or worse where the interval leaves zero out and the corrected p-value is small enough."""
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
    """The metrics of two models, each given as a revision's reports and the role of the model in it.

    :param identifiers: the prompts to compare over.
    :param distrusted: the keys of the metrics that were not measured in the same way; these are not subtracted.
    """
    settings = settings_of(candidate[0].params)
    found = {metric.key: _paired_scores(metric, baseline, candidate, identifiers) for metric in metrics}
    pairs = {key: pair for key, pair in found.items() if pair}
    tests = _tested({key: pair for key, pair in pairs.items() if key not in distrusted}, settings)
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
        rows.append(MetricDifference(metric, before, after, *ends, verdict, test.p_value, test.detectable, test.spread))
    return rows


def _without_interval(metric: Metric, before: float | None, after: float | None, *, trust: bool) -> MetricDifference:
    """A metric that has one number per model and nothing to draw an interval from."""
    known = Verdict.SAME if before is not None and before == after else Verdict.UNCERTAIN
    return MetricDifference(metric, before, after, None, None, known if trust else Verdict.INCOMPARABLE)


def _loss_difference(baseline: Reports, candidate: Reports, *, trust: bool) -> list[MetricDifference]:
    """The validation losses, where both revisions logged one; of other texts or tokens they are not subtracted."""
    before, after = (numbers(reports.training).get("best.val_loss") for reports in (baseline, candidate))
    if before is None or after is None:
        return []
    return [_without_interval(VALIDATION_LOSS, before, after, trust=trust)]


def gain_of(reports: Reports) -> list[MetricDifference]:
    """What tuning changed within one revision: its base against its tuned model, metric by metric."""
    metrics = metrics_of(*(reports.values(role) for role in ROLES))
    return _differences(metrics, (reports, "base"), (reports, "tuned"), list(reports.scores))


def _by_source(
    baseline: Reports, candidate: Reports, identifiers: list[str], metrics: list[Metric]
) -> dict[str, list[MetricDifference]]:
    """The differences between the tuned models over the prompts of each source; none where all are of one."""
    prompts: dict[str, list[str]] = defaultdict(list)
    for identifier in identifiers:
        prompts[candidate.sources.get(candidate.scores[identifier].group, "")].append(identifier)
    sides: tuple[Model, Model] = (baseline, "tuned"), (candidate, "tuned")
    found = {source: _differences(metrics, *sides, prompts[source]) for source in sorted(prompts) if source}
    return found if len(found) > 1 else {}


def compare(baseline: Reports, candidate: Reports) -> Comparison:
    """The two revisions side by side; either may have been measured only in part, or not at all."""
    identifiers = [identifier for identifier in candidate.scores if identifier in baseline.scores]
    same = not baseline.scores or not candidate.scores or baseline.scores.keys() == candidate.scores.keys()
    disjoint = bool(baseline.scores and candidate.scores and not identifiers)
    differing = differing_signatures(baseline, candidate)
    changed = {*differing, *(key.partition(".")[0] for key in differing)}
    whole = {metric.key for metric in over_all()}
    rows: dict[Role, list[MetricDifference]] = {}
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
