"""params.yaml: typos, wrong types and missing keys are all reported at once, each with the fix."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field

from codetune.cli.sections import check_params
from codetune.core.config import Section, load_section, problems_in, read_params
from codetune.core.errors import UserError


class Lora(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    rank: int = Field(ge=1)


class Train(Section):
    section: ClassVar[str] = "train"
    learning_rate: float
    lora: Lora


GOOD = "train:\n  learning_rate: 1e-4\n  lora:\n    rank: 8\n"


def load(tmp_path: Path, text: str) -> Train:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return load_section(Train, path)


def test_yaml_1_2_numbers(tmp_path):
    params = load(tmp_path, GOOD)
    assert params.learning_rate == 1e-4
    assert params.lora.rank == 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            GOOD.replace("rank: 8", "rnak: 8"),
            ["train.lora.rnak: unknown parameter (did you mean rank?)", "rank: missing"],
        ),
        (GOOD.replace("rank: 8", "rank: eight"), ["train.lora.rank: found 'eight' (str), expected: a valid integer"]),
        (GOOD.replace("rank: 8", "rank: 0"), ["train.lora.rank: found 0 (int)", "greater than or equal to 1"]),
        (GOOD.replace("1e-4", "true"), ["train.learning_rate: found True (bool)"]),
        (GOOD.replace("train:", "trian:"), ["train: missing section (found trian: is it misspelt?)"]),
        ("train: [1\n", ["is not valid YAML"]),
        ("- train\n", ["holds list, expected a mapping"]),
    ],
)
def test_problems_are_named(tmp_path, text, expected):
    with pytest.raises(UserError) as error:
        load(tmp_path, text)
    for clause in expected:
        assert clause in str(error.value)


def test_all_problems_at_once():
    content = {"train": {"learning_rate": "fast", "lora": {"rank": 0}, "epochs": 3}}
    assert len(problems_in(content, Train)) == 3


def test_a_section_that_is_gone_says_what_to_do(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((Path(__file__).parents[2] / "params.yaml").read_text() + "pretrain:\n  seed: 7\nasess: {}\n")
    with pytest.raises(UserError) as caught:
        check_params(path)
    assert (
        "pretrain: delete this section: codetune no longer trains a base model, model.base names one; asess: unknown"
        in str(caught.value)
    )
    assert "did you mean pretrain" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_params(tmp_path / "params.yaml")
