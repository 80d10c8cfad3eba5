"""A tokenizer that is written to GGUF gives the ids of llama.cpp when it is read back."""

from dataclasses import replace

import pytest
from tokenizers import normalizers, pre_tokenizers
from transformers import AutoTokenizer

from codetune.export.gguf.tokenizer import tokenizer_metadata
from codetune.models.gguf.header import read_gguf
from codetune.models.gguf.keys import UNUSED
from codetune.models.gguf.pre_tokenizers import PRE_TOKENIZERS
from codetune.models.gguf.tokenizer import end_ids, load_gguf_tokenizer
from codetune.models.gguf_writing.failure import NotConvertibleError
from tests.conftest import tiny_tokenizer
from tests.models.gguf.test_tokenizer import GOLDEN, IDS, tokenizer_values
from tests.models.gguf_files import CHATML, make_gguf, make_model, metadata

WITHOUT = {key: None for key in metadata("llama", make_model()) if key.startswith("tokenizer.")}


def from_folder(folder, kind):
    """The tokenizer with which llama.cpp made the golden ids, as transformers saves and loads it."""
    file = read_gguf(make_gguf(folder / "source", **tokenizer_values(kind)))
    load_gguf_tokenizer(file).save_pretrained(folder / "saved")
    return AutoTokenizer.from_pretrained(folder / "saved")


@pytest.mark.parametrize("kind", IDS)
def test_a_tokenizer_json_becomes_the_metadata_of_llama_cpp(tmp_path, kind):
    tokenizer = from_folder(tmp_path, kind)
    values = tokenizer_metadata(tokenizer, frozenset({2}), len(tokenizer), None)
    if kind in PRE_TOKENIZERS:
        assert replace(PRE_TOKENIZERS[values["tokenizer.ggml.pre"]], begins=False) == replace(
            PRE_TOKENIZERS[kind], begins=False
        )
    written = make_gguf(tmp_path / "written", **WITHOUT | values)
    again = load_gguf_tokenizer(read_gguf(written))
    for text, (plain, special) in zip(GOLDEN["texts"], IDS[kind], strict=True):
        assert again(text, add_special_tokens=False, split_special_tokens=True)["input_ids"] == plain, text
        assert again(text)["input_ids"] == special, text


def test_the_metadata_of_a_gguf_base_are_taken_over_except_the_template(tmp_path):
    file = read_gguf(make_gguf(tmp_path / "base"))
    tokenizer = load_gguf_tokenizer(file)
    tokenizer.chat_template = "another"
    values = tokenizer_metadata(tokenizer, frozenset({0, 2}), len(tokenizer), file)
    expected = {key: value for key, value in file.metadata.items() if key.startswith("tokenizer.")}
    assert values == expected | {"tokenizer.chat_template": "another"}
    assert expected["tokenizer.chat_template"] == CHATML


def test_ids_without_a_token_are_marked_as_unused():
    values = tokenizer_metadata(tiny_tokenizer(), frozenset({1}), 405, None)
    assert values["tokenizer.ggml.tokens"][400:] == [f"[PAD{place}]" for place in range(400, 405)]
    assert values["tokenizer.ggml.token_type"][399:] == [1] + [UNUSED] * 5


def test_an_end_token_that_no_name_tells_is_declared(tmp_path):
    file = read_gguf(make_gguf(tmp_path / "base"))
    values = tokenizer_metadata(load_gguf_tokenizer(file), frozenset({0, 2, 7, 9}), 400, file)
    assert (values["tokenizer.ggml.eot_token_id"], values["tokenizer.ggml.eom_token_id"]) == (7, 9)
    assert end_ids(read_gguf(make_gguf(tmp_path / "again", **values))) == [0, 2, 7, 9]
    with pytest.raises(NotConvertibleError, match="no place for all end tokens"):
        tokenizer_metadata(load_gguf_tokenizer(file), frozenset({0, 2, 7, 9, 11}), 400, file)


def changed(**parts):
    tokenizer = tiny_tokenizer()
    for name, part in parts.items():
        setattr(tokenizer.backend_tokenizer, name, part)
    return tokenizer


UNKNOWN_FORMS = {
    "another pre-tokenizer": (
        {"pre_tokenizer": pre_tokenizers.Sequence([pre_tokenizers.Split(",", "removed"), pre_tokenizers.ByteLevel(use_regex=False)])},
        "is none of those with a name in GGUF",
    ),
    "a space before every text": ({"pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=True)}, "is none of those"),
    "no pre-tokenizer": ({"pre_tokenizer": None}, "is none of those"),
    "lower case": ({"normalizer": normalizers.Lowercase()}, "the normalizer Lowercase cannot be converted"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN_FORMS)
def test_a_tokenizer_that_cannot_be_identified_is_refused(case):
    parts, message = UNKNOWN_FORMS[case]
    with pytest.raises(NotConvertibleError, match=message):
        tokenizer_metadata(changed(**parts), frozenset({1}), 400, None)
