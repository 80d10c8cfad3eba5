"""Counts and statistics of the data card, computed from the rows of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from codetune.core.files import JsonObject, digest_bytes
from codetune.data.clean.reasons import REASONS
from codetune.reporting.reasons import OTHER, describe_reason

SPLITS = ("train", "val", "test")
_BIN = 10
_TOP = 12
_SHORT_LINES = 10
# The columns of the ledger that the card is made from.
COLUMNS = [
    "id", "group", "package", "license", "verdict", "reason", "measure", "threshold", "matched", "similarity", "split",
    "code_lines", "code_tokens", "instruction_words",
]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One rule of the funnel from raw rows to kept rows.

    :param stage: the group of rules that the rule belongs to.
    :param words: the reason in words.
    :param dropped: number of rows that the rule dropped.
    :param left: number of rows that remain after the rule.
    """

    reason: str
    stage: str
    words: str
    dropped: int
    left: int


@dataclass(frozen=True)
class Source:
    """A package, repository or table: its licences and its row counts.

    :param splits: the splits of its kept rows; there can be several if it has several groups, as a table can.
    :param rows: number of raw rows.
    :param kept: number of kept rows.
    """

    name: str
    licenses: str
    splits: tuple[str, ...]
    rows: int
    kept: int


def drops(ledger: list[JsonObject]) -> Counter[str]:
    """Count the rows that each rule dropped, by reason."""
    return Counter(row["reason"] for row in ledger if row["verdict"] != "keep")


def funnel(counts: Mapping[str, int], rows: int) -> list[Step]:
    """List the rules that dropped rows, in the order in which they are applied.

    Rules that are not listed in `codetune.data.clean.reasons` come last, in alphabetical order.

    :param counts: number of rows that each rule dropped, by reason.
    :param rows: number of raw rows.
    """
    order = [*(reason for reason in REASONS if reason in counts), *sorted(set(counts) - set(REASONS))]
    left = rows
    steps = []
    for reason in order:
        left -= counts[reason]
        about = describe_reason(reason)
        words = f"of the rule {reason}" if about.stage == OTHER else about.words
        steps.append(Step(reason, about.stage, words, counts[reason], left))
    return steps


def kept_by_split(ledger: list[JsonObject]) -> dict[str, int]:
    """Count the kept rows of each split."""
    counts = Counter(row["split"] for row in ledger if row["verdict"] == "keep")
    return {split: counts[split] for split in SPLITS}


def sources(ledger: list[JsonObject]) -> list[Source]:
    """List the sources, the one with the most kept rows first."""
    rows: dict[str, list[JsonObject]] = {}
    for row in ledger:
        rows.setdefault(str(row["package"]), []).append(row)
    found = []
    for name, members in rows.items():
        kept = [row for row in members if row["verdict"] == "keep"]
        licenses = ", ".join(sorted({str(row["license"]) for row in members}))
        splits = tuple(split for split in SPLITS if any(row["split"] == split for row in kept))
        found.append(Source(name, licenses, splits, len(members), len(kept)))
    return sorted(found, key=lambda source: (-source.kept, source.name))


def groups_by_split(ledger: list[JsonObject]) -> dict[str, int]:
    """Count the groups that have kept rows in each split."""
    found = {(row["split"], row["group"]) for row in ledger if row["verdict"] == "keep"}
    counts = Counter(split for split, _ in found)
    return {split: counts[split] for split in SPLITS}


def largest(found: list[Source]) -> tuple[list[Source], list[Source]]:
    """Divide the sources into the first 12, which the page shows directly, and the others, which it folds away.

    :param found: sources, the largest first.
    """
    return found[:_TOP], found[_TOP:]


def by_license(ledger: list[JsonObject]) -> list[tuple[str, int, int, int]]:
    """Count sources and rows by licence.

    :returns: licence, number of sources, of raw rows and of kept rows; the licence with the most kept rows first.
    """
    found: dict[str, set[str]] = {}
    raw: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for row in ledger:
        name = str(row["license"])
        found.setdefault(name, set()).add(row["package"])
        raw[name] += 1
        kept[name] += row["verdict"] == "keep"
    return sorted(
        ((name, len(found[name]), raw[name], kept[name]) for name in raw), key=lambda item: (-item[3], item[0])
    )


def lengths(ledger: list[JsonObject], column: str) -> dict[str, list[int]]:
    """The lengths of the kept rows of each split, in ascending order, without unknown lengths.

    :param column: the column with the lengths, such as `code_tokens`.
    """
    return {
        split: sorted(
            row[column]
            for row in ledger
            if row["split"] == split and row["verdict"] == "keep" and row[column] is not None
        )
        for split in SPLITS
    }


def quantile(values: list[int], share: float) -> int:
    """The quantile of `values` by nearest rank.

    :param values: values in ascending order; at least one.
    :param share: 0 to 1; 0.5 gives the median.
    """
    return values[max(0, -int(-share * len(values) // 1) - 1)]


def histogram(found: dict[str, list[int]]) -> list[JsonObject]:
    """The share of each split's rows in bins of ten tokens. Shares can be compared although one split is much larger.

    :param found: lengths in tokens, by split.
    :returns: bins with `split`, `tokens` (lower edge) and `share`. The last bin of each split is empty, so that the
        plotted line returns to zero.
    """
    bins = []
    for split, values in found.items():
        counts = Counter(value // _BIN for value in values)
        bins += (
            [
                {"split": split, "tokens": place * _BIN, "share": round(counts[place] / len(values), 6)}
                for place in range(max(counts) + 2)
            ]
            if counts
            else []
        )
    return bins


def example_ids(ledger: list[JsonObject]) -> dict[str, str]:
    """Choose one kept row of each split: among rows with a short answer, the one whose id has the smallest sha256.

    The rule is fixed, so that the examples are not chosen by hand. Short answers fit on the page.

    :returns: row id by split.
    """
    chosen = {}
    for split in SPLITS:
        members = [row for row in ledger if row["split"] == split and row["verdict"] == "keep"]
        short = [row for row in members if row["code_lines"] is not None and row["code_lines"] <= _SHORT_LINES]
        if members:
            chosen[split] = min(
                (str(row["id"]) for row in short or members), key=lambda row: digest_bytes(row.encode())
            )
    return chosen


def thresholds(ledger: list[JsonObject]) -> dict[str, list[tuple[str, float]]]:
    """The name of the measured quantity and the threshold of each rule, by reason."""
    found: dict[str, set[tuple[str, float]]] = {}
    for row in ledger:
        if row["measure"] is not None and row["threshold"] is not None:
            found.setdefault(row["reason"], set()).add((row["measure"], row["threshold"]))
    return {reason: sorted(pairs) for reason, pairs in found.items()}


def groups_in_several_splits(ledger: list[JsonObject]) -> list[str]:
    """List the groups that have kept rows in more than one split; the list should be empty."""
    splits: dict[str, set[str]] = {}
    for row in ledger:
        if row["verdict"] == "keep":
            splits.setdefault(str(row["group"]), set()).add(str(row["split"]))
    return sorted(group for group, found in splits.items() if len(found) > 1)


def similarities(ledger: list[JsonObject]) -> dict[str, list[float]]:
    """The similarities of the rows that were dropped as duplicates, by reason."""
    found: dict[str, list[float]] = {}
    for row in ledger:
        if row["matched"] is not None and row["similarity"] is not None:
            found.setdefault(row["reason"], []).append(row["similarity"])
    return found


def leak_figures(leaks: JsonObject) -> JsonObject:
    """The counts of reports/leaks.json, without its lists of rows."""
    return {
        name: {key: value for key, value in part.items() if key != "leaks"} if isinstance(part, dict) else part
        for name, part in leaks.items()
    }
