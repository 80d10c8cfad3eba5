"""The port: who may open which."""

import pytest

from codetune.serving.run import open_port, url_of
from tests.conftest import one_line


def test_a_port_in_use_is_one_line():
    with open_port("127.0.0.1", 0, None) as taken:
        port = taken.getsockname()[1]
        with one_line("is in use", port):
            open_port("127.0.0.1", port, None)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "box.local", "::"])  # noqa: S104
def test_an_address_that_others_reach_needs_a_key(address):
    with one_line("no key is set", address):
        open_port(address, 0, None)


def test_a_short_key_is_refused():
    with one_line("expected at least 16"):
        open_port("0.0.0.0", 0, "secret")  # noqa: S104


def test_an_address_of_another_machine_cannot_be_opened():
    with one_line("cannot be opened", "192.0.2.7"):
        open_port("192.0.2.7", 0, "a-key-of-sixteen-or-more")


def test_the_url():
    with open_port("127.0.0.1", 0, None) as opened:
        assert url_of(opened) == f"http://127.0.0.1:{opened.getsockname()[1]}/v1"
