"""What the reports of one revision count of its data: the funnel from raw rows to splits, licences, lengths, leaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.catalogue import numbers
from codetune.history.listing import Revision
from codetune.history.reading import read_object
from codetune.history.report_files import read_files
from codetune.history.repository import Repository
from codetune.reporting.data_card import facts
from codetune.reporting.data_card.facts import SPLITS, Step

_FILES = ("reports/data.json", "reports/leaks.json", "reports/augmentation.json")
LEAK_WAYS = {
    "exact_code": "the same code",
    "exact_instruction": "the same instruction",
    "renamed": "the same but for names",
    "near": "nearly the same code",
    "similar": "the same in meaning",
}


@dataclass(frozen=True)
class DataReports:
    """The three reports on the data; each is empty where the revision has none.

    :param problems: a sentence for each that could not be read.
    """

    data: JsonObject = field(default_factory=dict)
    leaks: JsonObject = field(default_factory=dict)
    augmentation: JsonObject = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leak:
    """A held-out row that is like a train row."""

    split: str
    way: str
    held_out: str
    train: str
    similarity: float | None


def data_reports(repository: Repository, revision: Revision) -> DataReports:
    """The reports on the data of a revision.

    :raises UserError: when git fails; a damaged report is no error, it is told in `problems`.
    """
    found: list[JsonObject] = []
    problems = []
    contents = read_files(repository, revision, _FILES)
    for path in _FILES:
        try:
            found.append(read_object(contents.get(path, b"{}")))
        except (ValueError, TypeError):
            problems.append(f"{path} of {revision.title} cannot be read")
            found.append({})
    data, leaks, augmentation = found
    return DataReports(data, leaks, augmentation, tuple(problems))


def _counts(content: Mapping[str, Any], key: str) -> dict[str, int]:
    """The whole numbers of a part of a report, by flat key."""
    part = content.get(key)
    return {name: int(value) for name, value in numbers(part).items()} if isinstance(part, dict) else {}


def total(content: Mapping[str, Any], key: str) -> int:
    """One count of a report; 0 where it has none."""
    return int(numbers({key: content.get(key)}).get(key, 0))


def funnel(data: JsonObject) -> list[Step]:
    """The rules that dropped rows, in the order in which they are applied, with what each of them left."""
    return facts.funnel(_counts(data, "dropped"), total(data, "raw"))


def splits(data: JsonObject) -> list[tuple[str, int, int]]:
    """Each split with its groups and rows."""
    rows, groups = _counts(data, "splits"), _counts(data, "groups")
    return [(split, groups.get(split, 0), rows[split]) for split in SPLITS if split in rows]


def licenses(data: JsonObject) -> list[tuple[str, int]]:
    """Each licence with its kept rows; the commonest first."""
    part = data.get("licenses")
    # Not by flat key: names of licences have dots.
    counts = {name: total(part, name) for name in part} if isinstance(part, dict) else {}
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def lengths(data: JsonObject) -> list[tuple[str, dict[str, float]]]:
    """What was measured of the kept rows, each with its 5th, 50th and 95th percentile and its maximum."""
    names = {"code_tokens": "tokens of code", "instruction_words": "words of instruction"}
    part = data.get("lengths")
    content: JsonObject = part if isinstance(part, dict) else {}
    return [(names.get(key, key), numbers(values)) for key, values in content.items() if isinstance(values, dict)]


def leak_counts(leaks: JsonObject) -> list[tuple[str, dict[str, int]]]:
    """For each way to be alike, how many rows of each held-out split are so like a train row."""
    parts = {split: _counts(leaks, split) for split in SPLITS if isinstance(leaks.get(split), dict)}
    return [
        (words, {split: counts[way] for split, counts in parts.items() if way in counts})
        for way, words in LEAK_WAYS.items()
        if any(way in counts for counts in parts.values())
    ]


def leaks_found(leaks: JsonObject) -> list[Leak]:
    """The held-out rows that are like a train row, the likest first."""
    found = []
    for split in SPLITS:
        part = leaks.get(split)
        for row in part.get("leaks", []) if isinstance(part, dict) else []:
            likeness = row.get("similarity")
            way = LEAK_WAYS.get(row.get("way"), str(row.get("way")))
            found.append(Leak(split, way, str(row.get("held_out")), str(row.get("train")), likeness))
    return sorted(found, key=lambda leak: -(leak.similarity or 1.0))


def paraphrase_counts(augmentation: JsonObject) -> list[tuple[str, int]]:
    """What became of the rows that were to be paraphrased: counts in words, rejections by reason last."""
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
