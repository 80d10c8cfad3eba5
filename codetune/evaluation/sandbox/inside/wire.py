"""Messages between processes that do not trust each other: lines of JSON that carry values of plain types alone.

What is not exactly of one of these types, a subclass included, does not cross: an object whose `__eq__` says yes to
everything stays where it was made.
"""

from __future__ import annotations

import json
import os
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, BinaryIO

MAX_BYTES = 1 << 20
"""Longest message."""
_DIGITS = 1 << 63  # above, JSON's decimal digits may be more than Python agrees to read
_PLAIN: dict[type, type] = {Counter: dict, OrderedDict: dict, defaultdict: dict, deque: list}


class NotPlainError(Exception):
    """A value that may not cross; its type is named."""


def encode(value: Any) -> Any:
    """The value as JSON takes it; those of the standard library's containers become the plain ones they stand for.

    :raises NotPlainError: when it, or a part of it, is of another type.
    """
    kind = type(value)
    if kind in _PLAIN:
        kind = _PLAIN[kind]
        value = kind(value)
    if kind not in _ENCODERS:
        raise NotPlainError(kind.__name__)
    return _ENCODERS[kind](value)


def decode(found: Any) -> Any:
    """The value that `encode` was given.

    :raises ValueError: when it is none that `encode` makes.
    """
    if isinstance(found, list):
        return [decode(item) for item in found]
    if not isinstance(found, dict):
        return found
    if len(found) != 1:
        raise ValueError("expected one key")
    [(kind, content)] = found.items()
    if kind not in _DECODERS:
        raise ValueError(f"unknown kind {kind!r}")
    return _DECODERS[kind](content)


def _encoded_collection(value: tuple[Any, ...] | set[Any] | frozenset[Any]) -> dict[str, list[Any]]:
    return {type(value).__name__: [encode(item) for item in value]}


_ENCODERS: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys((type(None), bool, str, float), lambda value: value),
    int: lambda value: value if -_DIGITS < value < _DIGITS else {"int": hex(value)},
    complex: lambda value: {"complex": [value.real, value.imag]},
    bytes: lambda value: {"bytes": value.hex()},
    list: lambda value: [encode(item) for item in value],
    **dict.fromkeys((tuple, set, frozenset), _encoded_collection),
    dict: lambda value: {"dict": [[encode(key), encode(item)] for key, item in value.items()]},
}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda content: int(content, 16),
    "complex": lambda content: complex(*content),
    "bytes": bytes.fromhex,
    "tuple": lambda content: tuple(decode(item) for item in content),
    "set": lambda content: {decode(item) for item in content},
    "frozenset": lambda content: frozenset(decode(item) for item in content),
    "dict": lambda content: {decode(key): decode(item) for key, item in content},
}


class Channel:
    """One end of a line between a process in the sandbox and the one that started it.

    What comes out of the sandbox has at most `MAX_BYTES` a message; what goes in is as long as answers and tests are.

    :param inside: whether this is the end in the sandbox.
    """

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO, *, inside: bool = False) -> None:
        self._incoming, self._outgoing, self._inside = incoming, outgoing, inside

    @classmethod
    def of_this_process(cls) -> Channel:
        """Standard input and output, taken away from what runs here later: it finds nothing to read or to print on."""
        incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        return cls(incoming, outgoing, inside=True)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        :raises OSError: when nobody listens any more.
        :raises ValueError: when it is too long to leave the sandbox.
        """
        line = json.dumps(message).encode() + b"\n"
        if self._inside and len(line) > MAX_BYTES:
            raise ValueError("message too long")
        self.forward(line)

    def forward(self, line: bytes) -> None:
        """Send a message that has been received, as it is."""
        self._outgoing.write(line)
        self._outgoing.flush()

    def receive_line(self) -> bytes:
        """The next message as it came; empty when there are none any more, or when it is too long to be one."""
        line = self._incoming.readline(-1 if self._inside else MAX_BYTES + 1)
        return line if line.endswith(b"\n") else b""

    def receive(self) -> dict[str, Any] | None:
        """The next message; None when there are none any more, or when it is none."""
        return parse(self.receive_line())


def parse(line: bytes) -> dict[str, Any] | None:
    """The message in a line; None when there is none in it."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
