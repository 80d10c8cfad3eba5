"""The Modelfile of ollama: prompt template, system text, end tokens and parameters of the exported model.

ollama does not use the chat template of a GGUF file. It replaces a template that it knows by one of its own, with a
system text of its own, and otherwise sends the bare instruction. So a Modelfile contains the template in Go's form.
ollama fills such a template once per turn of a conversation and leaves out what follows `.Response` in the last turn:
https://github.com/ollama/ollama/blob/main/template/template.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from codetune.core.errors import UserError
from codetune.models.prompt import conversation_ids, end_id

_SYSTEM, _USER, _ANSWER, _USER_AGAIN = "Say (zero).", "Say (one).", "Said [two].", "Say <three>."
_QUOTES = '"""'
_BRACES = "{{"


class _OtherFormError(Exception):
    """The chat template does not put the same text around each turn."""


@dataclass(frozen=True)
class OllamaPrompt:
    """The prompt template in the pieces that ollama's form needs.

    :param system: the system text that is used without another one; empty for none.
    :param around_system: the text before and after a system text; None if a system text cannot be given.
    :param before: the text before an instruction.
    :param after: the text after an instruction, up to where the answer begins.
    :param end: the text after an answer that another turn follows; None if only one turn is possible.
    :param stops: the tokens that end an answer, as text.
    """

    system: str
    around_system: tuple[str, str] | None
    before: str
    after: str
    end: str | None
    stops: tuple[str, ...]

    def template(self) -> str:
        """Return the template in Go's form."""
        system = ""
        if self.around_system is not None:
            left, right = map(_literal, self.around_system)
            system = f"{{{{ if .System }}}}{left}{{{{ .System }}}}{right}{{{{ end }}}}"
        end = "" if self.end is None else "{{ .Response }}" + _literal(self.end)
        return f"{system}{_literal(self.before)}{{{{ .Prompt }}}}{_literal(self.after)}{end}"

    def render(self, turns: Sequence[str], system: str = "") -> str:
        """Return the prompt that ollama makes of a conversation.

        :param turns: instructions and answers by turns; the last one is an instruction.
        :param system: a system text instead of the stored one.
        """
        chosen = system or self.system
        left, right = self.around_system or ("", "")
        text = f"{left}{chosen}{right}" if chosen else ""
        for place, turn in enumerate(turns):
            text += f"{turn}{self.end}" if place % 2 else f"{self.before}{turn}{self.after}"
        return text


def ollama_prompt(tokenizer: Any, end_ids: Iterable[int]) -> OllamaPrompt:
    """Return the prompt template of a model for ollama.

    The result is compared with the prompts of `codetune.models.prompt`. If conversations or system texts of a template
    cannot be written in ollama's form, the result is the template of one turn, with the default system text in it.

    :param end_ids: the token ids that end an answer.
    """
    stops = tuple(sorted({_decoded(tokenizer, [one]) for one in end_ids}))
    one = _shown(tokenizer, [("user", _USER)])
    before, after = _between(one, _USER)
    try:
        found = _conversation(tokenizer, before, after, stops)
    except _OtherFormError:
        return OllamaPrompt("", None, before, after, None, stops)
    return found


def modelfile(model: str, prompt: OllamaPrompt, *, adapter: str | None = None, license_name: str | None = None) -> str:
    """Return a Modelfile whose answers are greedy, as in the evaluation.

    :param model: path of the model's GGUF file, relative to the Modelfile.
    :param adapter: path of the adapter's GGUF file.
    :raises UserError: when a text contains three double quotes, which a Modelfile cannot hold.
    """
    lines = [f"FROM ./{model}"]
    lines += [f"ADAPTER ./{adapter}"] if adapter else []
    lines.append(f"TEMPLATE {_quoted(prompt.template())}")
    lines += [f"SYSTEM {_quoted(prompt.system)}"] if prompt.system else []
    lines += [f'PARAMETER stop "{stop}"' for stop in prompt.stops if '"' not in stop and stop.isprintable()]
    lines += ["PARAMETER temperature 0", "PARAMETER repeat_penalty 1"]
    lines += [f"LICENSE {_quoted(license_name)}"] if license_name else []
    return "\n".join(lines) + "\n"


def _conversation(tokenizer: Any, first: str, after: str, stops: tuple[str, ...]) -> OllamaPrompt:
    """Return the template for conversations of several turns.

    :param first: the text before the instruction of a conversation without a given system text.
    :param after: the text after an instruction.
    :raises _OtherFormError: when the template does not have this form.
    """
    two = [("user", _USER), ("assistant", _ANSWER), ("user", _USER_AGAIN)]
    whole = _shown(tokenizer, two)
    _, rest = _between(whole, _ANSWER)
    turn, _ = _between(rest, _USER_AGAIN)
    closing = re.match(rf"\s*{re.escape(_decoded(tokenizer, [end_id(tokenizer)]))}\s*", turn)
    if closing is None:
        raise _OtherFormError
    end, before = closing[0], turn[closing.end() :]
    around, default = _system_form(tokenizer, first, before)
    found = OllamaPrompt(default, around, before, after, end, stops)
    if found.render([_USER]) != f"{first}{_USER}{after}" or found.render([_USER, _ANSWER, _USER_AGAIN]) != whole:
        raise _OtherFormError
    return found


def _system_form(tokenizer: Any, first: str, before: str) -> tuple[tuple[str, str] | None, str]:
    """Return the text around a system text, or None if there cannot be one, and the default system text."""
    try:
        shown = _shown(tokenizer, [("system", _SYSTEM), ("user", _USER)])
        left, rest = _between(shown, _SYSTEM)
        middle, _ = _between(rest, _USER)
    except Exception:  # a template can raise any exception about a system text
        return None, ""
    right = middle.removesuffix(before)
    if f"{right}{before}" != middle:
        return None, ""
    default = first.removesuffix(middle).removeprefix(left) if first.startswith(left) and first.endswith(middle) else ""
    return (left, right), default


def _shown(tokenizer: Any, turns: list[tuple[str, str]]) -> str:
    """Return a prompt as text, without the special tokens that a program puts before every text by itself."""
    ids = conversation_ids(tokenizer, [{"role": role, "content": content} for role, content in turns])
    leading = tokenizer("a")["input_ids"][:1]
    if leading == ids[:1] and leading == [tokenizer.bos_token_id]:
        ids = ids[1:]
    return _decoded(tokenizer, ids)


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _between(text: str, mark: str) -> tuple[str, str]:
    """Return the text before and after a mark.

    :raises _OtherFormError: when the text does not contain the mark exactly once.
    """
    parts = text.split(mark)
    if len(parts) != 2:  # noqa: PLR2004 - before and after
        raise _OtherFormError
    return parts[0], parts[1]


def _literal(text: str) -> str:
    """Return a text for a Go template, in which two braces begin an action."""
    return text.replace(_BRACES, '{{ "{{" }}')


def _quoted(text: str) -> str:
    if _QUOTES in text:
        raise UserError(
            f"the prompt template or the licence contains {_QUOTES}, which a Modelfile cannot hold",
            "Change model.system, or the chat template in a copy of the base model.",
        )
    return f"{_QUOTES}{text}{_QUOTES}"
