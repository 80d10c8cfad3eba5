"""The part of an answer that is scored: its code, read as a person reads it; all of it where answers are text."""

from __future__ import annotations

from typing import Literal

from codetune.evaluation.answers import extract_code, read_answer
from codetune.scoring.samples import Samples

Task = Literal["python", "text"]
"""What answers are, as `clean.task` says."""
_EXPECTED = "bare"  # the form of the training rows: code from the first character to the last


def scored_text(answer: str, task: Task) -> str:
    """The code of an answer, empty where it has none; with `text` the answer itself."""
    return extract_code(answer) if task == "python" else answer


def expected_form(answer: str, task: Task) -> int:
    """1 when an answer has the form that the training rows have, else 0.

    That is nothing but code with `python`, and anything but white space with `text`.
    """
    return int(read_answer(answer).form == _EXPECTED if task == "python" else bool(answer.strip()))


def scored_samples(samples: Samples, task: Task) -> Samples:
    """The samples with what is scored as `answer`, and with `expected_form`; the samples given stay as they are."""
    return {
        variant: [
            {**row, "answer": scored_text(row["answer"], task), "expected_form": expected_form(row["answer"], task)}
            for row in rows
        ]
        for variant, rows in samples.items()
    }
