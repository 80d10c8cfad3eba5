import json

import pytest

from codetune.serving.errors import ApiError
from codetune.serving.requests import read_request

GOOD = {"model": "base", "messages": [{"role": "user", "content": "a"}]}


def read(**changes):
    return read_request(json.dumps(GOOD | changes).encode())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[1]", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"model": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b"{}", "missing_required_parameter"),
    ],
)
def test_a_body_that_is_no_request(body, code):
    with pytest.raises(ApiError) as caught:
        read_request(body)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"colour": 1}, "unknown_parameter", "colour"),
        ({"tools": []}, "unknown_parameter", "tools"),
        ({"n": 2}, "invalid_value", "n"),
        ({"temperature": 2.1}, "invalid_value", "temperature"),
        ({"temperature": float("nan")}, "invalid_value", "temperature"),
        ({"temperature": "0"}, "invalid_value", "temperature"),
        ({"top_p": 0}, "invalid_value", "top_p"),
        ({"max_tokens": 0}, "invalid_value", "max_tokens"),
        ({"max_tokens": True}, "invalid_value", "max_tokens"),
        ({"seed": -1}, "invalid_value", "seed"),
        ({"presence_penalty": 0.5}, "invalid_value", "presence_penalty"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "invalid_value", "stop"),
        ({"stop": ""}, "invalid_value", "stop"),
        ({"messages": []}, "invalid_value", "messages"),
        ({"messages": [{"role": "robot", "content": "a"}]}, "invalid_value", "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "missing_required_parameter", "messages.0.content"),
        ({"messages": [{"role": "user", "content": "a", "x": 1}]}, "unknown_parameter", "messages.0.x"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, None, "messages"),
    ],
)
def test_a_wrong_field_is_named(changes, code, param):
    with pytest.raises(ApiError) as caught:
        read(**changes)
    error = caught.value.body()["error"]
    assert (caught.value.status, error["code"], error["param"]) == (400, code, param)
    assert error["type"] == "invalid_request_error"


def test_the_values_of_a_request():
    asked = read(max_tokens=5, temperature=1, top_p=0.5, seed=3, stop="x", n=1, frequency_penalty=0)
    settings = asked.settings(99)
    assert (settings.max_new_tokens, settings.temperature, settings.top_p, settings.seed) == (5, 1.0, 0.5, 3)
    assert asked.stops() == ["x"]


def test_without_values_decoding_is_greedy():
    settings = read().settings(99)
    assert (settings.max_new_tokens, settings.temperature, settings.top_p) == (99, 0.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "repeatable"),
    [({}, True), ({"temperature": 0}, True), ({"temperature": 1}, False), ({"temperature": 1, "seed": 1}, True)],
)
def test_only_sampling_without_a_seed_need_not_be_repeatable(changes, repeatable):
    assert read(**changes).repeatable() == repeatable


def test_without_a_seed_every_request_draws_another():
    asked = read(temperature=1)
    assert asked.settings(1).seed != asked.settings(1).seed


def test_parts_and_roles_of_messages():
    message = {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    asked = read(messages=[message, {"role": "user", "content": "c", "name": "me"}])
    assert asked.messages[0].plain() == {"role": "system", "content": "ab"}
