"""Find the parameters that differ between two revisions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from codetune.evaluation.metrics.catalogue import flatten

ABSENT = "\u2014"


@dataclass(frozen=True)
class ParameterDifference:
    """One key of params.yaml with its value in both revisions, as text; a dash if a revision does not have it."""

    key: str
    baseline: str
    candidate: str


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def differing_keys(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """List the keys whose values differ: in the order of `after`, then keys that only `before` has.

    A mapping that is empty on one side only is left out: the keys that the other side has in it are listed.

    :param before: values by flat key, as they are or as texts.
    :param after: values by flat key.
    """
    keys = [*after, *(key for key in before if key not in after)]
    sides = before, after

    def filled(key: str) -> bool:
        empty = all(side.get(key, {}) in ({}, "{}") for side in sides)
        return empty and any(name.startswith(f"{key}.") for name in keys)

    return [
        key for key in keys if (key not in before or key not in after or before[key] != after[key]) and not filled(key)
    ]


def parameter_differences(baseline: dict[str, Any], candidate: dict[str, Any]) -> list[ParameterDifference]:
    """List the parameters whose values differ, in the order of `differing_keys`.

    :param baseline: the parsed params.yaml of the baseline.
    :param candidate: the parsed params.yaml of the candidate.
    """
    old, new = flatten(baseline), flatten(candidate)
    return [
        ParameterDifference(key, *(_text(side[key]) if key in side else ABSENT for side in (old, new)))
        for key in differing_keys(old, new)
    ]
