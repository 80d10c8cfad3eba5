"""The byte-level BPE is exact and made for Python."""

import pytest


@pytest.mark.parametrize(
    "text",
    ["def f1(x):\n    return x", "x\t=\u3042 'é'\r\n", "\x00\x7f", "", "a" * 50, "<|end|>x 1234  \n\n   y", "\ufeffx"],
)
def test_decoding_is_exact(tiny_tokenizer, text):
    ids = tiny_tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert tiny_tokenizer.decode(ids, skip_special_tokens=False) == text


def test_digits_are_single_and_indentation_is_one_token(tiny_tokenizer):
    assert len(tiny_tokenizer.tokenize("907")) == 3
    assert len(tiny_tokenizer.tokenize("\n        return")) == 2
    assert tiny_tokenizer.pad_token_id != tiny_tokenizer.eos_token_id
