"""Assign whole groups to train, val and test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from codetune.core.files import stable_seed

Split = Literal["train", "val", "test"]
# Largest share of val or test from one package: a metric over a single package says little about other code.
_MAX_GROUP_SHARE = 0.25


def clusters(groups: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Merge groups that are connected by pairs into clusters.

    :param groups: names of all groups.
    :param pairs: pairs of groups that belong together.
    :returns: for each group the alphabetically first group of its cluster.
    """
    first = {group: group for group in groups}

    def root(group: str) -> str:
        while first[group] != group:
            group = first[group]
        return group

    for left, right in pairs:
        low, high = sorted((root(left), root(right)))
        first[high] = low
    return {group: root(group) for group in first}


def split_groups(
    sizes: Counter[str], seed: int, test_share: float, val_share: float, held_out: frozenset[str] = frozenset()
) -> dict[str, Split]:
    """Return the split of every group.

    Groups are taken in an order that depends only on `seed` and their names, so that a new package does not change the
    order of the others. Test is filled first, then val; the rest is train. If every group is too large for a split, the
    smallest remaining group becomes that split.

    :param sizes: number of rows per group.
    :param seed: seed of the order.
    :param test_share: share of all rows that test should reach, if the groups allow it.
    :param val_share: the same for val.
    :param held_out: groups that are always in test; others are added until the share is reached.
    """
    total = sum(sizes.values())
    order = sorted(sizes, key=lambda group: (stable_seed(seed, "split", group), group))
    splits: dict[str, Split] = dict.fromkeys(order, "train")
    splits.update(dict.fromkeys(held_out, "test"))
    targets: tuple[tuple[Split, float], ...] = (("test", test_share), ("val", val_share))
    for split, share in targets:
        target = share * total
        filled = sum(sizes[group] for group in order if splits[group] == split)
        for group in order:
            if filled >= target:
                break
            if splits[group] == "train" and 0 < sizes[group] <= max(1.0, _MAX_GROUP_SHARE * target):
                splits[group] = split
                filled += sizes[group]
        left = [group for group in order if splits[group] == "train" and sizes[group]]
        if not filled and len(left) > 1:
            splits[min(left, key=lambda group: sizes[group])] = split
    return splits
