"""Compare two ledgers: rows that were added or removed, changed verdict or moved to another split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from codetune.core.files import JsonObject
from codetune.ledger.ledger import Ledger

KEEP = "keep"
HEADINGS = {"came": "came", "went": "went", "judged": "changed verdict", "moved": "moved to another split"}
"""Heading for each field of `Difference`. With underscores instead of spaces, they are the keys in JSON."""
_PLACE = ("package", "path", "qualname")


@dataclass(frozen=True)
class Change:
    """Rows with the same change.

    :param before: the reason in the first ledger, `keep` for kept rows. For rows that moved, their split. None for rows
        that only the second ledger has.
    :param after: the same in the second ledger; None for rows that only the first ledger has.
    :param rows: number of rows.
    :param examples: ledger lines of the rows with the smallest ids, from the second ledger if it has the rows.
    """

    before: str | None
    after: str | None
    rows: int
    examples: list[JsonObject]


@dataclass(frozen=True)
class VersionChange:
    """A package, or another source of code, that the two ledgers have in different versions.

    The version of the standard library is the version of Python.
    """

    source: str
    package: str
    before: str
    after: str


@dataclass(frozen=True)
class Size:
    """Number of all rows and of kept rows of a ledger."""

    rows: int
    kept: int


@dataclass(frozen=True)
class Difference:
    """The difference between two ledgers.

    The first ledger has the rows of `unchanged`, `judged`, `moved` and `went`; the second has those of `unchanged`,
    `judged`, `moved` and `came`. The largest changes of each kind are first.

    :param before: size of the first ledger.
    :param after: size of the second ledger.
    :param unchanged: number of rows with the same reason and split in both ledgers.
    :param came: rows that only the second ledger has.
    :param went: rows that only the first ledger has.
    :param judged: rows whose verdict or reason changed.
    :param moved: rows with the same reason that are in another split.
    :param rewritten: number of rows in `came` with the same package, path and qualname as a row in `went`: their code
        was changed.
    :param versions: packages and other sources that both ledgers have, in different versions.
    """

    before: Size
    after: Size
    unchanged: int
    came: list[Change]
    went: list[Change]
    judged: list[Change]
    moved: list[Change]
    rewritten: int
    versions: list[VersionChange]


def _keys(ledger: Ledger) -> list[tuple[str | None, int]]:
    """A unique key for each row: its id, and a counter for rows with the same id."""
    seen: Counter[str | None] = Counter()
    keys = []
    for identity in ledger.texts("id"):
        keys.append((identity, seen[identity]))
        seen[identity] += 1
    return keys


def _size(ledger: Ledger) -> Size:
    return Size(len(ledger), len(ledger.where("verdict", KEEP)))


def _changes(
    ledger: Ledger, happened: Iterable[tuple[str | None, str | None, int]], ids: list[str | None], examples: int
) -> list[Change]:
    """Group rows by their change.

    :param happened: state before, state after, and number of the row in `ledger`.
    """
    groups: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    for before, after, place in happened:
        groups[before, after].append(place)
    ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), str(item[0])))
    return [
        Change(*states, len(places), ledger.rows(sorted(places, key=lambda place: str(ids[place]))[:examples]))
        for states, places in ranked
    ]


def _rewritten(before: Ledger, after: Ledger, went: list[int], came: list[int]) -> int:
    def stands(ledger: Ledger, places: list[int]) -> Counter[tuple[str | None, ...]]:
        columns = [ledger.texts(column) for column in _PLACE]
        return Counter(tuple(column[place] for column in columns) for place in places)

    if not went or not came:
        return 0
    return (stands(before, went) & stands(after, came)).total()


def _versions(ledger: Ledger) -> dict[tuple[str | None, str | None], str]:
    """The version or versions of each package of each source; empty for an older ledger, which does not have them."""
    found: dict[tuple[str | None, str | None], set[str]] = defaultdict(set)
    for source, package, version in zip(*map(ledger.texts, ("source", "package", "version")), strict=True):
        if version:
            found[source, package].add(version)
    return {place: ", ".join(sorted(versions)) for place, versions in found.items()}


def _version_changes(before: Ledger, after: Ledger) -> list[VersionChange]:
    old, new = _versions(before), _versions(after)
    places = sorted((place for place in old.keys() & new.keys() if old[place] != new[place]), key=str)
    return [VersionChange(str(source), str(package), old[source, package], new[source, package])
            for source, package in places]  # fmt: skip


def compare(before: Ledger, after: Ledger, examples: int = 3) -> Difference:
    """Compare two ledgers row by row.

    Rows of the two ledgers are the same row if their ids are equal, which means the same code in the same place. A row
    changed verdict if only one of the ledgers keeps it, or if it was dropped for another reason.

    :param examples: maximum number of example rows for each change.
    """
    old = {key: place for place, key in enumerate(_keys(before))}
    new = {key: place for place, key in enumerate(_keys(after))}
    old_reasons, new_reasons = before.texts("reason"), after.texts("reason")
    old_splits, new_splits = before.texts("split"), after.texts("split")
    old_ids, new_ids = before.texts("id"), after.texts("id")
    both = [(old[key], place) for key, place in new.items() if key in old]
    came = [place for key, place in new.items() if key not in old]
    went = [place for key, place in old.items() if key not in new]
    judged = [(old_reasons[a], new_reasons[b], b) for a, b in both if old_reasons[a] != new_reasons[b]]
    moved = [
        (old_splits[a], new_splits[b], b)
        for a, b in both
        if old_reasons[a] == new_reasons[b] and old_splits[a] != new_splits[b]
    ]
    return Difference(
        before=_size(before),
        after=_size(after),
        unchanged=len(both) - len(judged) - len(moved),
        came=_changes(after, ((None, new_reasons[place], place) for place in came), new_ids, examples),
        went=_changes(before, ((old_reasons[place], None, place) for place in went), old_ids, examples),
        judged=_changes(after, judged, new_ids, examples),
        moved=_changes(after, moved, new_ids, examples),
        rewritten=_rewritten(before, after, went, came),
        versions=_version_changes(before, after),
    )
