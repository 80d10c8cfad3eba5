"""Why a row is dropped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a row is dropped, and what the rule measured or found.

    :param reason: a name of codetune/cleaning/reasons.py.
    :param measure: what was measured, with its unit, such as `code_tokens`; None where the rule measures nothing.
    :param threshold: the value of params.yaml that `measured` is beyond.
    :param found: the text that the rule matched; None where it matches none, and for secrets.
    """

    reason: str
    measure: str | None = None
    measured: float | None = None
    threshold: float | None = None
    found: str | None = None
