"""The prompt template and the loss mask, asserted on ids."""

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from codetune.modeling.load import load_tokenizer
from codetune.prompt import (
    CHAT_TEMPLATE,
    IGNORED_LABEL,
    completion_text,
    ensure_template,
    example_ids,
    prompt_ids,
)

OWN_TEMPLATE = (
    "{% for message in messages %}<|pad|>{{ message['role'] }}: {{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %} answer:{% endif %}"
)


@pytest.fixture
def tokenizer(tiny_base):
    return load_tokenizer(tiny_base)


def plain(tokenizer, text):
    """Ids by the tokenizers library itself, without transformers."""
    return tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids


def test_the_prompt_is_the_template_as_documented(tokenizer):
    assert prompt_ids(tokenizer, "Add `a` and `b`.") == plain(
        tokenizer, "### Instruction:\nAdd `a` and `b`.\n\n### Response:\n"
    )


def test_labels_cover_exactly_the_completion_and_its_end_token(tokenizer):
    prompt = plain(tokenizer, "### Instruction:\nAdd.\n\n### Response:\n")
    code = plain(tokenizer, "def add(a, b):\n    return a + b")
    end = tokenizer.convert_tokens_to_ids("<|end|>")
    example = example_ids(tokenizer, "Add.", "def add(a, b):\n    return a + b", max_tokens=500)
    assert example.input_ids == [*prompt, *code, end]
    assert example.labels == [IGNORED_LABEL] * len(prompt) + [*code, end]
    assert not example.truncated


def test_a_training_example_begins_with_the_very_prompt_of_generation(tokenizer, instruction_rows):
    for row in instruction_rows:
        prompt = prompt_ids(tokenizer, row["instruction"])
        example = example_ids(tokenizer, row["instruction"], row["completion"], max_tokens=500)
        assert example.input_ids[: len(prompt)] == prompt
        assert set(example.labels[: len(prompt)]) == {IGNORED_LABEL}
        assert IGNORED_LABEL not in example.labels[len(prompt) :]


@pytest.mark.parametrize(("over", "truncated"), [(0, False), (1, True), (5, True)])
def test_a_row_over_the_limit_is_marked(tokenizer, over, truncated):
    whole = example_ids(tokenizer, "Add.", "def add(a, b): ...", max_tokens=500)
    limit = len(whole.input_ids) - over
    example = example_ids(tokenizer, "Add.", "def add(a, b): ...", max_tokens=limit)
    assert example.truncated is truncated
    assert len(example.input_ids) == len(example.labels) == limit


@pytest.mark.parametrize("text", ["print('<|end|>')", "a <|pad|> b", "<|end|>"])
def test_special_tokens_in_text_are_spelt_out(tokenizer, text):
    special = {tokenizer.eos_token_id, tokenizer.pad_token_id}
    assert not special & set(prompt_ids(tokenizer, text))
    example = example_ids(tokenizer, "Add.", text, max_tokens=500)
    answer = [label for label in example.labels if label != IGNORED_LABEL]
    assert answer.pop() == tokenizer.eos_token_id
    assert not special & set(answer)
    assert completion_text(tokenizer, answer) == text


@pytest.mark.parametrize("text", ["def f( x ):\n\n\treturn x , 1 .", "  x = 'é — 漢字'\n", "don 't", ""])
def test_decoding_gives_the_text_back(tokenizer, text):
    answer = example_ids(tokenizer, "Add.", text, max_tokens=500).labels
    assert completion_text(tokenizer, [label for label in answer if label != IGNORED_LABEL]) == text


def test_a_template_of_the_tokenizers_own_is_kept(tokenizer):
    tokenizer.chat_template = OWN_TEMPLATE
    assert ensure_template(tokenizer).chat_template == OWN_TEMPLATE
    pad = tokenizer.pad_token_id
    assert prompt_ids(tokenizer, "Add.") == [pad, *plain(tokenizer, "user: Add. answer:")]


def test_a_tokenizer_without_template_gets_ours(tokenizer):
    expected = prompt_ids(tokenizer, "Add.")
    tokenizer.chat_template = None
    assert prompt_ids(tokenizer, "Add.") == expected
    assert ensure_template(tokenizer).chat_template == CHAT_TEMPLATE


def test_the_template_survives_being_stored(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    stored = AutoTokenizer.from_pretrained(tmp_path)
    assert prompt_ids(stored, "Add.") == prompt_ids(tokenizer, "Add.")


def test_a_final_line_break_in_the_stored_template_changes_nothing(tokenizer):
    expected = prompt_ids(tokenizer, "Say <|end|>.")
    tokenizer.chat_template = CHAT_TEMPLATE + "\n"
    assert prompt_ids(tokenizer, "Say <|end|>.") == expected


def test_a_begin_token_that_the_tokenizer_adds_leads_the_prompt(tokenizer):
    from tokenizers.processors import TemplateProcessing

    backend = tokenizer.backend_tokenizer
    backend.add_special_tokens(["<|begin|>"])
    begin = backend.token_to_id("<|begin|>")
    backend.post_processor = TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", begin)])
    with_begin = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|begin|>", eos_token="<|end|>")
    assert prompt_ids(with_begin, "Add.") == [begin, *prompt_ids(tokenizer, "Add.")]
    answer = example_ids(with_begin, "Add.", "x", max_tokens=500)
    assert answer.input_ids.count(begin) == 1
