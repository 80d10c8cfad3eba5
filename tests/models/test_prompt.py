"""The prompt template and the loss mask, asserted on ids."""

import random

import pytest
from transformers import PreTrainedTokenizerFast

from codetune.models.prompt import (
    CHAT_TEMPLATE,
    IGNORED_LABEL,
    check_template,
    completion_text,
    continuation_ids,
    end_id,
    ensure_template,
    example_ids,
    is_instruct,
    prompt_ids,
    set_system,
    shown_prompt,
)
from tests.conftest import one_line
from tests.support.chat_templates import DATED, DEEPSEEK, GEMMA, LLAMA2, QWEN, SMOLLM

OWN_TEMPLATE = (
    "{% for message in messages %}<|pad|>{{ message['role'] }}: {{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %} answer:{% endif %}"
)


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


def test_a_final_line_break_in_the_stored_template_changes_nothing(tokenizer):
    expected = prompt_ids(tokenizer, "Say <|end|>.")
    tokenizer.chat_template = CHAT_TEMPLATE + "\n"
    assert prompt_ids(tokenizer, "Say <|end|>.") == expected


def test_a_begin_token_that_the_tokenizer_adds_leads_the_prompt(tokenizer):
    from tokenizers.processors import TemplateProcessing

    backend, without = tokenizer.backend_tokenizer, prompt_ids(tokenizer, "Add.")
    backend.add_special_tokens(["<|begin|>"])
    begin = backend.token_to_id("<|begin|>")
    backend.post_processor = TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", begin)])
    with_begin = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|begin|>", eos_token="<|end|>")
    assert prompt_ids(with_begin, "Add.") == [begin, *without]
    answer = example_ids(with_begin, "Add.", "x", max_tokens=500)
    assert answer.input_ids.count(begin) == 1
    assert continuation_ids(with_begin, "def") == [begin, *plain(with_begin, "def")]
    ensure_template(with_begin)
    assert not is_instruct(with_begin)
    assert shown_prompt(with_begin) == "<|begin|>### Instruction:\n{instruction}\n\n### Response:\n"
    by_transformers = with_begin.apply_chat_template([{"role": "user", "content": "Add."}], return_dict=False)
    assert by_transformers == prompt_ids(with_begin, "Add."), "what is stored asks as training does"


def asked(tokenizer, template, system, bos=None):
    """What is asked by a template with a system text of choice."""
    tokenizer.chat_template, tokenizer.bos_token = template, bos
    set_system(tokenizer, system, "the model")
    check_template(tokenizer, "the model")
    return shown_prompt(tokenizer)


PARTS = (
    "{% for m in messages %}<{{ m['role'] }}>{% for part in m['content'] %}{{ part['text'] }}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
MONTHLY = "{% if strftime_now('%B') == 'December' %}Happy holidays! {% endif %}"
TURN = "<|im_start|>user\n{instruction}<|im_end|>\n<|im_start|>assistant\n"
ODD = 'No "prose".\n{{ 7 }} %} é \\n'


@pytest.mark.parametrize(
    ("template", "system", "prompt"),
    [
        (SMOLLM, "keep", f"<|im_start|>system\nYou are SmolLM<|im_end|>\n{TURN}"),
        (SMOLLM, "none", TURN),
        (SMOLLM, ODD, f"<|im_start|>system\n{ODD}<|im_end|>\n{TURN}"),
        (QWEN, "none", TURN),
        (QWEN, "Be brief.", f"<|im_start|>system\nBe brief.<|im_end|>\n{TURN}"),
        (DEEPSEEK, "keep", "<|end|>You write code.\n### Instruction:\n{instruction}\n### Response:"),
        (DEEPSEEK, "none", "<|end|>### Instruction:\n{instruction}\n### Response:"),
        (GEMMA, "none", "<|end|><start_of_turn>user\n{instruction}<end_of_turn>\n<start_of_turn>model\n"),
        (LLAMA2, "none", "<|end|>[INST] {instruction} [/INST]"),
        (DATED, "none", "<|end|><|user|>{instruction}<|eot|><|assistant|>"),
    ],
)
def test_system_text_is_kept_replaced_or_left_out(tokenizer, template, system, prompt):
    assert asked(tokenizer, template, system, bos="<|end|>") == prompt
    chosen = tokenizer.chat_template
    set_system(tokenizer, system, "the model")
    assert tokenizer.chat_template == chosen, "chosen once more it is the same"


def test_begin_token_that_opens_every_turn_stays(tokenizer):
    assert asked(tokenizer, SMOLLM.replace("<|im_start|>", "<|pad|>"), "none", bos="<|pad|>").count("<|pad|>") == 2


@pytest.mark.parametrize("system", ["none", "Be brief."])
def test_conversation_with_a_system_text_of_its_own_is_as_before(tokenizer, system):
    conversation = [{"role": role, "content": text} for role, text in [("system", "S"), ("user", "U")]]
    tokenizer.chat_template = SMOLLM
    before = tokenizer.apply_chat_template(conversation, tokenize=False)
    asked(tokenizer, SMOLLM, system)
    assert tokenizer.chat_template != SMOLLM
    assert tokenizer.apply_chat_template(conversation, tokenize=False) == before


@pytest.mark.parametrize(
    ("template", "system", "message"),
    [
        (
            GEMMA,
            "Be brief.",
            "model.system: .* of the model cannot be replaced: no system role. Set model.system: keep",
        ),
        (LLAMA2, "Be brief.", "cannot be replaced: the template does not put a given system text"),
        (CHAT_TEMPLATE, "Be brief.", "cannot be replaced: the model has no chat template of its own"),
        ("Be good. {% for m in messages %}{{ m.content }}{% endfor %}", "none", "cannot be left out: the beginning of"),
        (
            "{% for m in messages if m.role == 'user' %}<u>{{ m.content }}<a>{% endfor %}",
            "keep",
            "no assistant turn: the text",
        ),
        (SMOLLM.replace("add_generation_prompt", "false"), "keep", r"no assistant turn in the prompt: .*assistant\\n"),
        ("{{ messages[0].content[:3] }}", "keep", "has the instruction 0 times in the prompt"),
        (SMOLLM.replace("message['content']", "message['content'][:99]"), "keep", "changes or cuts the instruction"),
        (SMOLLM.replace("message['content']", "message['content'] | e"), "keep", "changes or cuts the instruction"),
        (SMOLLM.replace("message['content']", "message['content'] | tojson"), "keep", "changes or cuts the instruct"),
        (PARTS, "keep", "needs the content of a message as a list of parts"),
        (f"{MONTHLY}{SMOLLM}", "keep", r"puts the date into the prompt, which then differs from day to day"),
        (f"{{{{ strftime_now('%s') }}}}{SMOLLM}", "keep", "puts the date into the prompt"),
        (f"{{{{ strftime_now('%-S %^a') }}}}{SMOLLM}", "keep", "puts the date into the prompt"),
        (
            f"{{{{ ['Hi', 'Hello'] | random }}}}{SMOLLM}",
            "keep",
            "puts a random part into the prompt, which then differs from call to call",
        ),
        (f"{{{{ lipsum(1) }}}}{SMOLLM}", "keep", "puts a random part into the prompt"),
        (
            f"{{{{ messages[0].get }}}}{SMOLLM}",
            "keep",
            r"puts a memory address into the prompt \(<built-in method get",
        ),
        ("{{ messages[0].content * 2 }}", "keep", "has the instruction 2 times in the prompt"),
        (DATED, "keep", r"puts the date into the prompt.* \(model.system: none may help\)"),
        (
            SMOLLM.replace("assistant\n", "assistant\n<think>"),
            "keep",
            "a prompt that is not the beginning of the conversation",
        ),
        ("{% for %}", "keep", "fails: Expected an expression"),
        ("{{ raise_exception('Only on Sundays!') }}", "keep", "fails: Only on Sundays. Correct chat_template"),
    ],
)
def test_template_that_cannot_be_used_is_one_line(tokenizer, template, system, message):
    with one_line(message):
        asked(tokenizer, template, system)


@pytest.mark.parametrize(
    ("template", "end"),
    [
        (CHAT_TEMPLATE, "<|end|>"),
        (SMOLLM.replace("<|im_end|>", "<|pad|>"), "<|pad|>"),
        (SMOLLM, "<|end|>"),  # to this tokenizer <|im_end|> is no token
    ],
)
def test_an_answer_ends_as_the_template_closes_it(tokenizer, template, end):
    tokenizer.chat_template = template
    assert end_id(tokenizer) == tokenizer.convert_tokens_to_ids(end)
    assert example_ids(tokenizer, "Add.", "x", max_tokens=500).labels[-1] == end_id(tokenizer)


def test_of_several_templates_the_default_is_used(tokenizer):
    tokenizer.chat_template = {"tool_use": "tools", "default": SMOLLM}
    assert ensure_template(tokenizer).chat_template == SMOLLM


def test_a_template_that_is_no_text_is_refused(tokenizer):
    tokenizer.chat_template = 5
    with one_line("the chat template of the tokenizer is 5, expected a text"):
        ensure_template(tokenizer)


def test_of_several_templates_without_a_default_none_is_taken(tokenizer):
    tokenizer.chat_template = {"tool_use": "tools", "rag": SMOLLM}
    with one_line(r"2 chat templates \(rag, tool_use\), expected one that is named default"):
        ensure_template(tokenizer)


def test_tokenizer_that_loses_line_breaks_is_refused(tokenizer):
    from tokenizers import normalizers

    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("\n", " ")
    with one_line(r"the tokenizer of the model changes 'if a:\\n        b' to 'if a:         b'"):
        check_template(tokenizer, "the model")


def test_trying_a_template_draws_no_random_number(tokenizer):
    tokenizer.chat_template = SMOLLM
    random.seed(7)
    expected = random.random()
    random.seed(7)
    check_template(tokenizer, "the model")
    assert random.random() == expected
