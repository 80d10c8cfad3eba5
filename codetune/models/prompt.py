"""The prompt. Training, generation, export and the web page all make prompts with this module.

Only this module tokenises prompts. A completion is tokenised separately and appended. So generation asks a model to
continue exactly the ids that training taught it to continue. A tokenizer with its own chat template (an instruct
model) keeps it. Any other tokenizer gets codetune's template, which is then stored with it.

A chat template may add a system text by itself. `set_system` keeps, replaces or removes that text by changing the
template. So the choice is stored with the tokenizer, and plain transformers makes the same prompt. Some tokenizers put
special tokens before every text (usually a begin-of-text id). codetune's template then contains them as well, because
transformers adds none to a conversation.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from string import ascii_letters
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
_ASKED, _ANSWERED, _ASKED_AGAIN = "Say (one).", "Said [two].", "Say <three>."  # texts that occur in no template
_CODE = ("if a:\n        b", "{'c': [1]} <d> & e \\n \"f\" % # 2")  # texts that a tokenizer must decode unchanged
_WHOLE = "Say (one).\n\n" + "\n".join([*_CODE, *map(str, range(1000))]) + "\nThe end."
_DAYS = [datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=397 * at, hours=5 * at) for at in range(28)]
# Format codes of strftime: every letter, with the flags that the C library allows. A code that does not exist stays.
_DIRECTIVES = [flag + letter for flag in ("", *"-_0^#EO") for letter in ascii_letters]
# A macro, because transformers turns functions that are given to a template into text.
_CLOCK = (
    "{% macro strftime_now(format) %}{% set told = namespace(text=format) %}"
    "{% for code, value in codetune_day.items() %}{% set told.text = told.text|replace(code, value) %}{% endfor %}"
    "{{ told.text }}{% endmacro %}"
)
_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")  # the default text of a Python object


class Example(NamedTuple):
    """One training example.

    `input_ids` and `labels` have the same length. A label is the token id at the same position, or `IGNORED_LABEL` on
    the prompt. `truncated` is true if the row was too long: then the ids are cut and the end token is missing.
    """

    input_ids: list[int]
    labels: list[int]
    truncated: bool


def ensure_template(tokenizer: Any) -> Any:
    """Give the tokenizer exactly one chat template, and return the tokenizer.

    If it has none, it gets codetune's template. If it has several, the one named `default` is used.

    :raises UserError: when it has several templates, and none of them is named `default`, or when its template is not
        a text.
    """
    named = tokenizer.chat_template
    if not isinstance(named, str | dict | None):
        raise UserError(
            f"model.base: the chat template of the tokenizer is {named!r}, expected a text",
            "Correct chat_template in a copy of the model's folder.",
        )
    if isinstance(named, dict) and named:
        if "default" not in named:
            raise UserError(
                f"model.base: the tokenizer has {len(named)} chat templates ({', '.join(sorted(named))}), expected one "
                "that is named default",
                "Name one of them default in a copy of the model's folder.",
            )
        tokenizer.chat_template = named["default"]
    if not tokenizer.chat_template:
        tokenizer.chat_template = _own_template(tokenizer)
    return tokenizer


def is_instruct(tokenizer: Any) -> bool:
    """Return whether the tokenizer has its own chat template. A model without one is a text-completion model."""
    template = (tokenizer.chat_template or "").rstrip()
    if not template.endswith(CHAT_TEMPLATE):
        return bool(tokenizer.chat_template)
    return template not in (CHAT_TEMPLATE, _own_template(tokenizer))


def prompt_ids(tokenizer: Any, instruction: str) -> list[int]:
    """Return the token ids of the prompt for `instruction`, up to where the answer begins."""
    return conversation_ids(tokenizer, [_message("user", instruction)])


def conversation_ids(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    """Return the token ids of the prompt for a conversation, up to where the next answer begins.

    For one message of the user, they are the ids of `prompt_ids`.

    :param messages: at least one, each with `role` (`system`, `user` or `assistant`) and `content`; the last one is not
        of the assistant.
    """
    if is_instruct(tokenizer):
        text = _render(tokenizer, list(messages), asking=True)
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    ids = _leading_ids(tokenizer)
    for message in messages:
        if message["role"] == "assistant":  # as in training: the ids of the completion, then the end token
            ids += [*_plain_ids(tokenizer, message["content"]), end_id(tokenizer)]
        else:
            ids += _plain_ids(tokenizer, _render(tokenizer, [message], asking=True, template=CHAT_TEMPLATE))
    return ids


def continuation_ids(tokenizer: Any, text: str) -> list[int]:
    """Return the token ids of a text that a model without a chat template continues.

    The ids begin with the special tokens that the tokenizer puts before every text, as in the model's pretraining.
    """
    return _leading_ids(tokenizer) + _plain_ids(tokenizer, text)


def example_ids(tokenizer: Any, instruction: str, completion: str, max_tokens: int) -> Example:
    """Return the ids and labels of one row. Only the completion and its end token have labels.

    :param max_tokens: largest number of tokens, prompt and end token included; a longer row is cut.
    """
    prompt = prompt_ids(tokenizer, instruction)
    answer = [*_plain_ids(tokenizer, completion), end_id(tokenizer)]
    input_ids = prompt + answer
    labels = [IGNORED_LABEL] * len(prompt) + answer
    return Example(input_ids[:max_tokens], labels[:max_tokens], truncated=len(input_ids) > max_tokens)


def completion_text(tokenizer: Any, ids: list[int]) -> str:
    """Return the text of generated ids, without special tokens and with unchanged white space."""
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def shown_prompt(tokenizer: Any) -> str:
    """Return the prompt as the model sees it, for reports.

    Special tokens are written as text, and `{instruction}` stands for the instruction.
    """
    return str(tokenizer.decode(prompt_ids(tokenizer, "{instruction}"), skip_special_tokens=False))


def end_id(tokenizer: Any) -> int:
    """Return the id that ends an answer: the token that closes a turn in the chat template, or else the end token."""
    return _end_id(tokenizer, tokenizer.chat_template) if is_instruct(tokenizer) else int(tokenizer.eos_token_id)


def set_system(tokenizer: Any, system: str, name: str) -> None:
    """Change the chat template so that a conversation without a system text gets the chosen one.

    :param system: `KEEP_SYSTEM` for the text that the template adds by itself, `NO_SYSTEM` for none, or the text.
    :param name: the name of the model, for error messages.
    :raises UserError: when the template cannot be changed in this way.
    """
    if system == KEEP_SYSTEM or (system == NO_SYSTEM and not is_instruct(tokenizer)):
        return
    try:
        if system == NO_SYSTEM:
            _leave_out_system(tokenizer)
        else:
            _replace_system(tokenizer, system)
    except Exception as error:  # a template can raise any exception
        what = "left out" if system == NO_SYSTEM else "replaced"
        raise UserError(
            f"model.system: the system text of {name} cannot be {what}: {error_text(error)}",
            f"Set model.system: {KEEP_SYSTEM}, or edit the template in a copy of the model's folder.",
        ) from None


def check_template(tokenizer: Any, name: str) -> None:
    """Check that the tokenizer keeps code unchanged and that the chat template gives a usable prompt.

    The prompt must contain the whole instruction unchanged and be the same every time. It must also be the beginning of
    the conversation that contains the answer.

    :param name: the name of the model, for error messages.
    :raises UserError: when a check fails; the message says what is wrong with the tokenizer or the template.
    """
    for text in _CODE:
        if (told := completion_text(tokenizer, _plain_ids(tokenizer, text)).strip()) != text:
            raise UserError(
                f"model.base: the tokenizer of {name} changes {text!r} to {told!r}",
                "Use a base whose tokenizer keeps spaces, line breaks and punctuation, which code needs.",
            )
    if not is_instruct(tokenizer):
        return
    try:
        wrong = _fault(tokenizer)
    except Exception as error:  # a template can raise any exception
        wrong = f"fails: {error_text(error)}"
    if wrong:
        raise UserError(
            f"model.base: the chat template of {name} {wrong}",
            "Correct chat_template.jinja in a copy of the model's folder, or delete it to use codetune's own template.",
        )


def _prompt_text(tokenizer: Any, instruction: str) -> str:
    return _render(tokenizer, [_message("user", instruction)], asking=True)


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _render(
    tokenizer: Any, messages: list[dict[str, Any]], *, asking: bool, template: str | None = None, **names: Any
) -> str:
    """Return the text of a conversation.

    :param asking: whether the text ends where an answer begins (`add_generation_prompt`).
    :param template: the template to use; None: that of the tokenizer.
    :param names: additional variables for the template.
    """
    template = template or tokenizer.chat_template or CHAT_TEMPLATE
    return str(
        tokenizer.apply_chat_template(
            messages, chat_template=template, tokenize=False, add_generation_prompt=asking, **names
        )
    )


def _fault(tokenizer: Any) -> str:
    """Return what is wrong with the chat template, or an empty string."""
    asked, answer = _message("user", _WHOLE), _message("assistant", _ANSWERED)
    prompt = _render(tokenizer, [asked], asking=True)
    if prompt.count(_WHOLE) != 1:
        return _instruction_fault(tokenizer, prompt)
    if changing := _changing(tokenizer, asked):
        return changing
    told = _render(tokenizer, [asked, answer], asking=False)
    if _ANSWERED not in told:
        return "has no assistant turn: the text of a conversation does not contain the answer"
    if not told.startswith(prompt):
        return "gives a prompt that is not the beginning of the conversation with an answer"
    between = told[len(prompt) : told.index(_ANSWERED)]
    if between.strip() and prompt == _render(tokenizer, [asked], asking=False):
        return f"has no assistant turn in the prompt: add_generation_prompt does not add {between!r}"
    return ""


def _instruction_fault(tokenizer: Any, prompt: str) -> str:
    """Return how a chat template misuses the instruction, when the prompt does not contain it once and unchanged."""
    parts = [{"role": "user", "content": [{"type": "text", "text": _WHOLE}]}]
    try:
        as_parts = _render(tokenizer, parts, asking=True).count(_WHOLE) == 1
    except Exception:
        as_parts = False
    if as_parts:
        return "needs the content of a message as a list of parts, expected a template that takes text"
    if _WHOLE.split("\n", 1)[0] in prompt and not prompt.count(_WHOLE):
        return "changes or cuts the instruction, expected it in the prompt once and unchanged"
    return f"has the instruction {prompt.count(_WHOLE)} times in the prompt, expected once and unchanged"


def _changing(tokenizer: Any, asked: dict[str, str]) -> str:
    """Return which part of the prompt changes with the date or from call to call, or an empty string."""
    help_ = f"which then differs from {{}} (model.system: {NO_SYSTEM} may help)"
    if address := _ADDRESS.search(_render(tokenizer, [asked], asking=True)):
        return f"puts a memory address into the prompt ({address[0]}), {help_.format('process to process')}"
    with _kept_random_state():
        days, draws = (
            {_prompt_at(tokenizer, asked, day, seed) for day, seed in pairs}
            for pairs in ([(day, 0) for day in _DAYS], [(_DAYS[0], seed) for seed in range(28)])
        )
    if len(days) > 1:
        return f"puts the date into the prompt, {help_.format('day to day')}"
    if len(draws) > 1:
        return f"puts a random part into the prompt, {help_.format('call to call')}"
    return ""


def _prompt_at(tokenizer: Any, asked: dict[str, str], day: datetime, seed: int) -> str:
    """Return the prompt on a given day. Python's random numbers, which Jinja uses, are drawn from `seed`."""
    random.seed(seed)
    told = {f"%{code}": day.strftime(f"%{code}") for code in _DIRECTIVES}
    return _render(tokenizer, [asked], asking=True, template=_CLOCK + tokenizer.chat_template, codetune_day=told)


@contextmanager
def _kept_random_state() -> Iterator[None]:
    """Restore the state of Python's random numbers at the end of the block."""
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)


@lru_cache(maxsize=16)
def _end_id(tokenizer: Any, template: str) -> int:
    end = int(tokenizer.eos_token_id)
    conversation = [_message("user", _ASKED), _message("assistant", _ANSWERED)]
    told = _render(tokenizer, conversation, asking=False, template=template)
    closing = tokenizer(told.partition(_ANSWERED)[2].lstrip(), add_special_tokens=False)["input_ids"]
    return closing[0] if closing and closing[0] in tokenizer.added_tokens_decoder else end


def _replace_system(tokenizer: Any, system: str) -> None:
    """Change the template so that it adds the system text to conversations without one.

    :raises ValueError: when the template is codetune's own, or does not use system texts.
    """
    if not is_instruct(tokenizer):
        raise ValueError("the model has no chat template of its own")
    expected = _render(tokenizer, [_message("system", system), _message("user", _ASKED)], asking=True)
    if expected.count(system.strip()) != 1:
        raise ValueError("the template does not put a given system text into the prompt")
    start = (
        "{%- if messages[0]['role'] != 'system' %}"
        f"{{%- set messages = [{{'role': 'system', 'content': {_literal(system)}}}] + messages %}}"
        "{%- endif %}"
    )
    if not tokenizer.chat_template.startswith(start):
        _use(tokenizer, start + tokenizer.chat_template, expected)


def _leave_out_system(tokenizer: Any) -> None:
    """Change the template so that a conversation begins with the user's turn, without a system text.

    The beginning of a user's turn is taken from how the template writes a second user's turn.

    :raises ValueError: when the beginning of the user's turn cannot be found.
    """
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
        raise ValueError("the beginning of the user's turn cannot be found in the text of the template")
    # Jinja drops one line break at the end of a template, but keeps it when more text follows.
    template = (
        f"{{%- set conversation %}}{tokenizer.chat_template.removesuffix(chr(10))}{{% endset %}}"
        f"{{{{- {_literal(begin + head)} + conversation.split({_literal(head)}, 1)[1] "
        "if messages[0]['role'] == 'user' else conversation }}"
    )
    _use(tokenizer, template, begin + head + asked_text + after)


def _use(tokenizer: Any, template: str, expected: str) -> None:
    """Set the template of the tokenizer.

    :raises ValueError: when the prompt of the new template is not `expected`; then the old template stays.
    """
    before, tokenizer.chat_template = tokenizer.chat_template, template
    if _prompt_text(tokenizer, _ASKED) != expected:
        tokenizer.chat_template = before
        raise ValueError("the changed template does not give the expected prompt")


def _literal(text: str) -> str:
    """Return `text` as a Jinja string literal."""
    return json.dumps(text, ensure_ascii=False)


def _plain_ids(tokenizer: Any, text: str) -> list[int]:
    """Return the ids of `text` as plain text. The name of a special token in the text is not read as that token."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def _leading_ids(tokenizer: Any) -> list[int]:
    """Return the special tokens that the tokenizer puts before every text: usually the begin-of-text id, or nothing."""
    whole, plain = list(tokenizer("x")["input_ids"]), _plain_ids(tokenizer, "x")
    starts = (at for at in range(len(whole)) if whole[at : at + len(plain)] == plain)
    return whole[: next(starts, 0)]


def _own_template(tokenizer: Any) -> str:
    """Return codetune's template, with the special tokens that the tokenizer puts before every text."""
    leading = "".join(tokenizer.convert_ids_to_tokens(_leading_ids(tokenizer)))
    return (f"{{{{ {_literal(leading)} }}}}" if leading else "") + CHAT_TEMPLATE
