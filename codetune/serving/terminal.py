"""A conversation with one model in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codetune.core.errors import UserError
from codetune.generation.engines.engine import Engine
from codetune.generation.sampling import SamplingSettings

NEW, QUIT = "/new", "/quit"
HELP = f"{NEW} starts a new conversation, {QUIT} or Ctrl-D ends. Ctrl-C stops an answer."


def converse(
    engine: Engine,
    model: str,
    settings: SamplingSettings,
    system: str | None,
    *,
    read: Callable[[], str],
    write: Callable[[str], None],
) -> None:
    """Answer what the user writes, until the user ends the conversation.

    :param engine: the engine that has loaded the model.
    :param model: the name of the model in the engine.
    :param settings: how tokens are chosen, and how many.
    :param system: the system text; None for the one of the prompt template.
    :param read: returns the next line of the user; raises `EOFError` at the end, and `KeyboardInterrupt` on Ctrl-C.
    :param write: shows a text.
    """
    start = [{"role": "system", "content": system}] if system else []
    messages = list(start)
    while True:
        try:
            line = read().strip()
        except (EOFError, KeyboardInterrupt):
            write("\n")
            return
        if line == QUIT:
            return
        if line == NEW:
            messages = list(start)
        elif line.startswith("/"):
            write(f"{HELP}\n")
        elif line:
            messages = _turn(engine, model, settings, [*messages, {"role": "user", "content": line}], write)


def _turn(
    engine: Engine,
    model: str,
    settings: SamplingSettings,
    messages: list[dict[str, str]],
    write: Callable[[str], None],
) -> list[dict[str, str]]:
    """Write the answer to the last message, and return the conversation with it."""
    try:
        prompt = engine.prompt(model, messages)
        room = engine.context - len(prompt)
        stream = engine.stream(
            model, prompt, replace(settings, max_new_tokens=max(1, min(settings.max_new_tokens, room)))
        )
    except UserError as error:
        write(f"{error} ({NEW} starts a new conversation.)\n")
        return messages[:-1]
    text, facts = "", "stopped"
    try:
        for event in stream:
            text += event.text_delta
            write(event.text_delta)
            facts = (
                f"{event.tokens} tokens, first after {event.first_token_s:.2f} s, {event.tokens_per_s:.1f} per second"
            )
            facts += "" if event.stopped or not event.finished else "; cut at the limit"
    except KeyboardInterrupt:
        facts += "; stopped"
    finally:
        stream.close()
    write(f"\n[{facts}]\n")
    return [*messages, {"role": "assistant", "content": text}]
