"""All sections of params.yaml, for `codetune check`. A stage loads only its own sections."""

from __future__ import annotations

import difflib
from pathlib import Path

from codetune.cli.consistency import inconsistencies
from codetune.core.config import PARAMS_FILE, Section, problems_in, raise_problems, read_params
from codetune.data.augment.params import AugmentParams
from codetune.data.clean.params import CleanParams
from codetune.data.ingest.params import IngestParams
from codetune.data.leakage.params import ExamineParams
from codetune.evaluation.execution.params import ExecuteParams
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.parity.params import ParityParams
from codetune.evaluation.problems.params import BenchmarksParams
from codetune.evaluation.validity.params import AnswerValidityParams, ValidityParams
from codetune.export.params import ExportParams
from codetune.generation.params import GenerateParams
from codetune.models.params import ModelParams
from codetune.numerics import NumericsParams
from codetune.serving.params import ServeParams
from codetune.training.params import TrainParams

SECTIONS: tuple[type[Section], ...] = (
    NumericsParams, ModelParams, IngestParams, CleanParams, AugmentParams, ExamineParams, BenchmarksParams, TrainParams,
    GenerateParams, ScoreParams, ExecuteParams, ValidityParams, AnswerValidityParams, ExportParams,
    ParityParams, ServeParams,
)  # fmt: skip
# Sections that earlier versions had, and what to do with them.
_REMOVED = dict.fromkeys(
    ("pretrain", "assess"), "delete this section: codetune no longer trains a base model, model.base names one"
)


def check_params(path: Path = PARAMS_FILE) -> None:
    """Check each section of params.yaml, that the sections agree, and that the files they name exist.

    :param path: the file to check.
    :raises UserError: when there are problems; it names all of them, also sections that no stage reads.
    """
    content = read_params(path)
    known = [section.section for section in SECTIONS]
    problems = []
    for key in content:
        if key not in known:
            if key in _REMOVED:
                problems.append(f"{key}: {_REMOVED[key]}")
                continue
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            problems.append(f"{key}: unknown section ({hint})")
    wrong = {section: problems_in(content, section) for section in SECTIONS}
    right = {section: section.model_validate(content[section.section]) for section in SECTIONS if not wrong[section]}
    problems += [problem for found in wrong.values() for problem in found]
    raise_problems(path, problems + inconsistencies(right))
