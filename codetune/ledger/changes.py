"""What became of the rows between two ledgers: which came, went, changed verdict or moved to another split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from codetune.core.files import JsonObject
from codetune.ledger.ledger import Ledger

KEEP = "keep"
HEADINGS = {"came": "came", "went": "went", "judged": "changed verdict", "moved": "moved to another split"}
"""What happened to rows, by field of `Difference`; with underscores the keys of its JSON."""
_PLACE = ("package", "path", "qualname")


@dataclass(frozen=True)
class Change:
    """Rows to which the same happened.

    :param before: the reason in the first ledger, `keep` for kept rows; or the split, of rows that moved. None for
        rows that came; likewise `after` for rows that went.
    :param examples: lines of the ledger that has the rows, the second where both have; those with the smallest ids.
    """

    before: str | None
    after: str | None
    rows: int
    examples: list[JsonObject]


@dataclass(frozen=True)
class VersionChange:
    """A package, or another source of code, that was read in two versions; of the standard library, Python's own."""

    source: str
    package: str
    before: str
    after: str


@dataclass(frozen=True)
class Size:
    """The rows of a ledger, and how many of them are kept."""

    rows: int
    kept: int


@dataclass(frozen=True)
class Difference:
    """Two ledgers compared, row by row.

    `came` and `unchanged`, `judged` and `moved` together are the rows of the second ledger; with `went` in the place
    of `came`, those of the first. The changes of each kind are in descending order of their rows.

    :param rewritten: rows that came in the place (package, path, qualname) of one that went: their code was changed.
    :param versions: what both ledgers have rows of, in different versions.
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
    """What tells the rows of a ledger apart: the id, and which of the rows of that id it is."""
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
    """Rows grouped by what happened to them.

    :param happened: state before, state after, and the place of the row in `ledger`.
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
    """The version, or versions, of each package of each source; nothing where an older ledger does not say."""
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
    """Which rows came, went, changed verdict or moved to another split.

    A row is the same in both when its id is: the same code in the same place. A kept row that is dropped, a dropped
    row that is kept, and a row that is dropped for another reason have all changed verdict.

    :param examples: rows to name for each change, at the most.
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
