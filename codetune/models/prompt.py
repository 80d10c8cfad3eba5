"""The prompt: one template in one place, for training, generation, export and the web page.

A prompt is tokenised here and nowhere else; a completion is tokenised by itself and appended, so that the ids a model
was trained to continue are the ids it is asked to continue. A tokenizer that brings a chat template of its own (an
instruct model) keeps it; any other gets ours, which is then stored with it.

A chat template may put a system text before the conversation by itself. `set_system` keeps, replaces or leaves out that
text by changing the template, so that whoever stores the tokenizer stores the choice, and plain transformers makes the
same prompt.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple

from codetune.core.errors import UserError, error_text

IGNORED_LABEL = -100
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ message['content'] + eos_token }}"
    "{% else %}{{ '### Instruction:\\n' + message['content'] + '\\n\\n### Response:\\n' }}{% endif %}"
    "{% endfor %}"
)
KEEP_SYSTEM, NO_SYSTEM = "keep", "none"
_ASKED, _ANSWERED, _ASKED_AGAIN = "Say (one).", "Said [two].", "Say <three>."  # texts that no template holds


class Example(NamedTuple):
    """One training example.

    `input_ids` and `labels` have the same length; a label is the id at its own position, or `IGNORED_LABEL` on the
    prompt. `truncated` tells that the row was longer than allowed: the ids are cut and the end token is lost.
    """

    input_ids: list[int]
    labels: list[int]
    truncated: bool


def ensure_template(tokenizer: Any) -> Any:
    """The same tokenizer, with our template where it had none, and with the default one where it has several."""
    if not tokenizer.chat_template:
        tokenizer.chat_template = CHAT_TEMPLATE
    elif isinstance(tokenizer.chat_template, dict):
        named: dict[str, str] = tokenizer.chat_template
        tokenizer.chat_template = named.get("default") or next(iter(named.values()))
    return tokenizer


def is_instruct(tokenizer: Any) -> bool:
    """Whether the tokenizer has a chat template of its own; a model without one continues text."""
    return bool(tokenizer.chat_template) and tokenizer.chat_template.rstrip() != CHAT_TEMPLATE


def prompt_ids(tokenizer: Any, instruction: str) -> list[int]:
    """The ids that ask for an answer to `instruction`, up to where the answer begins."""
    text = _prompt_text(tokenizer, instruction)
    if is_instruct(tokenizer):
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    return _leading_ids(tokenizer) + _plain_ids(tokenizer, text)


def example_ids(tokenizer: Any, instruction: str, completion: str, max_tokens: int) -> Example:
    """The ids and labels of one row: labels cover exactly the completion and its end token.

    :param max_tokens: the longest example allowed, prompt and end token included.
    """
    prompt = prompt_ids(tokenizer, instruction)
    answer = [*_plain_ids(tokenizer, completion), end_id(tokenizer)]
    input_ids = prompt + answer
    labels = [IGNORED_LABEL] * len(prompt) + answer
    return Example(input_ids[:max_tokens], labels[:max_tokens], truncated=len(input_ids) > max_tokens)


def completion_text(tokenizer: Any, ids: list[int]) -> str:
    """The text of generated ids, without special tokens and with its white space as generated."""
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def shown_prompt(tokenizer: Any) -> str:
    """The prompt as the model sees it, for reports: special tokens spelt out, `{instruction}` for the instruction."""
    return str(tokenizer.decode(prompt_ids(tokenizer, "{instruction}"), skip_special_tokens=False))


def end_id(tokenizer: Any) -> int:
    """The id that ends an answer: the token that closes it in the chat template, else the end token."""
    return _end_id(tokenizer, tokenizer.chat_template or CHAT_TEMPLATE)


def set_system(tokenizer: Any, system: str, name: str) -> None:
    """Change the chat template so that a conversation without a system text gets the one that is chosen.

    :param system: KEEP_SYSTEM for what the template puts there by itself, NO_SYSTEM for none, or the text.
    :param name: of the model, for messages.
    :raises UserError: when the template does not allow it.
    """
    if system == KEEP_SYSTEM or (system == NO_SYSTEM and not is_instruct(tokenizer)):
        return
    try:
        if system == NO_SYSTEM:
            _leave_out_system(tokenizer)
        else:
            _replace_system(tokenizer, system)
    except Exception as error:  # templates raise what they like
        what = "left out" if system == NO_SYSTEM else "replaced"
        raise UserError(
            f"model.system: the system text of {name} cannot be {what}: {error_text(error)}",
            f"Set model.system: {KEEP_SYSTEM}, or edit the template in a copy of the model's folder.",
        ) from None


def check_template(tokenizer: Any, name: str) -> None:
    """See to it that the chat template asks what it is given, the same each time, as it tells a conversation.

    :param name: of the model, for messages.
    :raises UserError: when it does not, with what is wrong.
    """
    if not is_instruct(tokenizer):
        return
    try:
        wrong = _fault(tokenizer)
    except Exception as error:  # templates raise what they like
        wrong = f"fails: {error_text(error)}"
    if wrong:
        raise UserError(
            f"model.base: the chat template of {name} {wrong}",
            "Mend it in a copy of the model's folder (chat_template.jinja); without one, codetune's own is used.",
        )


def _prompt_text(tokenizer: Any, instruction: str) -> str:
    return _render(tokenizer, [_message("user", instruction)], asking=True)


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _render(tokenizer: Any, messages: list[dict[str, str]], *, asking: bool, template: str | None = None) -> str:
    """The text of a conversation by the tokenizer's template or another; `asking`, up to where an answer begins."""
    template = template or tokenizer.chat_template or CHAT_TEMPLATE
    return str(
        tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=asking)
    )


def _fault(tokenizer: Any) -> str:
    """What is wrong with a chat template; empty where nothing is."""
    asked, answer = _message("user", _ASKED), _message("assistant", _ANSWERED)
    prompt = _render(tokenizer, [asked], asking=True)
    if prompt.count(_ASKED) != 1:
        return f"has the instruction {prompt.count(_ASKED)} times in the prompt, expected once and unchanged"
    another_day = "{% macro strftime_now(format) %}another day{% endmacro %}" + tokenizer.chat_template
    if _render(tokenizer, [asked], asking=True, template=another_day) != prompt:
        return f"puts the date into the prompt, which then differs from day to day (model.system: {NO_SYSTEM} may help)"
    told = _render(tokenizer, [asked, answer], asking=False)
    if _ANSWERED not in told:
        return "has no assistant turn: it leaves the answer out of the conversation"
    if not told.startswith(prompt):
        return "asks with a prompt that no conversation with an answer begins with"
    between = told[len(prompt) : told.index(_ANSWERED)]
    if between.strip() and prompt == _render(tokenizer, [asked], asking=False):
        return f"has no assistant turn in the prompt: add_generation_prompt does not add {between!r}"
    return ""


@lru_cache(maxsize=16)
def _end_id(tokenizer: Any, template: str) -> int:
    end = int(tokenizer.eos_token_id)
    if template.rstrip() == CHAT_TEMPLATE:
        return end
    told = _render(tokenizer, [_message("user", _ASKED), _message("assistant", _ANSWERED)], asking=False)
    closing = tokenizer(told.partition(_ANSWERED)[2].lstrip(), add_special_tokens=False)["input_ids"]
    return closing[0] if closing and closing[0] in tokenizer.added_tokens_decoder else end


def _replace_system(tokenizer: Any, system: str) -> None:
    """Give the template the system text for conversations that have none."""
    if not is_instruct(tokenizer):
        raise ValueError("it has no chat template of its own, and continues text")
    expected = _render(tokenizer, [_message("system", system), _message("user", _ASKED)], asking=True)
    if expected.count(system.strip()) != 1:
        raise ValueError("the template does not show the system text that it is given")
    start = (
        "{%- if messages[0]['role'] != 'system' %}"
        f"{{%- set messages = [{{'role': 'system', 'content': {_literal(system)}}}] + messages %}}"
        "{%- endif %}"
    )
    if not tokenizer.chat_template.startswith(start):
        _use(tokenizer, start + tokenizer.chat_template, expected)


def _leave_out_system(tokenizer: Any) -> None:
    """Have the template begin with the user's turn, as it writes such a turn later in a conversation."""
    asked, answer, again = _message("user", _ASKED), _message("assistant", _ANSWERED), _message("user", _ASKED_AGAIN)
    prompt = _render(tokenizer, [asked], asking=True)
    before, asked_text, after = prompt.partition(_ASKED)
    told = _render(tokenizer, [asked, answer], asking=False)
    longer = _render(tokenizer, [asked, answer, again], asking=True)
    head = longer.removeprefix(told).partition(_ASKED_AGAIN)[0]
    begin = tokenizer.bos_token or ""
    if not before.startswith(begin) or head.startswith(begin):
        begin = ""
    if before == begin + head:
        return
    if not longer.startswith(told) or not head.strip() or not before.endswith(head) or before.count(head) != 1:
        raise ValueError("where the user's turn begins cannot be told from the template's text")
    # A single line break at the end of a template is no part of it, which changes when something follows.
    template = (
        f"{{%- set conversation %}}{tokenizer.chat_template.removesuffix(chr(10))}{{% endset %}}"
        f"{{{{- {_literal(begin + head)} + conversation.split({_literal(head)}, 1)[1] "
        "if messages[0]['role'] == 'user' else conversation }}"
    )
    _use(tokenizer, template, begin + head + asked_text + after)


def _use(tokenizer: Any, template: str, expected: str) -> None:
    """Set the template.

    :raises ValueError: when its prompt is not the one expected.
    """
    before, tokenizer.chat_template = tokenizer.chat_template, template
    if _prompt_text(tokenizer, _ASKED) != expected:
        tokenizer.chat_template = before
        raise ValueError("the template does not take the change")


def _literal(text: str) -> str:
    """A text as Jinja writes it."""
    return json.dumps(text, ensure_ascii=False)


def _plain_ids(tokenizer: Any, text: str) -> list[int]:
    """The ids of `text` as plain text: the name of a special token inside it is spelt out, never obeyed."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def _leading_ids(tokenizer: Any) -> list[int]:
    """The begin-of-text id, where the tokenizer puts one before every text by itself."""
    begin = tokenizer.bos_token_id
    return [begin] if begin is not None and list(tokenizer("")["input_ids"])[:1] == [begin] else []
