"""Encoders of the families that people score code with, tiny and random, from folders as the hub has them."""

import string
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    DebertaConfig,
    DebertaModel,
    DebertaTokenizer,
    DebertaV2Config,
    DebertaV2Model,
    DebertaV2Tokenizer,
    RobertaConfig,
    RobertaModel,
    RobertaTokenizer,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

from codetune.evaluation.metrics.bertscore import BertEncoder, match
from tests.evaluation.metrics.test_bertscore import TOLERANCE, by_the_library, encoder_of

LETTERS = string.ascii_letters + string.digits + "_()[]:=+-*/.,'\""
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
LIMIT = 40


def _bytes(*special: str) -> dict[str, int]:
    return {token: place for place, token in enumerate([*special, *bytes_to_unicode().values()])}


def _roberta() -> tuple[Any, Any]:
    # CodeBERT, GraphCodeBERT and UniXcoder are RoBERTa too. Positions begin after the padding token's.
    vocab = _bytes("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    config = RobertaConfig(vocab_size=len(vocab), max_position_embeddings=LIMIT + 2, pad_token_id=1, **SIZES)
    return RobertaModel(config), RobertaTokenizer(vocab=vocab, merges=[])


def _deberta() -> tuple[Any, Any]:
    vocab = _bytes("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]")
    config = DebertaConfig(
        vocab_size=len(vocab), relative_attention=True, pos_att_type=["c2p", "p2c"], max_position_embeddings=LIMIT, **SIZES
    )  # fmt: skip
    return DebertaModel(config), DebertaTokenizer(vocab=vocab, merges=[])


def _deberta_v2() -> tuple[Any, Any]:
    pieces = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "\u2581", *LETTERS, "[MASK]"]
    config = DebertaV2Config(
        vocab_size=len(pieces), relative_attention=True, pos_att_type=["c2p", "p2c"], position_buckets=8,
        max_position_embeddings=LIMIT, **SIZES,
    )  # fmt: skip
    tokenizer = DebertaV2Tokenizer(vocab=[(piece, -float(place)) for place, piece in enumerate(pieces)], unk_id=3)
    return DebertaV2Model(config), tokenizer


FAMILIES = {"roberta": _roberta, "deberta": _deberta, "deberta-v2": _deberta_v2}


@pytest.fixture(scope="module", params=FAMILIES)
def encoder(request, tmp_path_factory) -> BertEncoder:
    folder = tmp_path_factory.mktemp("families") / request.param
    torch.manual_seed(7)
    model, tokenizer = FAMILIES[request.param]()
    tokenizer.model_max_length = LIMIT
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return encoder_of(folder, 2)


def test_scores_equal_those_of_the_library(encoder):
    folder = Path(encoder.files.folder)
    answers, references = ["def f(a): return a", "b", "x = [1]"], ["def g(b): return b", "a + b", "y = (2)"]
    assert encoder.max_tokens == LIMIT
    expected = by_the_library(folder, 2, LIMIT, answers, references)
    pairs = zip(answers, references, strict=True)
    found = torch.tensor([match(encoder.embed(left), encoder.embed(right)) for left, right in pairs])
    assert torch.allclose(found, expected, rtol=0, atol=TOLERANCE)
    assert found[:, 2].max() - found[:, 2].min() > 0.001


def test_a_long_text_is_read_to_its_end(encoder):
    long = encoder.embed("def f(a): return a + " + "b" * 100)
    assert long.windows > 1
    assert len(long.vectors) == len(long.weights) > 100
    assert [long.weights[0].item(), long.weights[-1].item(), long.weights[1:-1].min().item()] == [0.0, 0.0, 1.0]
    assert match(long, long) == pytest.approx((1, 1, 1), abs=1e-5)
    other = encoder.embed("def f(a): return a + " + "b" * 99 + "c")
    assert not torch.equal(long.vectors[-2], other.vectors[-2])


def test_a_text_without_tokens_scores_0(encoder):
    assert match(encoder.embed("  \n"), encoder.embed("x")) == (0, 0, 0)
