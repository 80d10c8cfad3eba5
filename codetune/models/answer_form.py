"""The form of the answers that a model learns to write. Several stages read the two parameters that decide it.

`clean.task` says whether answers are code or text. `train.answer_form` says in which form code is taught.
Evaluation asks both the base model and the tuned model to answer in that form.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict

from codetune.core.config import PARAMS_FILE, Section, load_section
from codetune.core.markdown import fenced

Task = Literal["python", "text"]
"""Values of `clean.task`: answers are Python code, or text."""
AnswerForm = Literal["fenced", "bare"]
"""Values of `train.answer_form`: code is taught inside a Markdown block, or alone."""
TaughtForm = Literal["fenced", "bare", "as_is"]
"""How answers are taught. Text is always taught unchanged (`as_is`); `train.answer_form` applies to code only."""


class _Cleaned(Section):
    """The keys of section `clean` that this module reads. The stage `clean` validates the whole section."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "clean"
    task: Task = "python"


class _Trained(Section):
    """The keys of section `train` that this module reads. The stage `train` validates the whole section."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "train"
    answer_form: AnswerForm


def taught_form(task: Task, answer_form: AnswerForm) -> TaughtForm:
    """Return how answers are taught: code in `answer_form`, text unchanged (`as_is`)."""
    return answer_form if task == "python" else "as_is"


def load_task(path: Path = PARAMS_FILE) -> Task:
    """Read `clean.task` from params.yaml.

    :param path: params.yaml.
    :raises UserError: when the file or the value is invalid.
    """
    return load_section(_Cleaned, path).task


def load_taught_form(path: Path = PARAMS_FILE) -> TaughtForm:
    """Read from params.yaml how answers are taught.

    :param path: params.yaml.
    :raises UserError: when the file or a value is invalid.
    """
    return taught_form(load_task(path), load_section(_Trained, path).answer_form)


def format_completion(completion: str, form: TaughtForm) -> str:
    """Return a completion in the form that is taught. `fenced` puts it into a Markdown code block marked `python`."""
    return fenced(completion, "python") if form == "fenced" else completion
