"""Counts about the data of one revision, from its reports: rules, splits, licences, lengths, leaks, paraphrases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.catalogue import numbers
from codetune.history.listing import Revision
from codetune.history.reading import read_object
from codetune.history.report_files import read_files, report_remedy
from codetune.history.repository import Repository
from codetune.reporting.data_card import facts
from codetune.reporting.data_card.facts import SPLITS, Step

_FILES = ("reports/data.json", "reports/leaks.json", "reports/augmentation.json")
LEAK_WAYS = {
    "exact_code": "the same code",
    "exact_instruction": "the same instruction",
    "renamed": "the same except for names",
    "near": "nearly the same code",
    "similar": "the same in meaning",
}


@dataclass(frozen=True)
class DataReports:
    """The contents of the three reports on the data; each is empty if the revision does not have it.

    :param data: reports/data.json.
    :param leaks: reports/leaks.json.
    :param augmentation: reports/augmentation.json.
    :param problems: a sentence for each report that could not be read.
    """

    data: JsonObject = field(default_factory=dict)
    leaks: JsonObject = field(default_factory=dict)
    augmentation: JsonObject = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leak:
    """A held-out row that is too similar to a train row.

    :param split: the split of the held-out row.
    :param way: what is equal or similar, in words; see `LEAK_WAYS`.
    :param held_out: id of the held-out row.
    :param train: id of the train row.
    :param similarity: 0 to 1; None for checks that do not measure it.
    """

    split: str
    way: str
    held_out: str
    train: str
    similarity: float | None


def data_reports(repository: Repository, revision: Revision) -> DataReports:
    """Read the reports on the data of a revision.

    A damaged report is not an error; `problems` of the result describes it.

    :raises UserError: when git fails.
    """
    found: list[JsonObject] = []
    problems = []
    contents = read_files(repository, revision, _FILES)
    for path in _FILES:
        try:
            found.append(read_object(contents.get(path, b"{}")))
        except (ValueError, TypeError):
            problems.append(f"{path} of {revision.title} cannot be read. {report_remedy(revision, path)}")
            found.append({})
    data, leaks, augmentation = found
    return DataReports(data, leaks, augmentation, tuple(problems))


def _counts(content: Mapping[str, Any], key: str) -> dict[str, int]:
    """The numbers in one part of a report as integers, by flat key."""
    part = content.get(key)
    return {name: int(value) for name, value in numbers(part).items()} if isinstance(part, dict) else {}


def total(content: Mapping[str, Any], key: str) -> int:
    """Read one count of a report; 0 if the report does not have it."""
    return int(numbers({key: content.get(key)}).get(key, 0))


def funnel(data: JsonObject) -> list[Step]:
    """List the rules that dropped rows, in the order in which they are applied, with the rows that remain after each.

    :param data: the content of reports/data.json.
    """
    return facts.funnel(_counts(data, "dropped"), total(data, "raw"))


def splits(data: JsonObject) -> list[tuple[str, int, int]]:
    """List name, number of groups and number of rows of each split.

    :param data: the content of reports/data.json.
    """
    rows, groups = _counts(data, "splits"), _counts(data, "groups")
    return [(split, groups.get(split, 0), rows[split]) for split in SPLITS if split in rows]


def licenses(data: JsonObject) -> list[tuple[str, int]]:
    """Count the kept rows of each licence, the most frequent licence first.

    :param data: the content of reports/data.json.
    """
    part = data.get("licenses")
    # Not with flat keys, because names of licences contain dots.
    counts = {name: total(part, name) for name in part} if isinstance(part, dict) else {}
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def lengths(data: JsonObject) -> list[tuple[str, dict[str, float]]]:
    """List the measured lengths of the kept rows, each with 5th, 50th and 95th percentile and maximum.

    :param data: the content of reports/data.json.
    """
    names = {"code_tokens": "tokens of code", "instruction_words": "words of instruction"}
    part = data.get("lengths")
    content: JsonObject = part if isinstance(part, dict) else {}
    return [(names.get(key, key), numbers(values)) for key, values in content.items() if isinstance(values, dict)]


def leak_counts(leaks: JsonObject) -> list[tuple[str, dict[str, int]]]:
    """Count the leaks found by each check, by held-out split.

    :param leaks: the content of reports/leaks.json.
    :returns: for each check its description from `LEAK_WAYS`, and the number of leaks by split.
    """
    parts = {split: _counts(leaks, split) for split in SPLITS if isinstance(leaks.get(split), dict)}
    return [
        (words, {split: counts[way] for split, counts in parts.items() if way in counts})
        for way, words in LEAK_WAYS.items()
        if any(way in counts for counts in parts.values())
    ]


def leaks_found(leaks: JsonObject) -> list[Leak]:
    """List the held-out rows that are too similar to a train row, the most similar first.

    :param leaks: the content of reports/leaks.json.
    """
    found = []
    for split in SPLITS:
        part = leaks.get(split)
        for row in part.get("leaks", []) if isinstance(part, dict) else []:
            likeness = row.get("similarity")
            way = LEAK_WAYS.get(row.get("way"), str(row.get("way")))
            found.append(Leak(split, way, str(row.get("held_out")), str(row.get("train")), likeness))
    return sorted(found, key=lambda leak: -(leak.similarity or 1.0))


def paraphrase_counts(augmentation: JsonObject) -> list[tuple[str, int]]:
    """List the counts of the augmentation, each with a description; rejections by reason are last.

    :param augmentation: the content of reports/augmentation.json.
    """
    words = {
        "rows_in": "train rows",
        "rows_chosen": "chosen to be paraphrased",
        "paraphrases": "paraphrases made",
        "rows_without_paraphrase": "without a paraphrase that passed",
        "rows_out": "rows to train on",
    }
    rejected = sorted(_counts(augmentation, "rejected").items(), key=lambda item: (-item[1], item[0]))
    return [
        *((text, total(augmentation, key)) for key, text in words.items() if key in augmentation),
        *((f"attempts rejected: {reason.replace('_', ' ')}", count) for reason, count in rejected),
    ]
