"""What a metric is: its name, its unit, which way is better, how it is computed, and what it means."""

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
"""What answers are: `clean.task` in params.yaml."""
EVERY_TASK: tuple[Task, ...] = ("python", "text")


class Encoded(NamedTuple):
    """What an encoder finds when it compares an answer with its reference.

    :param rescaled: BERTScore where 0 is unrelated text and 1 is equal text.
    :param raw: the same as mean cosines.
    :param program: F3 of the two programs, rescaled.
    """

    rescaled: Scores
    raw: Scores
    program: float


@dataclass(frozen=True)
class Answer:
    """One answer with everything that a metric may be computed from.

    :param text: the answer as it is scored.
    :param stopped: whether it ended before the limit of tokens; None where nobody knows.
    :param expected_form: 1 where it has the form that is taught, else 0; None where nobody knows.
    :param encoded: None where no encoder is loaded.
    :param tokenizer: cuts texts into words for BLEU.
    """

    text: str
    reference: str
    stopped: bool | None = None
    expected_form: int | None = None
    encoded: Encoded | None = None
    tokenizer: Tokenizer = DEFAULT

    @cached_property
    def structure(self) -> StructureScores:
        """The scores of the syntax tree, computed once for all metrics that need them."""
        from codetune.evaluation.metrics.structure import structure_scores

        return structure_scores(self.text, self.reference)


class Setup(NamedTuple):
    """How values were measured.

    :param texts: the signature of the encoder and its baseline for texts, and `programs` that for programs.
    :param tokenizer: cuts texts into words for BLEU.
    """

    texts: str
    programs: str
    tokenizer: Tokenizer = DEFAULT


@dataclass(frozen=True)
class Metric:
    """One measured quantity. The fields after `note` say where the metric is computed and shown.

    :param key: its place below `base` or `tuned` in reports/metrics.json, levels joined by dots. The metric goes by
        this name everywhere but in the files whose own names are `score` and `gain`.
    :param score: its key in reports/scores.jsonl, where each prompt has a value; None where there is none.
    :param scale: what a value is multiplied by to be shown: 100 for a share that is shown in percent.
    :param signature: the key of reports/signatures.json that must agree before two values are subtracted.
    :param note: what must be known to read the values, in a few words.
    :param column: the type of its values in reports/scores.jsonl, as pydantic checks it.
    :param measure: computes the value of one answer, rounded to six digits afterwards; None as a result means that the
        answer has no such value. A metric has `measure` or `corpus`, not both.
    :param corpus: computes one value for all answers and their references together, BLEU with that tokenizer.
    :param sign: computes the signature of this version.
    :param encoded: whether it needs an encoder.
    :param gain: its key under `gain` and `robustness` in reports/metrics.json; empty where no gain is reported.
    :param robust: whether `robustness` reports how far it moves when the prompt says the same in other words.
    :param stored: whether reports/scores.jsonl has it; else only reports/metrics.json has its mean.
    :param shown: whether readers see it; else only programs do.
    :param order: readers see smaller numbers first, and equal ones in the order of the registry.
    :param brief: whether it is shown where there is room for few: in the terminal.
    :param quick: whether the page shows it as soon as an answer is there.
    :param lead: where answers are of that task, its rank among the metrics that may head a comparison; 1 is first.
    :param words: what an answer is called that has it, and one that has not, for a metric of 1 and 0.
    :param apt: the tasks whose answers it says something of.
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
    apt: tuple[Task, ...] = EVERY_TASK

    def show(self, value: float, *, signed: bool = False) -> str:
        """A value with its sensible digits and unit; `signed` is for a difference, which always has its sign.

        The difference of two percentages is in percentage points.
        """
        text = f"{abs(value) * self.scale:.{self.digits}f}"
        zero = not text.strip("0.")
        sign = "" if zero else "\u2212" if value < 0 else "+" if signed else ""
        unit = " pp" if signed and self.unit == PERCENT else self.unit
        return f"{sign}{text}{unit}"

    def show_difference(self, size: float) -> str:
        """The size of a difference, without its sign, in the unit of a difference."""
        return self.show(abs(size), signed=True).removeprefix("+")

    def show_interval(self, gain: Mapping[str, float]) -> str:
        """A difference with its interval, such as `+0.1049 (+0.0631 to +0.1489)`.

        :param gain: `mean`, `low` and `high`.
        """
        mean, low, high = (self.show(gain[part], signed=True) for part in ("mean", "low", "high"))
        return f"{mean} ({low} to {high})"
