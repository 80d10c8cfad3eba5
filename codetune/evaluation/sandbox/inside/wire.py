"""Messages between processes that do not trust each other: lines of JSON with values of plain types only.

Values of other types, including subclasses of plain types, are refused. Otherwise an answer could return an object
whose `__eq__` is always true.
"""

from __future__ import annotations

import json
import os
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, BinaryIO

MAX_BYTES = 1 << 20
"""Maximal length of a message that leaves the sandbox, in bytes."""
_DIGITS = 1 << 63  # larger integers are sent in hexadecimal: Python refuses to parse very long decimal ones
_PLAIN: dict[type, type] = {Counter: dict, OrderedDict: dict, defaultdict: dict, deque: list}


class NotPlainError(Exception):
    """A value of a type that cannot be sent; the message is the name of the type."""


def encode(value: Any) -> Any:
    """Convert a value to data for JSON.

    :param value: a value of plain types; `Counter`, `OrderedDict` and `defaultdict` become dicts, `deque` a list.
    :returns: data that `json.dumps` accepts and `decode` converts back.
    :raises NotPlainError: when the value, or a part of it, has another type.
    """
    kind = type(value)
    if kind in _PLAIN:
        kind = _PLAIN[kind]
        value = kind(value)
    if kind not in _ENCODERS:
        raise NotPlainError(kind.__name__)
    return _ENCODERS[kind](value)


def decode(found: Any) -> Any:
    """Convert the result of `encode` back to the value.

    :param found: data parsed from JSON.
    :returns: the value that `encode` was given.
    :raises ValueError: when the data does not have the format of `encode`.
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
    """One end of the connection between a process in the sandbox and the process that started it.

    A message out of the sandbox has at most `MAX_BYTES` bytes; a message into it has no limit.

    :param incoming: stream from which messages are read.
    :param outgoing: stream to which messages are written.
    :param inside: whether this is the end inside the sandbox.
    """

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO, *, inside: bool = False) -> None:
        self._incoming, self._outgoing, self._inside = incoming, outgoing, inside

    @classmethod
    def from_stdio(cls) -> Channel:
        """Return a channel over standard input and output of this process, for the end inside the sandbox.

        Descriptors 0 to 2 then point to /dev/null, so that code that runs later can neither read nor write messages.
        """
        incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        return cls(incoming, outgoing, inside=True)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        :raises OSError: when the other end is closed.
        :raises ValueError: when the message is too long to leave the sandbox.
        """
        line = json.dumps(message).encode() + b"\n"
        if self._inside and len(line) > MAX_BYTES:
            raise ValueError("message too long")
        self.forward(line)

    def forward(self, line: bytes) -> None:
        """Send a line that was received from another channel, unchanged."""
        self._outgoing.write(line)
        self._outgoing.flush()

    def receive_line(self) -> bytes:
        """Return the next line as received; empty at the end of the stream, or when the line is too long."""
        line = self._incoming.readline(-1 if self._inside else MAX_BYTES + 1)
        return line if line.endswith(b"\n") else b""

    def receive(self) -> dict[str, Any] | None:
        """Return the next message; None at the end of the stream, or when the line is not a valid message."""
        return parse(self.receive_line())


def parse(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a line; None when the line is anything else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
