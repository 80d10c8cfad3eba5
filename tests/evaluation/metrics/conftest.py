"""The `score` section and the packaged MiniLM, for the tests of scoring."""

from pathlib import Path
from typing import Any

import pytest

from codetune.core.config import load_section
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.evaluation.metrics.params import ScoreParams
from codetune.models.encoders.locate import locate_encoder

PROJECT = Path(__file__).parents[3]


def shipped() -> ScoreParams:
    """Return the `score` section of the project's own params.yaml."""
    return load_section(ScoreParams, PROJECT / "params.yaml")


def changed(**changes: Any) -> ScoreParams:
    """Return that section with some values changed; keys of `bertscore` are given without prefix."""
    content = shipped().model_dump()
    for key, value in changes.items():
        (content if key in content else content["bertscore"])[key] = value
    return ScoreParams.model_validate(content)


@pytest.fixture(scope="session")
def minilm() -> BertEncoder:
    settings = shipped().bertscore
    return BertEncoder(locate_encoder(settings, "score.bertscore"), settings.layer)
