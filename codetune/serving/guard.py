"""Refuse requests before they reach the API: foreign hosts, other origins, missing keys, bodies that are too large.

A web page on the internet can send requests to a server on this machine. It gives itself away by its `Origin`, or, if
it has pointed its own name at this machine, by `Host`.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codetune.serving.errors import ApiError

MAX_BODY_BYTES = 1_000_000
_FOREIGN_SITES = ("cross-site", "same-site")


@dataclass(frozen=True)
class Access:
    """Who may use the server.

    :param address: the address that the server listens on.
    :param key: the key that requests must have; None for no key.
    :param hosts: names of this machine, besides localhost and addresses.
    :param origins: origins of web pages that may use the server.
    """

    address: str
    key: str | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def is_loopback(host: str) -> bool:
    """Return whether an address or name is that of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Checks each request before it reaches the application.

    :param app: the application.
    :param access: who may use it.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with an error."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(Headers(scope=scope), preflight=scope["method"] == "OPTIONS")
            body = await _body(Headers(scope=scope), receive)
        except ClientDisconnect:
            return
        except ApiError as error:
            await error.response()(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _check(self, headers: Headers, *, preflight: bool) -> None:
        """Check who asks.

        :raises ApiError: when the request is refused.
        """
        if not self._knows_host(headers.getlist("host")):
            raise ApiError(403, "this host name is not served; add it to serve.allowed_hosts", "host_not_allowed")
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site") in _FOREIGN_SITES and origin is None
        if foreign or (origin is not None and origin not in self._access.origins):
            raise ApiError(403, "requests of web pages are refused; see serve.allowed_origins", "origin_not_allowed")
        if self._access.key is None or preflight:
            return
        given = headers.get("authorization", "").partition(" ")
        if given[0].lower() != "bearer" or not hmac.compare_digest(given[2].encode(), self._access.key.encode()):
            raise ApiError(401, "the key is missing or wrong; send Authorization: Bearer KEY", "invalid_api_key")

    def _knows_host(self, given: Iterable[str]) -> bool:
        """Return whether the client means this machine. A name may be any web page's, an address may not."""
        hosts = list(given)
        if len(hosts) != 1:
            return False
        try:
            name = (urlsplit(f"//{hosts[0]}").hostname or "").lower()
        except ValueError:
            return False
        if is_loopback(name) or name in {host.lower() for host in self._access.hosts}:
            return True
        if is_loopback(self._access.address):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in (self._access.address.lower(), socket.gethostname().lower())
        return True


async def _body(headers: Headers, receive: Receive) -> bytes:
    """Return the body of the request.

    :raises ApiError: when it is too large; the rest is not read.
    """
    too_large = ApiError(413, f"the request has more than {MAX_BODY_BYTES} bytes", "request_too_large")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise too_large
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise too_large
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body first, and then what the client does."""
    given = False

    async def first_the_body() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return first_the_body
