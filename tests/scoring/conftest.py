"""Encoders for the tests of scoring: the packaged MiniLM, and a tiny random BERT."""

from pathlib import Path
from typing import Any

import pytest

from codetune.config import load_section
from codetune.scoring.bertscore import BertEncoder
from codetune.scoring.encoder import locate_encoder
from codetune.scoring.params import ScoreParams

PROJECT = Path(__file__).parents[2]


def shipped() -> ScoreParams:
    """The `score` section of the project's own params.yaml."""
    return load_section(ScoreParams, PROJECT / "params.yaml")


def changed(**changes: Any) -> ScoreParams:
    """The shipped section with other values; those of `bertscore` are given by their own names."""
    content = shipped().model_dump()
    for key, value in changes.items():
        (content if key in content else content["bertscore"])[key] = value
    return ScoreParams.model_validate(content)


@pytest.fixture(scope="session")
def minilm() -> BertEncoder:
    settings = shipped().bertscore
    return BertEncoder(locate_encoder(settings), settings.layer)


def make_tiny_bert(folder: Path, layers: int = 2) -> Path:
    """Write a random BERT (hidden size 16, 40 positions) with a tokenizer of single characters; the folder."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    characters = "abcdefghijklmnopqrstuvwxyz0123456789()[]:,.=+-*_"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{letter}" for letter in characters)]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(vocab={word: place for place, word in enumerate(words)})
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    BertModel(config).save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # "project5" holds "t5", by which bert-score would take any model for a T5.
    return make_tiny_bert(tmp_path_factory.mktemp("project5") / "bert")
