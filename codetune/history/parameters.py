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


def parameter_differences(baseline: dict[str, Any], candidate: dict[str, Any]) -> list[ParameterDifference]:
    """List the keys whose values differ: in the order of the candidate's file, then keys that only the baseline has.

    :param baseline: the parsed params.yaml of the baseline.
    :param candidate: the parsed params.yaml of the candidate.
    """
    old, new = flatten(baseline), flatten(candidate)
    return [
        ParameterDifference(key, *(_text(side[key]) if key in side else ABSENT for side in (old, new)))
        for key in [*new, *(key for key in old if key not in new)]
        if key not in old or key not in new or old[key] != new[key]
    ]
