"""Open the port and run the server until it is interrupted."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette

from codetune.core.errors import UserError
from codetune.serving.guard import is_loopback

_SHUTDOWN_S = 2
_WAITING_CONNECTIONS = 512
_MAX_HEADER_BYTES = 32_000


def open_port(address: str, port: int, key: str | None) -> socket.socket:
    """Return a socket that listens on an address.

    :param address: an IP address, or `localhost`.
    :param port: the port; 0 for any free one.
    :param key: the key that clients need; None for no key.
    :raises UserError: when an address other than loopback is asked for without a key, or the port cannot be opened.
    """
    if key is not None and len(key) < 16:  # noqa: PLR2004
        raise UserError(f"the key has {len(key)} characters, expected at least 16", "Choose a longer key.")
    if key is None and not is_loopback(address):
        raise UserError(
            f"{address} can be reached from other machines, and no key is set",
            "Set CODETUNE_KEY (or --key), or use 127.0.0.1.",
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((address, port))
        opened.listen(_WAITING_CONNECTIONS)
    except (OSError, UnicodeError) as error:
        opened.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise UserError(
                f"port {port} of {address} is in use", "Stop the other program, or choose another port with --port."
            ) from None
        raise UserError(f"{address}:{port} cannot be opened: {error}", "Use 127.0.0.1 and another port.") from None
    return opened


def url_of(opened: socket.socket) -> str:
    """Return the URL of the API that is served on a socket."""
    address, port = opened.getsockname()[:2]
    return f"http://{f'[{address}]' if ':' in address else address}:{port}/v1"


def run_server(app: Starlette, opened: socket.socket) -> None:
    """Serve until the process is interrupted. Answers that are still generated then are cut off.

    :param app: the application.
    :param opened: the socket to serve on.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after it has ended
        uvicorn.Server(config).run(sockets=[opened])
