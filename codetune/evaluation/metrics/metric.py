"""The description of a metric: name, unit, better direction, computation and explanation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from codetune.evaluation.metrics.segmentation import DEFAULT, Tokenizer

if TYPE_CHECKING:
    from codetune.evaluation.metrics.bertscore import Scores
    from codetune.evaluation.metrics.structure import StructureScores

PERCENT = " %"
Task = Literal["python", "text"]
"""The kind of the answers: `clean.task` in params.yaml."""
EVERY_TASK: tuple[Task, ...] = ("python", "text")


class Encoded(NamedTuple):
    """Scores from the encoder for an answer and its reference.

    :param rescaled: BERTScore, rescaled so that unrelated texts have 0 on average and equal texts 1.
    :param raw: the same before rescaling, as mean cosine similarities.
    :param program: rescaled F3 of the two normalized programs.
    """

    rescaled: Scores
    raw: Scores
    program: float


@dataclass(frozen=True)
class Answer:
    """One answer with everything from which metrics are computed.

    :param text: the part of the answer that is scored.
    :param reference: the reference text.
    :param stopped: whether the answer ended before the token limit; None if unknown.
    :param expected_form: 1 if the answer has the form of the training data, else 0; None if unknown.
    :param encoded: the scores from the encoder; None if no encoder is loaded.
    :param tokenizer: splits texts into words for BLEU.
    """

    text: str
    reference: str
    stopped: bool | None = None
    expected_form: int | None = None
    encoded: Encoded | None = None
    tokenizer: Tokenizer = DEFAULT

    @cached_property
    def structure(self) -> StructureScores:
        """The scores of the syntax trees, computed once for all metrics that need them."""
        from codetune.evaluation.metrics.structure import structure_scores

        return structure_scores(self.text, self.reference)


class Setup(NamedTuple):
    """How values were measured; metrics make their signatures from it.

    :param texts: the signature of the encoder and its baseline for texts.
    :param programs: the same for normalized programs.
    :param tokenizer: splits texts into words for BLEU.
    """

    texts: str
    programs: str
    tokenizer: Tokenizer = DEFAULT


@dataclass(frozen=True)
class Metric:
    """One metric. The fields after `note` control how it is computed and where it is shown.

    :param key: its path below `base` or `tuned` in reports/metrics.json, with dots between levels. This is the name of
        the metric everywhere except in the two places where `score` and `gain` are the keys.
    :param label: the name that readers see.
    :param explanation: what the values mean, in one or two sentences for readers.
    :param score: its key in reports/scores.jsonl, where each prompt has a value; None if it has no such value.
    :param larger_is_better: false for a metric such as a loss.
    :param digits: decimal places of a shown value.
    :param scale: factor by which shown values are multiplied: 100 for a share that is shown in percent.
    :param unit: text after a shown value.
    :param signature: the key in reports/signatures.json that must have the same value in two reports before their
        values are subtracted.
    :param note: a hint of a few words for reading the values.
    :param column: the type of its values in reports/scores.jsonl, for pydantic.
    :param measure: computes the value of one answer, which is then rounded to six digits; the result None means that
        the answer has no value. A metric has `measure` or `corpus`, not both.
    :param corpus: computes one value from all answers and their references; BLEU uses the given tokenizer.
    :param sign: computes the value of `signature` for this version.
    :param encoded: whether it needs an encoder.
    :param gain: its key under `gain` and `robustness` in reports/metrics.json; empty if no gain is reported.
    :param robust: whether `robustness` reports how much it changes for reworded prompts.
    :param stored: whether reports/scores.jsonl has it; otherwise only its mean is in reports/metrics.json.
    :param shown: whether readers see it.
    :param order: position among the shown metrics, smallest first; equal ones have the order of the registry.
    :param brief: whether it is also shown in short tables, as in the terminal.
    :param quick: whether the app shows it directly after an answer is generated.
    :param lead: by task, its rank among the main metrics for a comparison; 1 is the first.
    :param words: for a metric with the values 1 and 0: the words for an answer with 1, and with 0.
    :param tasks: the tasks for which the metric is meaningful.
    """

    key: str
    label: str
    explanation: str = ""
    score: str | None = None
    larger_is_better: bool = True
    digits: int = 4
    scale: float = 1.0
    unit: str = ""
    signature: str | None = None
    note: str = ""
    column: Any = None
    measure: Callable[[Answer], float | None] | None = None
    corpus: Callable[[Sequence[str], Sequence[str], Tokenizer], float] | None = None
    sign: Callable[[Setup], str] | None = None
    encoded: bool = False
    gain: str = ""
    robust: bool = False
    stored: bool = True
    shown: bool = True
    order: int = 9
    brief: bool = True
    quick: bool = False
    lead: Mapping[Task, int] = field(default_factory=dict)
    words: tuple[str, str] | None = None
    tasks: tuple[Task, ...] = EVERY_TASK

    def show(self, value: float, *, signed: bool = False) -> str:
        """Format a value with the digits and unit of the metric.

        :param value: the value before scaling.
        :param signed: format a difference: it always has a sign, and differences of percentages are in percentage
            points.
        """
        text = f"{abs(value) * self.scale:.{self.digits}f}"
        zero = not text.strip("0.")
        sign = "" if zero else "\u2212" if value < 0 else "+" if signed else ""
        unit = " pp" if signed and self.unit == PERCENT else self.unit
        return f"{sign}{text}{unit}"

    def show_difference(self, size: float) -> str:
        """Format the absolute value of a difference, in the unit of differences.

        :param size: the difference before scaling.
        """
        return self.show(abs(size), signed=True).removeprefix("+")

    def show_interval(self, gain: Mapping[str, float]) -> str:
        """Format a difference with its interval, such as `+0.1049 (+0.0631 to +0.1489)`.

        :param gain: `mean`, `low` and `high`.
        """
        mean, low, high = (self.show(gain[part], signed=True) for part in ("mean", "low", "high"))
        return f"{mean} ({low} to {high})"
