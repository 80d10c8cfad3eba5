"""What the data card counts, from the rows of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from codetune.core.files import JsonObject, digest_bytes
from codetune.data.clean.reasons import REASONS
from codetune.reporting.reasons import OTHER, known

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
    """One rule of the funnel.

    :param left: rows that are left after it.
    """

    reason: str
    stage: str
    words: str
    dropped: int
    left: int


@dataclass(frozen=True)
class Source:
    """A package, repository or table: its licences, and how many of its rows are kept.

    :param splits: the splits of its kept rows; several for a source that is split by groups of its rows, as a table is.
    """

    name: str
    licenses: str
    splits: tuple[str, ...]
    rows: int
    kept: int


def drops(ledger: list[JsonObject]) -> Counter[str]:
    """How many rows each rule dropped."""
    return Counter(row["reason"] for row in ledger if row["verdict"] != "keep")


def funnel(counts: Mapping[str, int], rows: int) -> list[Step]:
    """The rules that dropped rows, in the order in which they are applied, with what each of them left.

    Rules that are not listed in `codetune.data.clean.reasons` come last, in alphabetical order.

    :param counts: of the rows that each rule dropped, out of `rows`.
    """
    order = [*(reason for reason in REASONS if reason in counts), *sorted(set(counts) - set(REASONS))]
    left = rows
    steps = []
    for reason in order:
        left -= counts[reason]
        about = known(reason)
        words = f"of the rule {reason}" if about.stage == OTHER else about.words
        steps.append(Step(reason, about.stage, words, counts[reason], left))
    return steps


def kept_by_split(ledger: list[JsonObject]) -> dict[str, int]:
    """Kept rows of each split."""
    counts = Counter(row["split"] for row in ledger if row["verdict"] == "keep")
    return {split: counts[split] for split in SPLITS}


def sources(ledger: list[JsonObject]) -> list[Source]:
    """The sources, those with the most kept rows first."""
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
    """How many groups have kept rows in each split."""
    found = {(row["split"], row["group"]) for row in ledger if row["verdict"] == "keep"}
    counts = Counter(split for split, _ in found)
    return {split: counts[split] for split in SPLITS}


def largest(found: list[Source]) -> tuple[list[Source], list[Source]]:
    """The sources to name one by one, and the rest."""
    return found[:_TOP], found[_TOP:]


def by_license(ledger: list[JsonObject]) -> list[tuple[str, int, int, int]]:
    """Licence, sources, raw rows and kept rows; the licence with the most kept rows first."""
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
    """The lengths of the kept rows of each split, in ascending order; those that are not known are left out."""
    return {
        split: sorted(
            row[column]
            for row in ledger
            if row["split"] == split and row["verdict"] == "keep" and row[column] is not None
        )
        for split in SPLITS
    }


def quantile(values: list[int], share: float) -> int:
    """The value at or below which a share of ascending `values` lies (nearest rank)."""
    return values[max(0, -int(-share * len(values) // 1) - 1)]


def histogram(found: dict[str, list[int]]) -> list[JsonObject]:
    """The share of each split's rows in bins of ten tokens: comparable, although one split is far larger.

    The last bin of each split is empty and closes its outline.
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
    """One kept row of each split: of those with a short answer, the one whose id has the smallest sha256.

    The rule is fixed, so that nobody picks a pretty one; short answers are taken so that a page can show them.
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
    """What each rule measured and its threshold, by reason."""
    found: dict[str, set[tuple[str, float]]] = {}
    for row in ledger:
        if row["measure"] is not None and row["threshold"] is not None:
            found.setdefault(row["reason"], set()).add((row["measure"], row["threshold"]))
    return {reason: sorted(pairs) for reason, pairs in found.items()}


def straddling(ledger: list[JsonObject]) -> list[str]:
    """The groups with kept rows in more than one split: there should be none."""
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
    """What reports/leaks.json counts, without the rows that it lists."""
    return {
        name: {key: value for key, value in part.items() if key != "leaks"} if isinstance(part, dict) else part
        for name, part in leaks.items()
    }
