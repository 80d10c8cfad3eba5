"""Tiny models as the export sees them."""

import pytest
import torch

from codetune.models.load import LoadedModel, load_model
from tests.conftest import tiny_tokenizer
from tests.models.gguf_files import make_model


@pytest.fixture
def make_loaded():
    """A function that makes the random model of an architecture, with the tokenizer of the tests."""

    def make(architecture="llama", **changes):
        model = make_model(architecture, **({"vocab_size": 400} | changes))
        model.generation_config.eos_token_id = 1
        return LoadedModel(model, tiny_tokenizer(), "tiny")

    return make


@pytest.fixture
def tiny(tiny_base):
    return load_model(tiny_base)


@pytest.fixture
def prompts():
    generator = torch.Generator().manual_seed(7)
    return [torch.randint(2, 400, (length,), generator=generator).tolist() for length in (5, 17, 40)]
