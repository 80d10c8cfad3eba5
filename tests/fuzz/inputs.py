"""How many random inputs a test tries: a few, or as many as CODETUNE_FUZZ_INPUTS says (5,000 in `make test-long`).

Those few are the same in every run. With CODETUNE_FUZZ_INPUTS they differ from run to run, unless CODETUNE_FUZZ_FIXED is
set, as in continuous integration: there, only a change of the code may turn a test red.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings

from codetune.core.errors import UserError

_INPUTS = int(os.environ.get("CODETUNE_FUZZ_INPUTS", "0"))
_FIXED = not _INPUTS or bool(os.environ.get("CODETUNE_FUZZ_FIXED"))


def inputs(usually: int) -> Callable[[Any], Any]:
    """Return settings with `usually` inputs, or as many as CODETUNE_FUZZ_INPUTS says."""
    return settings(
        max_examples=_INPUTS or usually, derandomize=_FIXED, database=None, deadline=None,
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
