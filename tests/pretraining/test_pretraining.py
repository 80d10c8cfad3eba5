"""The base model's parts: an exact tokenizer, packed sequences, a run that goes on where it was killed."""

import pytest
import torch

from codetune.pretraining.corpus import arrange, sequences
from codetune.pretraining.loop import build_model, learning_rate, pretrain
from codetune.pretraining.params import PretrainParams
from codetune.pretraining.tokenizer import train_tokenizer

TEXTS = [f"def f{n}(x):\n    if x:\n        return x + {n}\n    return None\n" for n in range(40)]
FILES = [{"text": text, "sha256": str(n), "path": f"{n}.py"} for n, text in enumerate(TEXTS)]
PARAMS = PretrainParams(
    seed=7, vocab_size=320, tokenizer_mb=1, hidden_size=16, layers=1, heads=2, kv_heads=1, intermediate_size=32,
    context=64, sequence=32, tokens=1024, batch_tokens=64, learning_rate=1e-2, warmup_share=0.1, weight_decay=0.1,
    clip=1.0, held_out_files=4, checkpoint_every=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(iter(TEXTS), 320, 64)


@pytest.mark.parametrize("text", [TEXTS[0], "x\t=\u3042 'é'\r\n", "\x00\x7f", "", "a" * 50, "<|end|>x 1234  \n\n   y"])
def test_decoding_is_exact(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_digits_are_single_and_indentation_is_one_token(tokenizer):
    assert len(tokenizer.tokenize("907")) == 3
    assert len(tokenizer.tokenize("\n        return")) == 2
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_sequences_overlap_by_the_predicted_token(tokenizer):
    corpus = arrange(FILES, 7, 4)
    assert len(corpus.held_out) == 4
    assert not {file["path"] for file in corpus.held_out} & {file["path"] for file in corpus.training}
    rows = sequences(tokenizer, corpus.training, 32, limit=5)
    assert rows.shape == (5, 33)
    assert torch.equal(rows[0, -1:], rows[1, :1])
    assert (rows == tokenizer.eos_token_id).any()


def test_learning_rate_rises_and_falls():
    rates = [learning_rate(step, 100, PARAMS) for step in range(100)]
    assert max(rates) == pytest.approx(PARAMS.learning_rate)
    assert rates.index(max(rates)) in {9, 10}
    assert rates[0] < rates[5]
    assert rates[-1] < 0.12 * PARAMS.learning_rate


def weights(model):
    return torch.cat([value.detach().flatten() for value in model.parameters()])


def test_killed_run_goes_on_to_the_same_weights(tokenizer, tmp_path, monkeypatch):
    corpus = arrange(FILES, 7, 4)
    training = sequences(tokenizer, corpus.training, 32, 16)
    held_out = sequences(tokenizer, corpus.held_out, 32)
    whole = build_model(PARAMS, tokenizer.eos_token_id, tokenizer.pad_token_id)
    losses = pretrain(whole, training, held_out, PARAMS, tmp_path / "a", "recipe")
    assert losses.held_out < 5.7, "below that of a uniform guess among 320"

    killed = build_model(PARAMS, tokenizer.eos_token_id, tokenizer.pad_token_id)
    real = torch.nn.utils.clip_grad_norm_
    calls = []

    def dying(*arguments):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", dying)
    with pytest.raises(KeyboardInterrupt):
        pretrain(killed, training, held_out, PARAMS, tmp_path / "b", "recipe")
    monkeypatch.undo()
    resumed = build_model(PARAMS, tokenizer.eos_token_id, tokenizer.pad_token_id)
    pretrain(resumed, training, held_out, PARAMS, tmp_path / "b", "recipe")
    assert torch.equal(weights(resumed), weights(whole))


def test_checkpoint_of_another_recipe_is_not_used(tokenizer, tmp_path):
    training = sequences(tokenizer, FILES, 32, 8)
    first = build_model(PARAMS, tokenizer.eos_token_id, tokenizer.pad_token_id)
    pretrain(first, training, training, PARAMS, tmp_path / "c", "one")
    second = build_model(PARAMS, tokenizer.eos_token_id, tokenizer.pad_token_id)
    pretrain(second, training, training, PARAMS, tmp_path / "c", "two")
    assert torch.equal(weights(first), weights(second))
