"""Whole groups into train, val and test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from codetune.core.files import stable_seed

Split = Literal["train", "val", "test"]
# No single package may make up more than this share of val or test: a metric over one package says little.
_MAX_GROUP_SHARE = 0.25


def clusters(groups: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The first group, by name, of all that pairs join each group with."""
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
    """The split of every group.

    Groups are taken in an order drawn from `seed` and their names, so that adding a package moves no other
    one within that order; test is filled first, then val, the rest is train. Where every package is too large
    for a share, the smallest one that is left makes up the split.

    :param sizes: rows per group.
    :param test_share: share of all rows that test reaches, if the groups allow it.
    :param held_out: groups that are test in any case; others join them while the share is not reached.
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
