"""A tiny tokenizer and recipe."""

import pytest

from codetune.pretraining.params import PretrainParams
from codetune.pretraining.tokenizer import train_tokenizer

TEXTS = [f"def f{n}(x):\n    if x:\n        return x + {n}\n    return None\n" for n in range(40)]
FILES = [{"text": text, "sha256": str(n), "path": f"{n}.py"} for n, text in enumerate(TEXTS)]


@pytest.fixture(scope="session")
def texts():
    return TEXTS


@pytest.fixture(scope="session")
def files():
    return FILES


@pytest.fixture(scope="session")
def recipe():
    return PretrainParams(
        seed=7, vocab_size=320, tokenizer_mb=1, hidden_size=16, layers=2, heads=2, kv_heads=1, intermediate_size=32,
        context=64, function_share=0.5, function_chars=400, tokens=64 * 24, decay_share=0.25, decay_function_share=0.5, decay_loop_share=0.25,
        batch_tokens=64, warmup_steps=3, matrix_learning_rate=0.02, embedding_learning_rate=0.01,
        output_learning_rate=0.01, momentum=0.9, weight_decay=0.01, clip=1.0, held_out_files=4, evaluate_every=6, checkpoint_every=2,
    )  # fmt: skip


@pytest.fixture(scope="session")
def tiny_tokenizer():
    return train_tokenizer(iter(TEXTS), 320, 64)
