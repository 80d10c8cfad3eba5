"""The prompt: one template in one place, for training, generation, export and the web page.

A prompt is tokenised here and nowhere else; a completion is tokenised by itself and appended, so that the ids a model
was trained to continue are the ids it is asked to continue. A tokenizer that brings a chat template of its own (an
instruct model) keeps it; any other gets ours, which is then stored with it.

A chat template may put a system text before the conversation by itself. `set_system` keeps, replaces or leaves out that
text by changing the template, so that whoever stores the tokenizer stores the choice, and plain transformers makes the
same prompt. Where a tokenizer puts special tokens before every text by itself (mostly a begin-of-text id), our template
has them too: transformers adds none to a conversation.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
_CODE = ("if a:\n        b", "{'c': [1]} <d> & e \\n \"f\" % # 2")  # what a tokenizer must not lose
_WHOLE = "Say (one).\n\n" + "\n".join([*_CODE, *map(str, range(1000))]) + "\nThe end."
_DAYS = [datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=397 * at, hours=5 * at) for at in range(28)]
_DIRECTIVES = ["-d", "-m", "-H", "-I", "-j", *"aAwdbBmyYHIMSpjUWxXcfZzGuV"]  # of strftime
_CLOCK = (
    "{% macro strftime_now(format) %}{{ format"
    + "".join(f"|replace('%{name}', codetune_day['at {name}'])" for name in _DIRECTIVES)
    + " }}{% endmacro %}"
)
_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")  # how Python shows what has no text of its own


class Example(NamedTuple):
    """One training example.

    `input_ids` and `labels` have the same length; a label is the id at its own position, or `IGNORED_LABEL` on the
    prompt. `truncated` tells that the row was longer than allowed: the ids are cut and the end token is lost.
    """

    input_ids: list[int]
    labels: list[int]
    truncated: bool


def ensure_template(tokenizer: Any) -> Any:
    """The same tokenizer, with our template where it had none, and with the default one where it has several.

    :raises UserError: when it has several templates, and none of them is the default.
    """
    named = tokenizer.chat_template
    if isinstance(named, dict) and named:
        if "default" not in named:
            raise UserError(
                f"model.base: its tokenizer has {len(named)} chat templates ({', '.join(sorted(named))}), expected one "
                "that is named default",
                "Name one of them default in a copy of the model's folder.",
            )
        tokenizer.chat_template = named["default"]
    if not tokenizer.chat_template:
        tokenizer.chat_template = _own_template(tokenizer)
    return tokenizer


def is_instruct(tokenizer: Any) -> bool:
    """Whether the tokenizer has a chat template of its own; a model without one continues text."""
    template = (tokenizer.chat_template or "").rstrip()
    if not template.endswith(CHAT_TEMPLATE):
        return bool(tokenizer.chat_template)
    return template not in (CHAT_TEMPLATE, _own_template(tokenizer))


def prompt_ids(tokenizer: Any, instruction: str) -> list[int]:
    """The ids that ask for an answer to `instruction`, up to where the answer begins."""
    if is_instruct(tokenizer):
        return list(tokenizer(_prompt_text(tokenizer, instruction), add_special_tokens=False)["input_ids"])
    messages = [_message("user", instruction)]
    return continuation_ids(tokenizer, _render(tokenizer, messages, asking=True, template=CHAT_TEMPLATE))


def continuation_ids(tokenizer: Any, text: str) -> list[int]:
    """The ids of a text that a model without a chat template goes on with, begun as every text of its training."""
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
    return _end_id(tokenizer, tokenizer.chat_template) if is_instruct(tokenizer) else int(tokenizer.eos_token_id)


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
    """See to it that the prompt has what it is given, whole, the same each time, and as a conversation begins.

    :param name: of the model, for messages.
    :raises UserError: when it does not, with what is wrong: in the chat template, or in the tokenizer.
    """
    for text in _CODE:
        if (told := completion_text(tokenizer, _plain_ids(tokenizer, text)).strip()) != text:
            raise UserError(
                f"model.base: the tokenizer of {name} reads {text!r} as {told!r}",
                "Use a base whose tokenizer keeps spaces, line breaks and signs: code cannot be written without them.",
            )
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


def _render(
    tokenizer: Any, messages: list[dict[str, Any]], *, asking: bool, template: str | None = None, **names: Any
) -> str:
    """The text of a conversation by the tokenizer's template or another.

    :param asking: whether it ends where an answer begins.
    :param names: variables that the template is given besides.
    """
    template = template or tokenizer.chat_template or CHAT_TEMPLATE
    return str(
        tokenizer.apply_chat_template(
            messages, chat_template=template, tokenize=False, add_generation_prompt=asking, **names
        )
    )


def _fault(tokenizer: Any) -> str:
    """What is wrong with a chat template; empty where nothing is."""
    asked, answer = _message("user", _WHOLE), _message("assistant", _ANSWERED)
    prompt = _render(tokenizer, [asked], asking=True)
    if prompt.count(_WHOLE) != 1:
        return _told_otherwise(tokenizer, prompt)
    if changing := _changing(tokenizer, asked):
        return changing
    told = _render(tokenizer, [asked, answer], asking=False)
    if _ANSWERED not in told:
        return "has no assistant turn: it leaves the answer out of the conversation"
    if not told.startswith(prompt):
        return "asks with a prompt that no conversation with an answer begins with"
    between = told[len(prompt) : told.index(_ANSWERED)]
    if between.strip() and prompt == _render(tokenizer, [asked], asking=False):
        return f"has no assistant turn in the prompt: add_generation_prompt does not add {between!r}"
    return ""


def _told_otherwise(tokenizer: Any, prompt: str) -> str:
    """What a chat template does to the instruction, which is not in the prompt once and as it was given."""
    parts = [{"role": "user", "content": [{"type": "text", "text": _WHOLE}]}]
    try:
        as_parts = _render(tokenizer, parts, asking=True).count(_WHOLE) == 1
    except Exception:
        as_parts = False
    if as_parts:
        return "wants the content of a message as a list of parts, expected one that takes a text"
    if _WHOLE.split("\n", 1)[0] in prompt and not prompt.count(_WHOLE):
        return "changes or cuts the instruction, expected it in the prompt once and unchanged"
    return f"has the instruction {prompt.count(_WHOLE)} times in the prompt, expected once and unchanged"


def _changing(tokenizer: Any, asked: dict[str, str]) -> str:
    """What in the prompt differs from day to day, or from one time to the next; empty where nothing does."""
    help_ = f"which then differs from {{}} (model.system: {NO_SYSTEM} may help)"
    if address := _ADDRESS.search(_render(tokenizer, [asked], asking=True)):
        return f"puts a place in memory into the prompt ({address[0]}), {help_.format('process to process')}"
    with _kept_random_state():
        days, draws = (
            {_prompt_at(tokenizer, asked, day, seed) for day, seed in pairs}
            for pairs in ([(day, 0) for day in _DAYS], [(_DAYS[0], seed) for seed in range(28)])
        )
    if len(days) > 1:
        return f"puts the date into the prompt, {help_.format('day to day')}"
    if len(draws) > 1:
        return f"draws a part of the prompt, {help_.format('one time to the next')}"
    return ""


def _prompt_at(tokenizer: Any, asked: dict[str, str], day: datetime, seed: int) -> str:
    """The prompt on a day, with what Jinja draws from Python's random numbers drawn from a seed."""
    random.seed(seed)
    told = {f"at {name}": day.strftime(f"%{name}") for name in _DIRECTIVES}
    return _render(tokenizer, [asked], asking=True, template=_CLOCK + tokenizer.chat_template, codetune_day=told)


@contextmanager
def _kept_random_state() -> Iterator[None]:
    """Leave Python's random numbers as they were."""
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
    """The special tokens that the tokenizer puts before every text by itself: the begin-of-text id, if any."""
    whole, plain = list(tokenizer("x")["input_ids"]), _plain_ids(tokenizer, "x")
    starts = (at for at in range(len(whole)) if whole[at : at + len(plain)] == plain)
    return whole[: next(starts, 0)]


def _own_template(tokenizer: Any) -> str:
    """Our template, with the tokens that lead every text."""
    leading = "".join(tokenizer.convert_ids_to_tokens(_leading_ids(tokenizer)))
    return (f"{{{{ {_literal(leading)} }}}}" if leading else "") + CHAT_TEMPLATE
