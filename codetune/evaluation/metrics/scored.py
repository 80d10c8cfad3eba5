"""The part of an answer that is scored: its code, read as a person reads it; all of it where answers are text."""

from __future__ import annotations

from collections import Counter

from codetune.core.files import JsonObject
from codetune.evaluation.answers import extract_code, read_answer
from codetune.evaluation.metrics.samples import Samples
from codetune.models.answer_form import Task, TaughtForm, written


def scored_text(answer: str, task: Task) -> str:
    """The code of an answer, empty where it has none; with `text` the answer itself."""
    return extract_code(answer) if task == "python" else answer


def expected_form(answer: str, form: TaughtForm) -> int:
    """1 when an answer has the form that is taught, else 0; whether its code is right does not matter.

    That is nothing but code with `bare`, one block of Python and nothing around it with `fenced`, and anything but
    white space with `as_is`.
    """
    if form == "as_is":
        return int(bool(answer.strip()))
    code = extract_code(answer)
    return int(bool(code) and answer.strip() == written(code, form).strip())


def scored_samples(samples: Samples, form: TaughtForm) -> Samples:
    """The samples with what is scored as `answer`, and with `expected_form`; the samples given stay as they are."""
    task: Task = "text" if form == "as_is" else "python"
    return {
        variant: [
            {**row, "answer": scored_text(row["answer"], task), "expected_form": expected_form(row["answer"], form)}
            for row in rows
        ]
        for variant, rows in samples.items()
    }


def reading_report(samples: Samples) -> JsonObject:
    """For each variant the number of answers by the form in which code was found, and by why there is none."""
    read = {variant: [read_answer(row["answer"]) for row in rows] for variant, rows in samples.items()}
    return {
        variant: {
            "forms": dict(sorted(Counter(answer.form for answer in answers).items())),
            "no_code": dict(sorted(Counter(answer.reason for answer in answers if answer.reason).items())),
        }
        for variant, answers in read.items()
    }
