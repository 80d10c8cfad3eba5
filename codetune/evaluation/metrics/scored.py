"""The part of an answer that is scored: its code if the task is Python, else the whole answer."""

from __future__ import annotations

from collections import Counter

from codetune.core.files import JsonObject
from codetune.evaluation.answers import extract_code, read_answer
from codetune.evaluation.metrics.samples import Samples
from codetune.models.answer_form import Task, TaughtForm, format_completion


def scored_text(answer: str, task: Task) -> str:
    """Return the part of an answer that is scored.

    :param answer: the text of the answer.
    :param task: `python` or `text`.
    :returns: the code in the answer, empty if there is none; for `text` the whole answer.
    """
    return extract_code(answer) if task == "python" else answer


def expected_form(answer: str, form: TaughtForm) -> int:
    """Return 1 if an answer has the form of the training data, else 0; whether its code is correct does not matter.

    :param answer: the text of the answer.
    :param form: `bare`: only code; `fenced`: one fenced block of Python and no other text; `as_is`: any text except
        white space.
    """
    if form == "as_is":
        return int(bool(answer.strip()))
    code = extract_code(answer)
    return int(bool(code) and answer.strip() == format_completion(code, form).strip())


def scored_samples(samples: Samples, form: TaughtForm) -> Samples:
    """Return copies of samples in which `answer` is only the part that is scored, and `expected_form` is added.

    :param samples: the answers of both variants.
    :param form: the form of the training data.
    """
    task: Task = "text" if form == "as_is" else "python"
    return {
        variant: [
            {**row, "answer": scored_text(row["answer"], task), "expected_form": expected_form(row["answer"], form)}
            for row in rows
        ]
        for variant, rows in samples.items()
    }


def reading_report(samples: Samples) -> JsonObject:
    """Count the answers of each variant by the form of their code, and by the reason when they have none.

    :param samples: the answers of both variants.
    :returns: for each variant `forms` and `no_code`.
    """
    read = {variant: [read_answer(row["answer"]) for row in rows] for variant, rows in samples.items()}
    return {
        variant: {
            "forms": dict(sorted(Counter(answer.form for answer in answers).items())),
            "no_code": dict(sorted(Counter(answer.reason for answer in answers if answer.reason).items())),
        }
        for variant, answers in read.items()
    }
