"""The counts of reports/data.json, and the rows of the splits."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from codetune.cleaning.split import Split
from codetune.cleaning.verdicts import Verdict

_TEXT = pa.string()
CORPUS_SCHEMA = pa.schema(
    [("group", _TEXT), ("package", _TEXT), ("license", _TEXT), ("path", _TEXT), ("sha256", _TEXT), ("text", _TEXT)]
)


def instruction_row(verdict: Verdict) -> dict[str, Any]:
    """A kept row as it goes into train, val or test."""
    row, candidate = verdict.row, verdict.candidate
    if candidate is None:
        raise ValueError(f"row {row['id']} was dropped ({verdict.reason}) and has no candidate")
    return {
        "id": row["id"],
        "group": row["group"],
        "parent": None,
        **{key: row[key] for key in ("package", "version", "license", "path", "qualname")},
        "lines": [row["start_line"], row["end_line"]],
        "instruction": candidate.instruction,
        "completion": candidate.completion,
    }


def _quantiles(values: list[int]) -> dict[str, float]:
    if len(values) < 2:  # noqa: PLR2004
        return {}
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p5": cuts[0], "p50": cuts[9], "p95": cuts[18], "max": max(values)}


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def data_report(verdicts: list[Verdict], splits: dict[str, Split], corpus: dict[str, Any]) -> dict[str, Any]:
    """Everything that reports/data.json counts.

    :param corpus: the counts of the pretraining corpus.
    """
    kept = [verdict for verdict in verdicts if verdict.kept]
    packages: dict[str, dict[str, Any]] = {
        group: {"split": splits[group], "raw": 0, "kept": 0} for group in sorted(splits)
    }
    for verdict in verdicts:
        packages[verdict.row["group"]]["raw"] += 1
        packages[verdict.row["group"]]["kept"] += verdict.kept
    return {
        "raw": len(verdicts),
        "kept": len(kept),
        "dropped": _counted(verdict.reason for verdict in verdicts if not verdict.kept),
        "splits": _counted(splits[verdict.row["group"]] for verdict in kept),
        "groups": _counted(splits.values()),
        "licenses": _counted(verdict.row["license"] for verdict in kept),
        "lengths": {
            "code_tokens": _quantiles([len(verdict.candidate.tokens) for verdict in kept if verdict.candidate]),
            "instruction_words": _quantiles(
                [len(verdict.candidate.instruction.split()) for verdict in kept if verdict.candidate]
            ),
        },
        "packages": packages,
        "corpus": corpus,
    }
