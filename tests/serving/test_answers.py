"""Slots: who waits, who is lost, what happens when a client hangs up or the engine fails."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from codetune.generation.engines.engine import EngineError
from tests.serving.http import ask
from tests.support.controlled_engine import Controlled, serving

CHAT = "/v1/chat/completions"


def body(**changes):
    return {"model": "base", "messages": [{"role": "user", "content": "a"}], "max_tokens": 3, **changes}


@pytest.fixture
def engine():
    return Controlled()


@pytest.fixture
def port(engine):
    with serving(engine) as found:
        yield found


def until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it does not happen")


def begin(port, **changes):
    """Send a request and do not read the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", CHAT, json.dumps(body(**changes)))
    return connection


def test_fifty_clients_on_two_slots(port, engine):
    engine.steps.release(10_000)
    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(lambda at: ask(port, "POST", CHAT, body(stream=at % 2 == 1)), range(50)))
    assert [status for status, _, _ in found] == [200] * 50
    texts = [
        answer["choices"][0]["message"]["content"] if isinstance(answer, dict) else answer.count(b'"content": "')
        for _, answer, _ in found
    ]
    assert texts == ["1 2 3 ", 4] * 25
    assert (engine.most, engine.open) == (2, 0)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_frees_its_slot(port, engine, stream):
    both = [begin(port, stream=stream) for _ in range(2)]
    until(lambda: engine.open == 2)
    waiting = begin(port)
    both[0].sock.close()
    until(lambda: engine.most == 2 and engine.open == 2)  # the one that waited is answered now
    engine.steps.release(10_000)
    assert waiting.getresponse().status == 200
    both[1].sock.close()
    until(lambda: engine.open == 0)


def test_a_client_that_hangs_up_while_it_waits_is_not_answered(port, engine):
    both = [begin(port) for _ in range(2)]
    until(lambda: engine.open == 2)
    third = begin(port, stream=True)
    time.sleep(0.1)
    third.sock.close()
    third.close()
    time.sleep(0.1)
    engine.steps.release(6)
    assert [it.getresponse().status for it in both] == [200, 200]
    until(lambda: engine.open == 0)


def test_too_many_waiting_clients_are_told(monkeypatch, port, engine):
    monkeypatch.setattr("codetune.serving.answers.MAX_WAITING", 1)
    kept = [begin(port) for _ in range(3)]
    until(lambda: engine.open == 2)
    time.sleep(0.1)
    status, answer, _ = ask(port, "POST", CHAT, body())
    assert (status, answer["error"]["code"]) == (429, "server_busy")
    engine.steps.release(10_000)
    assert [it.getresponse().status for it in kept] == [200] * 3


def test_a_failure_of_the_engine_is_told(port, engine):
    engine.failure = EngineError("out of order")
    engine.steps.release(10)
    status, answer, _ = ask(port, "POST", CHAT, body())
    assert status == 503
    assert answer["error"] == {
        "message": "out of order",
        "type": "server_error",
        "param": None,
        "code": "engine_failed",
    }
    status, answer, _ = ask(port, "POST", CHAT, body(stream=True))
    assert status == 200
    assert b'"out of order"' in answer
    assert answer.endswith(b"data: [DONE]\n\n")
    until(lambda: engine.open == 0)


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/v1/models/other", None, 404, "model_not_found"),
        ("GET", "/", None, 404, "not_found"),
        ("GET", CHAT, None, 405, None),
        ("POST", CHAT, b"{", 400, "invalid_json"),
        ("POST", CHAT, body(model="other"), 404, "model_not_found"),
        ("POST", CHAT, body(colour=1), 400, "unknown_parameter"),
        ("POST", CHAT, body(messages=[{"role": "user", "content": "a" * 64}]), 400, "context_length_exceeded"),
    ],
)
def test_errors_have_the_form_of_openai(port, method, path, sent, status, code):
    found, answer, _ = ask(port, method, path, sent)
    assert found == status
    assert answer["error"].keys() == {"message", "type", "param", "code"}
    assert answer["error"]["code"] == code
