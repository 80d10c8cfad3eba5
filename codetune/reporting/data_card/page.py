"""The data card: one page that describes the data. All its numbers are read from the files of the run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from codetune.core import markdown
from codetune.core.files import JsonObject
from codetune.reporting.data_card import facts
from codetune.reporting.data_card.facts import SPLITS, Source

_MEASURES = {
    "docstring_words": "words of the docstring's first paragraph",
    "english_share": "share of English letters",
    "code_lines": "lines of code",
    "code_tokens": "tokens of code",
    "identifier_share": "share of names",
    "similarity": "Jaccard similarity",
}
_TEXT_WIDTH = 100
_DUPLICATES = {
    "exact_duplicate": "same syntax tree",
    "renamed_duplicate": "same except for names, numbers and short texts",
    "duplicate_instruction": "same instruction",
    "near_duplicate": "near-duplicate code",
    "near_duplicate_instruction": "nearly the same instruction, and similar code",
}


@dataclass(frozen=True)
class CardFacts:
    """The data that the card is made from.

    :param ledger: the rows of the ledger, with the columns of `facts.COLUMNS`.
    :param examples: an instruction row for each split.
    :param data: the content of reports/data.json.
    :param augmentation: the content of reports/augmentation.json.
    :param funnel: link from the page to the plot of the funnel.
    :param lengths: link to the plot of the lengths.
    :param meaning: link to the plot of the similarities of paraphrases.
    """

    ledger: list[JsonObject]
    examples: dict[str, JsonObject]
    data: JsonObject
    augmentation: JsonObject
    funnel: str
    lengths: str
    meaning: str


def data_card(card: CardFacts) -> str:
    """Write the data card as Markdown."""
    found = facts.sources(card.ledger)
    parts = [
        _summary(card, found),
        f"![From raw rows to splits]({card.funnel})",
        _reasons(card),
        _splits(card),
        f"![Lengths of the answers]({card.lengths})",
        _licenses(card),
        _sources(found),
        _duplicates(card),
        _leaks(card),
        _paraphrases(card.augmentation, card.meaning),
        _examples(card),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]], numbers: int) -> str:
    """A Markdown table; the last `numbers` columns are right-aligned."""
    names = list(head)
    cells = [[*map(_cell, row)] for row in (names, *rows)]
    return markdown.table(cells[0], cells[1:], range(len(names) - numbers, len(names)))


def _cell(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _summary(card: CardFacts, found: list[Source]) -> str:
    splits = facts.kept_by_split(card.ledger)
    kept, rows = sum(splits.values()), len(card.ledger)
    counted = ", ".join(f"**{splits[split]:,}** {split}" for split in SPLITS)
    return (
        "# Data card\n\n"
        f"**{rows:,}** raw rows from **{len(found)}** sources; **{kept:,}** ({_percent(kept, rows)}) are kept: "
        f"{counted}.{_reviews(card.data)} Augmentation adds **{card.augmentation.get('paraphrases', 0):,}** "
        "paraphrases to train. `stages/describe.py` makes this page from the files of the run. "
        "`codetune why ID` shows the history of any row, kept or dropped."
    )


def _reviews(data: JsonObject) -> str:
    """A sentence on how many of the kept rows reviewers read; empty if they read none."""
    found = data.get("reviews", {})
    if not found.get("read", 0) + found.get("completed", 0):
        return ""
    unread = f" except **{found['unread']:,}**" if found["unread"] else ""
    return (
        f" Reviewers read all of these{unread}, and added missing information to the "
        f"instructions of **{found['completed']:,}**."
    )


def _reasons(card: CardFacts) -> str:
    rows = len(card.ledger)
    limits = facts.thresholds(card.ledger)

    def limit(reason: str) -> str:
        return "; ".join(f"{value:g} {_MEASURES.get(measure, measure)}" for measure, value in limits.get(reason, []))

    table = _table(
        ("rule", "a row is dropped because", "threshold", "dropped", "of all", "left"),
        (
            (f"`{step.reason}`", step.words, limit(step.reason), step.dropped, _percent(step.dropped, rows), step.left)
            for step in facts.funnel(facts.drops(card.ledger), rows)
        ),
        numbers=3,
    )
    note = "Rules are in the order in which they are applied. A row is counted once, for the first rule that drops it."
    return f"## Why rows are dropped\n\n{note}\n\n{table}"


def _spread(values: list[int]) -> str:
    """The 5th, 50th and 95th percentile."""
    return " / ".join(str(facts.quantile(values, share)) for share in (0.05, 0.5, 0.95)) if values else "–"


def _splits(card: CardFacts) -> str:
    counts, groups = facts.kept_by_split(card.ledger), facts.groups_by_split(card.ledger)
    columns = [facts.lengths(card.ledger, name) for name in ("code_lines", "code_tokens", "instruction_words")]
    table = _table(
        ("split", "groups", "rows", "of kept", "lines of code", "tokens of code", "words of instruction"),
        (
            (split, groups[split], counts[split],
             _percent(counts[split], sum(counts.values())), *(_spread(column[split]) for column in columns))
            for split in SPLITS
        ),
        numbers=6,
    )  # fmt: skip
    note = (
        "All rows of a group are in one split. A group is a package, or the rows of a table that belong together. "
        "Lengths: 5th / 50th / 95th percentile."
    )
    return f"## Splits and lengths\n\n{note}\n\n{table}"


def _licenses(card: CardFacts) -> str:
    table = _table(("licence", "sources", "raw rows", "kept rows"), facts.by_license(card.ledger), numbers=3)
    return f"## Licences\n\n{table}"


def _sources(found: list[Source]) -> str:
    first, rest = facts.largest(found)

    def table(part: list[Source]) -> str:
        return _table(
            ("source", "licence", "split", "raw rows", "kept rows", "kept"),
            (
                (source.name, source.licenses, ", ".join(source.splits) or "–", source.rows, source.kept,
                 _percent(source.kept, source.rows))
                for source in part
            ),
            numbers=3,
        )  # fmt: skip

    text = f"## Sources\n\n{table(first)}"
    if rest:
        kept = sum(source.kept for source in rest)
        text += (
            f"\n\n<details><summary>{len(rest)} more, with {kept:,} kept rows</summary>\n\n{table(rest)}\n\n</details>"
        )
    return text


def _duplicates(card: CardFacts) -> str:
    rows = []
    for reason, values in sorted(facts.similarities(card.ledger).items()):
        ordered = sorted(values)
        middle = ordered[(len(ordered) - 1) // 2]
        rows.append(
            (_DUPLICATES.get(reason, reason), f"{ordered[0]:.2f} / {middle:.2f} / {ordered[-1]:.2f}", len(values))
        )
    if not rows:
        return "## Duplicates\n\nNone were found."
    table = _table(("dropped because of", "similarity: lowest / median / highest", "rows"), rows, numbers=1)
    note = "The column `matched` of the ledger has the id of the kept row that a dropped row duplicates."
    return f"## Duplicates\n\n{note}\n\n{table}"


def _leaks(card: CardFacts) -> str:
    straddling = len(facts.groups_in_several_splits(card.ledger))
    return (
        f"## Leaks\n\n{_examined(card.data['leaks'])}\n\nGroups with kept rows in more than one split: {straddling:,}."
    )


def _examined(leaks: JsonObject) -> str:
    """A table of how many rows of each held-out part were found in the train rows, one column for each check."""
    parts = {name: part for name, part in leaks.items() if isinstance(part, dict) and "rows" in part}
    ways = sorted({way for part in parts.values() for way, count in part.items() if isinstance(count, int)} - {"rows"})
    table = _table(
        ("held out", "rows", *(way.replace("_", " ") for way in ways)),
        ((name, part.get("rows", "–"), *(part.get(way, "–") for way in ways)) for name, part in parts.items()),
        numbers=len(ways) + 1,
    )
    trained = f"{leaks['train_rows']:,} train rows" if "train_rows" in leaks else "the train rows"
    text = f"Held-out rows that were found in {trained}, paraphrases included:\n\n{table}"
    if (least := leaks.get("similarity")) is not None:
        text += (
            "\n\n`similar` does not prove a leak. It means that the sentence embeddings have a cosine similarity of "
            f"at least {least['min_instruction']} for the instructions and {least['min_code']} for the code."
        )
    return text


def _paraphrases(augmentation: JsonObject, picture: str) -> str:
    rejected = augmentation.get("rejected", {})
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in rejected.items()) or "none"
    text = (
        f"## Paraphrases\n\n{augmentation.get('paraphrases', 0):,} paraphrases of train instructions. "
        f"Rejected drafts, by reason: {reasons}."
    )
    labelled = augmentation.get("meaning", {}).get("labelled")
    if labelled:
        text += (
            f" On {labelled['good'] + labelled['bad']} labelled pairs the check `meaning_changed` rejects "
            f"{labelled['false_rejects']:.1%} of those with the same meaning and accepts "
            f"{labelled['false_accepts']:.0%} of those with another meaning."
            f"\n\n![Similarities of labelled pairs and of drafts]({picture})"
        )
    for example in augmentation.get("examples", [])[:1]:
        text += f"\n\n{_quoted(example['original'])}\n\n{_quoted(example['paraphrase'])}"
    return text


def _quoted(instruction: str) -> str:
    """An instruction in a fenced block, so that Markdown does not interpret markup in it."""
    return markdown.fenced(
        textwrap.fill(instruction, _TEXT_WIDTH, break_long_words=False, break_on_hyphens=False), "text"
    )


def _examples(card: CardFacts) -> str:
    parts = ["## Examples\n\nOne short row of each split: the one whose id has the smallest sha256."]
    for split, row in card.examples.items():
        place = f"{row['package']} {row['version']}, `{row['path']}`" if row.get("path") else str(row.get("group"))
        head = f"**{split}** `{row['id']}`, {place}"
        parts.append(f"{head}\n\n{_quoted(row['instruction'])}\n\n{markdown.fenced(row['completion'], 'python')}")
    return "\n\n".join(parts)
