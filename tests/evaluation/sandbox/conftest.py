"""The ways of isolation that this machine offers."""

import os

import pytest

from codetune.evaluation.sandbox.isolation import ISOLATIONS
from codetune.evaluation.sandbox.limits import Limits

REQUIRED = os.environ.get("CODETUNE_REQUIRE_SANDBOX") == "1"


@pytest.fixture(scope="session", params=ISOLATIONS, ids=lambda way: way.name)
def isolation(request):
    """Each way of isolation in turn.

    If the machine does not offer it, the test is skipped; it fails if CODETUNE_REQUIRE_SANDBOX is 1.
    """
    return _offered(request.param)


def _offered(way):
    fault = way.unavailable_reason()
    if fault is not None:
        (pytest.fail if REQUIRED else pytest.skip)(f"{way.name}: {fault}")
    return way


@pytest.fixture(scope="session")
def limits():
    """Small limits, for answers that use all of them."""
    return Limits(cpu_s=1, wall_s=20, memory_mb=256)
