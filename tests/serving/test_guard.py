"""Who may use the server: hosts, origins, keys, sizes."""

import pytest

from codetune.serving.guard import MAX_BODY_BYTES, Access, is_loopback
from tests.serving.http import ask
from tests.support.controlled_engine import Controlled, serving

KEY = "a-key-of-sixteen-or-more"
LOCAL = Access("127.0.0.1", hosts=("box.local",), origins=("http://localhost:3000",))
OPEN = Access("0.0.0.0", key=KEY, hosts=("box.local",))  # noqa: S104


@pytest.fixture(scope="module")
def local():
    with serving(Controlled(), access=LOCAL) as port:
        yield port


@pytest.fixture(scope="module")
def keyed():
    with serving(Controlled(), access=OPEN) as port:
        yield port


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "localhost:80"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "BOX.local:8080"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "localhost@evil.example"}, 403),
        ({"Host": "192.0.2.7"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "[::1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3001"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 200),
    ],
)
def test_on_the_loopback_address(local, headers, status):
    found, body, _ = ask(local, "GET", "/v1/models", headers=headers)
    assert found == status
    assert ("error" in body) == (status != 200)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": KEY}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": f"Bearer {KEY}x"}, 401),
        ({"Authorization": f"Bearer {KEY[:-1]}"}, 401),
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer {KEY}"}, 200),
        ({"Authorization": f"Bearer {KEY}", "Host": "192.0.2.7:8080"}, 200),
        ({"Authorization": f"Bearer {KEY}", "Host": "evil.example"}, 403),
        ({"Authorization": f"Bearer {KEY}", "Origin": "http://evil.example"}, 403),
    ],
)
def test_with_a_key(keyed, headers, status):
    found, body, _ = ask(keyed, "GET", "/v1/models", headers=headers)
    assert found == status
    if status == 401:
        assert body["error"]["code"] == "invalid_api_key"


def test_a_browser_asks_before_it_sends(local):
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    status, _, given = ask(local, "OPTIONS", "/v1/models", headers={**headers, "Origin": "http://localhost:3000"})
    assert status == 200
    assert given["access-control-allow-origin"] == "http://localhost:3000"
    status, _, given = ask(local, "OPTIONS", "/v1/models", headers={**headers, "Origin": "http://evil.example"})
    assert status == 403
    assert "access-control-allow-origin" not in given


def test_a_body_of_ten_megabytes_is_refused(local):
    status, body, _ = ask(local, "POST", "/v1/chat/completions", b"x", {"Content-Length": "10000000"})
    assert (status, body["error"]["code"]) == (413, "request_too_large")
    for length in ("-1", "ten"):
        assert ask(local, "POST", "/v1/chat/completions", b"x", {"Content-Length": length})[0] in (400, 413)


def test_a_body_without_a_length_is_refused_too(local):
    part = b"x" * 100_000
    chunks = (
        b"".join(b"%x\r\n%s\r\n" % (len(part), part) for _ in range(MAX_BODY_BYTES // len(part) + 1)) + b"0\r\n\r\n"
    )
    status, _, _ = ask(local, "POST", "/v1/chat/completions", chunks, {"Transfer-Encoding": "chunked"})
    assert status == 413


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],  # noqa: S104
)
def test_what_is_a_loopback_address(host, loopback):
    assert is_loopback(host) == loopback
