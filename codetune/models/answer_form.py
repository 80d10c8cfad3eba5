"""The form in which a model is taught to write its answers: two parameters that several stages follow.

`clean.task` says whether answers are code or text, `train.answer_form` in which form code is taught. Base and tuned
model are both asked whether they answer in that form.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict

from codetune.core.config import PARAMS_FILE, Section, load_section
from codetune.core.markdown import fenced

Task = Literal["python", "text"]
"""What answers are, as `clean.task` says."""
AnswerForm = Literal["fenced", "bare"]
"""How code is taught, as `train.answer_form` says."""
TaughtForm = Literal["fenced", "bare", "as_is"]
"""How answers are taught: text as it is, whatever `train.answer_form` says."""


class _Cleaned(Section):
    """What is needed of `clean` here; the stage itself checks the rest."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "clean"
    task: Task = "python"


class _Trained(Section):
    """What is needed of `train` here; the stage itself checks the rest."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "train"
    answer_form: AnswerForm


def taught_form(task: Task, answer_form: AnswerForm) -> TaughtForm:
    """How answers are taught."""
    return answer_form if task == "python" else "as_is"


def load_task(path: Path = PARAMS_FILE) -> Task:
    """What params.yaml says that answers are."""
    return load_section(_Cleaned, path).task


def load_taught_form(path: Path = PARAMS_FILE) -> TaughtForm:
    """How params.yaml says that answers are taught."""
    return taught_form(load_task(path), load_section(_Trained, path).answer_form)


def written(completion: str, form: TaughtForm) -> str:
    """A completion as it is taught: `fenced` puts it into a Markdown block that says Python."""
    return fenced(completion, "python") if form == "fenced" else completion
