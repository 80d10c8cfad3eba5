"""Augmenting instruction rows: which rows get paraphrases, which paraphrases are kept, and what is counted.

All draws come from the seed and the row's id, so that neither the order of the rows nor the number of workers matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from codetune.augmentation.params import AugmentParams
from codetune.augmentation.paraphrase import Paraphrase, Paraphraser, isolated_draws, seed_draws
from codetune.augmentation.table import TABLE_FILE, load_table
from codetune.augmentation.verify import rejection
from codetune.files import JsonObject, digest_bytes, stable_seed
from codetune.progress import track
from codetune.workers import map_in_processes

_CHUNK_ROWS = 512
_SEED_RANGE = 2**63

Instruction = tuple[str, str]
"""The id of a row and its instruction: all that a worker needs."""


@dataclass
class Outcome:
    """What came of one instruction: its paraphrases, and how many draws were rejected for which reason."""

    kept: list[Paraphrase] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass
class Augmentation:
    """The rows, originals first, then paraphrases in the order of their parents; and what was counted."""

    originals: list[JsonObject]
    chosen: int = 0
    paraphrases: list[JsonObject] = field(default_factory=list)
    changes: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> list[JsonObject]:
        """All rows that are written."""
        return [*self.originals, *self.paraphrases]


def is_chosen(row_id: str, params: AugmentParams) -> bool:
    """Whether the row gets paraphrases: `params.share` of all rows do, each drawn by its own id."""
    return stable_seed(params.seed, row_id, "chosen") < params.share * _SEED_RANGE


def paraphrase_id(parent_id: str, instruction: str) -> str:
    """The id of a paraphrase: a content hash of its parent's id and its own instruction, 16 hexadecimal digits."""
    return digest_bytes(f"{parent_id}\x1f{instruction}".encode())[:16]


def augment(rows: list[JsonObject], params: AugmentParams, table: Path = TABLE_FILE) -> Augmentation:
    """The rows with their paraphrases: the same for any number of workers.

    :param rows: instruction rows, each with an `id` of its own and an `instruction`.
    :param table: the file of the phrase table.
    """
    result = Augmentation(originals=rows)
    chosen = [row for row in rows if is_chosen(row["id"], params)]
    result.chosen = len(chosen)
    taken = {row["instruction"] for row in rows}
    outcomes = _outcomes([(row["id"], row["instruction"]) for row in chosen], params, table)
    for row, outcome in zip(chosen, outcomes, strict=True):
        result.rejected += outcome.rejected
        for paraphrase in outcome.kept:
            if paraphrase.text in taken:
                result.rejected["duplicate_instruction"] += 1
                continue
            taken.add(paraphrase.text)
            result.changes.append(paraphrase.changes)
            own = {"id": paraphrase_id(row["id"], paraphrase.text), "parent": row["id"]}
            result.paraphrases.append({**row, **own, "instruction": paraphrase.text})
    return result


def paraphrases_of(instruction: Instruction, paraphraser: Paraphraser, params: AugmentParams) -> Outcome:
    """Up to `params.per_row` different paraphrases of one instruction that pass every check."""
    row_id, text = instruction
    outcome = Outcome()
    seed_draws(stable_seed(params.seed, row_id))
    for _ in range(params.per_row):
        for _ in range(params.max_attempts):
            drawn = paraphraser.draw(text)
            if not drawn.changes:
                outcome.rejected["nothing_to_change"] += 1
                return outcome
            reason = _objection(text, drawn, outcome.kept, params.min_changes)
            if reason is None:
                outcome.kept.append(drawn)
                break
            outcome.rejected[reason] += 1
    return outcome


def _objection(text: str, drawn: Paraphrase, siblings: list[Paraphrase], min_changes: int) -> str | None:
    if len(drawn.changes) < min_changes:
        return "too_few_changes"
    if any(drawn.text == sibling.text for sibling in siblings):
        return "same_as_sibling"
    return rejection(text, drawn.text)


@cache
def _paraphraser(table: Path, change_share: float, min_changes: int) -> Paraphraser:
    """The paraphraser of this process: made once."""
    return Paraphraser(load_table(table), change_share, min_changes)


def _outcomes_of_chunk(chunk: list[Instruction], params: AugmentParams, table: Path) -> list[Outcome]:
    paraphraser = _paraphraser(table, params.change_share, params.min_changes)
    with isolated_draws():
        return [paraphrases_of(instruction, paraphraser, params) for instruction in chunk]


def _outcomes(instructions: list[Instruction], params: AugmentParams, table: Path) -> Iterator[Outcome]:
    """One outcome per instruction, in order."""
    chunks = [instructions[start : start + _CHUNK_ROWS] for start in range(0, len(instructions), _CHUNK_ROWS)]
    parts = map_in_processes(partial(_outcomes_of_chunk, params=params, table=table), chunks, params.workers)
    for part in track(parts, len(chunks), "paraphrasing"):
        yield from part
