"""The prompt: one template in one place, for training, generation, export and the web page.

A prompt is tokenised here and nowhere else; a completion is tokenised by itself and appended, so that the ids a model
was trained to continue are the ids it is asked to continue. A tokenizer that brings a chat template of its own (an
instruct model) keeps it; any other gets ours, which is then stored with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

IGNORED_LABEL = -100
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ message['content'] + eos_token }}"
    "{% else %}{{ '### Instruction:\\n' + message['content'] + '\\n\\n### Response:\\n' }}{% endif %}"
    "{% endfor %}"
)


class Example(NamedTuple):
    """One training example.

    `input_ids` and `labels` have the same length; a label is the id at its own position, or `IGNORED_LABEL` on the
    prompt. `truncated` tells that the row was longer than allowed: the ids are cut and the end token is lost.
    """

    input_ids: list[int]
    labels: list[int]
    truncated: bool


def ensure_template(tokenizer: Any) -> Any:
    """The same tokenizer, with our template where it had none."""
    if not tokenizer.chat_template:
        tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def prompt_ids(tokenizer: Any, instruction: str) -> list[int]:
    """The ids that ask for an answer to `instruction`, up to where the answer begins."""
    template = tokenizer.chat_template or CHAT_TEMPLATE
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": instruction}], chat_template=template, tokenize=False, add_generation_prompt=True
    )
    if template.rstrip() != CHAT_TEMPLATE:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    return _leading_ids(tokenizer) + _plain_ids(tokenizer, text)


def example_ids(tokenizer: Any, instruction: str, completion: str, max_tokens: int) -> Example:
    """The ids and labels of one row: labels cover exactly the completion and its end token.

    :param max_tokens: the longest example allowed, prompt and end token included.
    """
    prompt = prompt_ids(tokenizer, instruction)
    answer = [*_plain_ids(tokenizer, completion), tokenizer.eos_token_id]
    input_ids = prompt + answer
    labels = [IGNORED_LABEL] * len(prompt) + answer
    return Example(input_ids[:max_tokens], labels[:max_tokens], truncated=len(input_ids) > max_tokens)


def completion_text(tokenizer: Any, ids: list[int]) -> str:
    """The text of generated ids, without special tokens and with its white space as generated."""
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _plain_ids(tokenizer: Any, text: str) -> list[int]:
    """The ids of `text` as plain text: the name of a special token inside it is spelt out, never obeyed."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def _leading_ids(tokenizer: Any) -> list[int]:
    """The begin-of-text id, where the tokenizer puts one before every text by itself."""
    begin = tokenizer.bos_token_id
    return [begin] if begin is not None and list(tokenizer("")["input_ids"])[:1] == [begin] else []
