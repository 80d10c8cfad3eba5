"""Only values of plain types cross, and they come out as they went in."""

import io
import math
from collections import Counter, OrderedDict, defaultdict, deque
from typing import NamedTuple

import pytest

from codetune.evaluation.sandbox.inside.wire import MAX_BYTES, Channel, NotPlainError, decode, encode, parse


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**63, -(10**4000), 1.5, -0.0, math.inf, 1e-320, "", "é\ud800\n", b"\x00\xff", 3 - 4j,
        [], [1, [True, "1"]], (), (1,), {1, "a", (2, frozenset({3}))}, frozenset(), {}, {"a": [1], (1, 2): {3: {4}}},
        {"tuple": [1]}, {"dict": []}, [{"int": "0x1"}],
    ],
)  # fmt: skip
def test_plain_values_come_out_as_they_went_in(value):
    line = io.BytesIO()
    Channel(io.BytesIO(), line).send({"value": encode(value)})
    found = decode(parse(line.getvalue())["value"])
    assert found == value
    assert repr(sorted(found, key=repr) if isinstance(found, set) else found) == repr(
        sorted(value, key=repr) if isinstance(value, set) else value
    )


def test_containers_of_the_standard_library_become_plain():
    assert encode(Counter("aab")) == encode({"a": 2, "b": 1})
    assert encode(OrderedDict(a=1)) == encode(defaultdict(int, a=1)) == encode({"a": 1})
    assert encode([deque([1, 2])]) == [[1, 2]]


class Point(NamedTuple):
    """A tuple, but not exactly."""

    x: int


class Equal(int):
    """Of a plain type, but not exactly."""


@pytest.mark.parametrize(
    "value",
    [object(), Equal(1), [Equal(1)], {"a": Equal(1)}, {Equal(1): 1}, (x for x in ()), len, Point(1)],
)
def test_other_values_do_not_cross(value):
    with pytest.raises(NotPlainError):
        encode(value)


@pytest.mark.parametrize("found", [{}, {"set": [], "tuple": []}, {"object": []}])
def test_what_encode_does_not_make_is_refused(found):
    with pytest.raises(ValueError, match=r"expected one key|unknown kind"):
        decode(found)


@pytest.mark.parametrize("line", [b"", b"{", b"[1]\n", b"[" * 10**6, b"\xff\xfe\n", b"1" * 5000])
def test_line_without_a_message_is_none(line):
    assert parse(line) is None


def test_messages_out_of_the_sandbox_have_a_longest():
    sent = io.BytesIO()
    long = {"value": "x" * MAX_BYTES}
    with pytest.raises(ValueError, match="too long"):
        Channel(io.BytesIO(), sent, inside=True).send(long)
    assert sent.getvalue() == b""
    endless = Channel(io.BytesIO(b"x" * (3 * MAX_BYTES)), sent)
    assert endless.receive_line() == b""


def test_messages_into_the_sandbox_are_as_long_as_need_be():
    sent = io.BytesIO()
    long = {"value": "x" * (3 * MAX_BYTES)}
    Channel(io.BytesIO(), sent).send(long)
    assert Channel(io.BytesIO(sent.getvalue()), io.BytesIO(), inside=True).receive() == long


def test_message_that_breaks_off_is_none():
    assert Channel(io.BytesIO(b'{"verdict": "passed"}'), io.BytesIO()).receive() is None
