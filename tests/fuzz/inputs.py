"""How much is tried at random: a little in the usual tests, 5,000 inputs each where CODETUNE_LONG_TESTS is set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings

from codetune.core.errors import UserError

_INPUTS = int(os.environ.get("CODETUNE_LONG_TESTS_INPUTS", "5000")) if os.environ.get("CODETUNE_LONG_TESTS") else None


def inputs(usually: int) -> Callable[[Any], Any]:
    """Settings for a test that is tried with `usually` inputs, always the same ones, unless long tests are asked for."""
    return settings(
        max_examples=_INPUTS or usually, derandomize=_INPUTS is None, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@contextmanager
def no_foreign_exception() -> Iterator[None]:
    """What is done inside ends well, or in a UserError that says what is wrong and what to do."""
    refusal = None
    try:
        yield
    except UserError as error:
        refusal = error
    assert refusal is None or (refusal.what.strip() and refusal.remedy.strip())
