"""A base model, and rows tokenized for it."""

import pytest

from codetune.models.load import load_model
from tests.support.training import tokenized


@pytest.fixture
def base(tiny_base):
    return load_model(tiny_base)


@pytest.fixture
def rows(base, instruction_rows):
    return tokenized(base.tokenizer, instruction_rows)
