"""The tokenizer of a GGUF file gives the ids of llama.cpp: llama_cpp_ids.json has them, made by it."""

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from codetune.models.gguf.header import read_gguf
from codetune.models.gguf.pre_tokenizers import PRE_TOKENIZERS
from codetune.models.gguf.tokenizer import end_ids, load_gguf_tokenizer
from tests.conftest import one_line
from tests.models.gguf_files import SPECIAL, make_gguf, make_tokens

GOLDEN = json.loads((Path(__file__).parent / "llama_cpp_ids.json").read_text(encoding="utf-8"))
IDS = {kind: group["ids"] for group in GOLDEN["ids"] for kind in group["types"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gguf")


def tokenizer_values(kind):
    """The metadata of the file with which llama.cpp made the ids of `kind`."""
    if kind.startswith("spm"):
        values = {f"tokenizer.ggml.{key}": value for key, value in GOLDEN["sentence_piece"].items()}
        absent = dict.fromkeys(("merges", "pre", "padding_token_id", "add_bos_token"))
        prefix = {"add_space_prefix": False} if kind == "spm-no-prefix" else {}
        others = {"model": "llama", **absent, **prefix}
        return values | {f"tokenizer.ggml.{key}": value for key, value in others.items()}
    found = GOLDEN["byte_level"]
    return {
        "tokenizer.ggml.pre": kind,
        "tokenizer.ggml.tokens": found["tokens"],
        "tokenizer.ggml.merges": found["merges"],
        "tokenizer.ggml.token_type": [3] * 3 + [1] * (len(found["tokens"]) - 3),
    }


def loaded(folder, **values):
    return load_gguf_tokenizer(read_gguf(make_gguf(folder / "file", **values)))


def test_every_type_has_ids_of_llama_cpp():
    assert set(IDS) == {*PRE_TOKENIZERS, "spm", "spm-no-prefix"}


@pytest.mark.parametrize("kind", IDS)
def test_the_ids_are_those_of_llama_cpp(folder, kind):
    tokenizer = loaded(folder, **tokenizer_values(kind))
    for text, (plain, special) in zip(GOLDEN["texts"], IDS[kind], strict=True):
        assert tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"] == plain, text
        assert tokenizer(text)["input_ids"] == special, text
        assert tokenizer.decode(plain) == text


@pytest.mark.parametrize("kind", ["smollm", "llama-bpe", "spm"])
def test_the_ids_are_the_same_after_saving(folder, kind):
    tokenizer = loaded(folder, **tokenizer_values(kind))
    tokenizer.save_pretrained(folder / kind)
    again = AutoTokenizer.from_pretrained(folder / kind)
    assert again.chat_template == tokenizer.chat_template
    assert again.special_tokens_map == tokenizer.special_tokens_map
    for text in GOLDEN["texts"]:
        assert again(text)["input_ids"] == tokenizer(text)["input_ids"]


def test_special_tokens_and_template_are_the_files(folder):
    tokenizer = loaded(folder)
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert (tokenizer.unk_token, tokenizer.pad_token) == ("<|endoftext|>", "<|im_end|>")
    assert tokenizer.model_max_length == 512
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
    )
    assert text == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"tokenizer.ggml.add_bos_token": None}, False),
        ({"tokenizer.ggml.add_bos_token": True}, True),
        ({"tokenizer.ggml.add_bos_token": None, "tokenizer.ggml.pre": "llama-bpe"}, True),
        ({"tokenizer.ggml.add_bos_token": False, "tokenizer.ggml.pre": "llama-bpe"}, False),
    ],
)
def test_a_text_begins_with_the_token_that_the_file_asks_for(folder, changes, begins):
    assert (loaded(folder, **changes)("hi")["input_ids"][0] == 1) is begins


def test_a_token_of_ordinary_text_is_never_special(folder):
    comma = make_tokens()[0].index(",")
    tokenizer = loaded(folder, **{"tokenizer.ggml.bos_token_id": comma, "tokenizer.ggml.unknown_token_id": comma})
    assert tokenizer.bos_token is None
    assert tokenizer.unk_token is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [0, 2]),  # <|im_end|>, which the file names, and <|endoftext|>, which ends a text too
        ({"tokenizer.ggml.eos_token_id": 0}, [0, 2]),  # the end of a turn stops, though the file does not name it
        ({"tokenizer.ggml.eot_token_id": 1}, [0, 1, 2]),
        ({"tokenizer.ggml.token_type": [1] * len(make_tokens()[0])}, [2]),
    ],
)
def test_the_ids_that_end_an_answer(folder, changes, expected):
    assert SPECIAL == ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    assert end_ids(read_gguf(make_gguf(folder / "file", **changes))) == expected


BROKEN = {
    "no tokenizer": ({"tokenizer.ggml.tokens": None}, "holds no tokenizer"),
    "no kind of tokenizer": ({"tokenizer.ggml.model": None}, "holds no tokenizer"),
    "another kind of tokenizer": ({"tokenizer.ggml.model": "bert"}, "type bert, expected gpt2 or llama"),
    "another way to cut": (
        {"tokenizer.ggml.pre": "tekken"},
        r"the pre-tokenizer tekken \(tokenizer.ggml.pre\), expected one of",
    ),
    "a token twice": ({"tokenizer.ggml.tokens": ["a", "a"]}, "has a token twice"),
    "a merge of no tokens": ({"tokenizer.ggml.merges": ["x yyyy"]}, "is damaged"),
    "no scores": ({"tokenizer.ggml.model": "llama", "tokenizer.ggml.merges": None}, "cannot be read"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_tokenizer_that_cannot_be_used_is_one_line(folder, case):
    changes, message = BROKEN[case]
    with one_line(message, folder):
        loaded(folder, **changes)


def test_a_file_without_a_type_is_cut_as_llama_cpp_does_by_default(folder):
    values, text = tokenizer_values("default"), "a`=`b 1234 +++"
    ids = loaded(folder, **values)(text)["input_ids"]
    assert loaded(folder, **values | {"tokenizer.ggml.pre": None})(text)["input_ids"] == ids
