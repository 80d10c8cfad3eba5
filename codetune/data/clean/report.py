"""Make the counts of reports/data.json and the rows of the splits and of the ledger."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from codetune.data.clean.split import Split
from codetune.data.clean.verdicts import PLACE, Lengths, RowDecision
from codetune.schemas.reviews import Review

_MEASUREMENT = ("measure", "measured", "threshold", "found")


def instruction_row(record: dict[str, Any]) -> dict[str, Any]:
    """Return a kept row in the format of train, val and test.

    :param record: the row's record in the spool.
    """
    return {
        **{key: record[key] for key in ("id", "source", "group")},
        "parent": None,
        **{key: record[key] for key in ("package", "version", "license", "path", "qualname")},
        "lines": [record["start_line"], record["end_line"]],
        "instruction": record["instruction"],
        "completion": record["completion"],
    }


def ledger_row(verdict: RowDecision, record: dict[str, Any], splits: dict[str, Split]) -> dict[str, Any]:
    """Return one line of the ledger.

    :param record: the row's record in the spool.
    :param splits: the split of every group.
    """
    return {
        **{key: record[key] for key in PLACE},
        "verdict": "keep" if verdict.kept else "drop",
        "reason": verdict.reason,
        **{key: getattr(verdict.drop, key, None) for key in _MEASUREMENT},
        "matched": verdict.match.id if verdict.match else None,
        "similarity": verdict.match.similarity if verdict.match else None,
        "split": splits[verdict.group] if verdict.kept else None,
        **(verdict.lengths._asdict() if verdict.lengths else dict.fromkeys(Lengths._fields)),
    }


def _quantiles(values: list[int]) -> dict[str, float]:
    if len(values) < 2:  # noqa: PLR2004
        return {}
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p5": cuts[0], "p50": cuts[9], "p95": cuts[18], "max": max(values)}


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def data_report(verdicts: list[RowDecision], splits: dict[str, Split], joined: dict[str, str]) -> dict[str, Any]:
    """Return the content of reports/data.json.

    :param splits: the split of every group.
    :param joined: the first group of the cluster that each group belongs to (see `joined_groups`).
    """
    kept = [verdict for verdict in verdicts if verdict.kept]
    packages: dict[str, dict[str, Any]] = {
        group: {"source": "", "split": splits[group], "raw": 0, "kept": 0} for group in sorted(splits)
    }
    for verdict in verdicts:
        packages[verdict.group]["source"] = verdict.source
        packages[verdict.group]["raw"] += 1
        packages[verdict.group]["kept"] += verdict.kept
    lengths = [verdict.lengths for verdict in kept if verdict.lengths]
    return {
        "raw": len(verdicts),
        "kept": len(kept),
        "dropped": _counted(verdict.reason for verdict in verdicts if not verdict.kept),
        "splits": _counted(splits[verdict.group] for verdict in kept),
        "groups": _counted(splits.values()),
        "joined_groups": sorted([group, other] for group, other in joined.items() if group != other),
        "licenses": _counted(verdict.license for verdict in kept),
        "lengths": {
            "code_tokens": _quantiles([each.code_tokens for each in lengths]),
            "instruction_words": _quantiles([each.instruction_words for each in lengths]),
        },
        "packages": packages,
    }


def review_counts(verdicts: list[RowDecision], reviews: Mapping[str, Review]) -> dict[str, int]:
    """Count the kept rows that a reviewer confirmed, completed, or did not read.

    :param reviews: by row id.
    :returns: `read` (confirmed), `completed` and `unread` rows, and `without_row`: reviews of rows that are gone.
    """
    kept = Counter(reviews[row.id]["verdict"] if row.id in reviews else "" for row in verdicts if row.kept)
    gone = reviews.keys() - {verdict.id for verdict in verdicts}
    return {"read": kept["keep"], "completed": kept["complete"], "unread": kept[""], "without_row": len(gone)}
