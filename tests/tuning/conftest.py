"""A base model, and rows tokenized for it."""

import pytest

from codetune.modeling.load import load_model
from codetune.prompt import example_ids
from codetune.tuning.data import TokenizedRow


@pytest.fixture
def base(tiny_base):
    return load_model(tiny_base)


@pytest.fixture
def rows(base, instruction_rows):
    examples = [
        (row["id"], example_ids(base.tokenizer, row["instruction"], row["completion"], 400)) for row in instruction_rows
    ]
    return [TokenizedRow(row_id, example.input_ids, example.labels) for row_id, example in examples]
