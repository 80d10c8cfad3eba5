"""Compare single prompts: find those whose scores changed, filter and sort them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum

from codetune.compare.comparison import Comparison
from codetune.evaluation.answers import extract_code
from codetune.evaluation.metrics.catalogue import ANSWERS
from codetune.evaluation.metrics.metric import Metric
from codetune.evaluation.metrics.registry import PARSES
from codetune.history.reports import Prompt, Reports, Variant


class ScoreChange(Enum):
    """Whether the answer to a prompt became better or worse by one metric."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "the same"


class Parsing(Enum):
    """Filters by whether the answer parses; `MENDED` and `BROKEN` also depend on the earlier answer."""

    PARSES = "parses"
    FAILS = "does not parse"
    MENDED = "parses now, did not before"
    BROKEN = "parsed before, does not now"


@dataclass(frozen=True)
class ScoredAnswer:
    """An answer with its scores.

    :param text: the answer; empty if the model wrote nothing or was not asked.
    :param examples: outcome of running it with the examples of its function; empty if it was not run.
    :param of_code: whether only the code in the answer was scored, not the whole text.
    """

    text: str
    scores: dict[str, float]
    examples: str = ""
    of_code: bool = False

    @property
    def scored(self) -> str:
        """The text that was scored."""
        return extract_code(self.text) if self.of_code else self.text


@dataclass(frozen=True)
class Sample:
    """One prompt with the two answers that are compared.

    :param before: answer of the baseline's tuned model; of the base model if a revision is compared with itself.
    :param after: answer of the candidate's tuned model.
    :param base: answer of the candidate's base model; None if that is `before`.
    """

    prompt: Prompt
    before: ScoredAnswer
    after: ScoredAnswer
    base: ScoredAnswer | None = None

    def change(self, metric: Metric) -> float | None:
        """The score of `after` minus that of `before`; None if one of them is missing."""
        key = metric.score or metric.key
        old, new = self.before.scores.get(key), self.after.scores.get(key)
        return None if old is None or new is None else new - old

    def way(self, metric: Metric) -> ScoreChange | None:
        """Whether `after` is better, worse or the same by one metric; None if that is not known."""
        change = self.change(metric)
        if change is None:
            return None
        if not change:
            return ScoreChange.SAME
        return ScoreChange.BETTER if (change > 0) is metric.larger_is_better else ScoreChange.WORSE

    def parsing(self) -> tuple[bool | None, bool | None]:
        """Whether `before` parses, and whether `after` parses; None if that is not known."""
        old, new = (answer.scores.get(str(PARSES.score)) for answer in (self.before, self.after))
        return None if old is None else bool(old), None if new is None else bool(new)


@dataclass(frozen=True)
class SampleFilter:
    """A filter of prompts; empty fields accept all prompts.

    :param package: the group of the prompt.
    :param text: text to search in instruction, name, path, id, reference and answers; upper and lower case are equal.
    """

    package: str = ""
    way: ScoreChange | None = None
    parsing: Parsing | None = None
    text: str = ""


def samples_of(comparison: Comparison) -> list[Sample]:
    """List the prompts that both revisions answered, in the order of the candidate.

    If a revision is compared with itself, its tuned model is compared with its base model.
    """
    old, new = comparison.baseline, comparison.candidate
    single = old is new
    return [
        Sample(
            prompt,
            _answer(old, identifier, "base" if single else "tuned"),
            _answer(new, identifier, "tuned"),
            None if single else _answer(new, identifier, "base"),
        )
        for identifier, prompt in new.prompts.items()
        if identifier in old.prompts
    ]


def _answer(reports: Reports, identifier: str, role: Variant) -> ScoredAnswer:
    scored = reports.scores.get(identifier)
    scores = scored.of(role) if scored else {}
    answer = reports.prompts[identifier].answers.get(role)
    of_code = reports.signatures.get(ANSWERS) == "code"
    return ScoredAnswer(answer.text, scores, answer.examples, of_code) if answer else ScoredAnswer("", scores)


def comparable_metrics(comparison: Comparison) -> list[Metric]:
    """List the metrics by which single prompts can be compared: each prompt has a score, measured in the same way."""
    single = comparison.baseline is comparison.candidate
    rows = comparison.gain if single else comparison.rows["tuned"]
    return [row.metric for row in rows if row.low is not None]


def filter_samples(samples: list[Sample], wanted: SampleFilter, metric: Metric | None) -> list[Sample]:
    """Filter samples; their order stays the same.

    :param metric: the metric that decides between better and worse; None if no metric can be compared.
    """
    return [sample for sample in samples if _fits(sample, wanted, metric)]


def _fits(sample: Sample, wanted: SampleFilter, metric: Metric | None) -> bool:
    return (
        wanted.package in ("", sample.prompt.group)
        and (wanted.way is None or (metric is not None and sample.way(metric) is wanted.way))
        and (wanted.parsing is None or _parsed(sample.parsing(), wanted.parsing))
        and wanted.text.casefold() in _searched(sample)
    )


def _parsed(found: tuple[bool | None, bool | None], wanted: Parsing) -> bool:
    if wanted is Parsing.MENDED:
        return found == (False, True)
    if wanted is Parsing.BROKEN:
        return found == (True, False)
    return found[1] is (wanted is Parsing.PARSES)


def _searched(sample: Sample) -> str:
    prompt = sample.prompt
    texts = (prompt.instruction, prompt.qualname, prompt.path, prompt.id, prompt.reference)
    return "\n".join((*texts, sample.before.text, sample.after.text)).casefold()


def by_change(samples: list[Sample], metric: Metric, *, worst_first: bool = False) -> list[Sample]:
    """Sort samples by the change of one metric.

    :param worst_first: False puts the largest improvement first, True the largest decline.
    :returns: the sorted samples; those without the metric are last.
    """
    sign = (1 if metric.larger_is_better else -1) * (1 if worst_first else -1)
    changes = [(sample, sample.change(metric)) for sample in samples]
    known = sorted(((s, c) for s, c in changes if c is not None), key=lambda item: (sign * item[1], item[0].prompt.id))
    return [sample for sample, _ in known] + [sample for sample, change in changes if change is None]


def ways(samples: list[Sample], metric: Metric) -> dict[ScoreChange, int]:
    """Count the samples that are better, worse and the same by one metric."""
    counts = Counter(sample.way(metric) for sample in samples)
    return {way: counts[way] for way in ScoreChange}
