"""Augmenting instruction rows: which rows get paraphrases, which paraphrases are kept, and what is counted.

All draws come from the seed and the row's id, so that neither the order of the rows nor the number of workers matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from codetune.core.files import JsonObject, digest_bytes, stable_seed
from codetune.core.progress import track
from codetune.core.workers import stream_in_processes
from codetune.data.augment.params import AugmentParams
from codetune.data.augment.paraphrase import (
    UNCHANGED,
    UNFINISHED,
    Paraphrase,
    Paraphraser,
    isolated_draws,
    seed_draws,
)
from codetune.data.augment.table import TABLE_FILE, load_table
from codetune.data.augment.verify import rejection

_CHUNK_ROWS = 512
_SEED_RANGE = 2**63

Instruction = tuple[str, str]
"""The id of a row and its instruction: all that a worker needs."""
Compare = Callable[[Sequence[tuple[str, str]]], list[float]]
"""Pairs of original and paraphrase to their similarities, from -1 to 1."""


class Draws(Protocol):
    """Whatever draws a paraphrase of a text from Python's global generator."""

    def draw(self, text: str) -> Paraphrase:
        """One paraphrase of `text`, without changes when there is none."""


@runtime_checkable
class Prepared(Draws, Protocol):
    """What makes all that it draws beforehand."""

    def prepare(self, rows: Sequence[JsonObject]) -> None:
        """Make the paraphrases of these rows."""


def paraphraser_of(params: AugmentParams) -> Draws | None:
    """What draws in this process; None for phrases, which worker processes draw by themselves.

    :raises UserError: when a model cannot be had.
    """
    if params.method == "contextual":
        from codetune.data.augment.contextual import ContextualParaphraser

        return ContextualParaphraser(params.contextual, params.min_changes)
    if params.method == "back_translation":
        from codetune.data.augment.translation import BackTranslationParaphraser

        return BackTranslationParaphraser(params.back_translation)
    if params.method in ("model", "code_to_instruction"):
        from codetune.data.augment.chat import ChatParaphraser

        return ChatParaphraser(params)
    return None


@dataclass
class Outcome:
    """What came of one instruction: its paraphrases, and how many draws were rejected for which reason."""

    kept: list[Paraphrase] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass
class Augmentation:
    """The rows, originals first, then paraphrases in the order of their parents; and what was counted.

    :param similarities: of every paraphrase that came as far as the comparison of meanings.
    """

    originals: list[JsonObject]
    chosen: int = 0
    paraphrases: list[JsonObject] = field(default_factory=list)
    changes: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    similarities: list[float] = field(default_factory=list)

    @property
    def rows(self) -> list[JsonObject]:
        """All rows that are written."""
        return [*self.originals, *self.paraphrases]

    def add(self, parent: JsonObject, paraphrase: Paraphrase) -> None:
        """Add a row like `parent` with other words."""
        own = {"id": paraphrase_id(parent["id"], paraphrase.text), "parent": parent["id"]}
        self.paraphrases.append({**parent, **own, "instruction": paraphrase.text})
        self.changes.append(paraphrase.changes)


def is_chosen(row_id: str, params: AugmentParams) -> bool:
    """Whether the row gets paraphrases: `params.share` of all rows do, each drawn by its own id."""
    return stable_seed(params.seed, row_id, "chosen") < params.share * _SEED_RANGE


def paraphrase_id(parent_id: str, instruction: str) -> str:
    """The id of a paraphrase: a content hash of its parent's id and its own instruction, 16 hexadecimal digits."""
    return digest_bytes(f"{parent_id}\x1f{instruction}".encode())[:16]


def augment(
    rows: list[JsonObject],
    params: AugmentParams,
    compare: Compare,
    table: Path = TABLE_FILE,
    paraphraser: Draws | None = None,
) -> Augmentation:
    """The rows with their paraphrases: the same for any number of workers.

    :param rows: instruction rows, each with an `id` of its own and an `instruction`.
    :param compare: says how alike original and paraphrase are in meaning.
    :param table: the file of the phrase table.
    :param paraphraser: draws in this process; None: by phrases of the table, in worker processes.
    """
    result = Augmentation(originals=rows)
    chosen = [row for row in rows if is_chosen(row["id"], params)]
    result.chosen = len(chosen)
    drafts: list[tuple[JsonObject, Paraphrase]] = []
    for row, outcome in zip(chosen, _outcomes(chosen, params, table, paraphraser), strict=True):
        result.rejected += outcome.rejected
        drafts += [(row, paraphrase) for paraphrase in outcome.kept]
    result.similarities = compare([(row["instruction"], draft.text) for row, draft in drafts])
    taken = {row["instruction"] for row in rows}
    for (row, draft), similarity in zip(drafts, result.similarities, strict=True):
        if similarity < params.meaning.min_similarity:
            result.rejected["meaning_changed"] += 1
        elif draft.text in taken:
            result.rejected["duplicate_instruction"] += 1
        else:
            taken.add(draft.text)
            result.add(row, draft)
    return result


def paraphrases_of(instruction: Instruction, paraphraser: Draws, params: AugmentParams) -> Outcome:
    """Up to `params.per_row` different paraphrases of one instruction that pass every check."""
    row_id, text = instruction
    outcome = Outcome()
    seed_draws(stable_seed(params.seed, row_id))
    for _ in range(params.per_row):
        for _ in range(params.max_attempts):
            drawn = paraphraser.draw(text)
            if not drawn.changes:
                outcome.rejected[drawn.unchanged] += 1
                if drawn.unchanged in (UNCHANGED, UNFINISHED):  # this draw alone
                    continue
                return outcome
            reason = _objection(text, drawn, outcome.kept, params)
            if reason is None:
                outcome.kept.append(drawn)
                break
            outcome.rejected[reason] += 1
    return outcome


def _objection(text: str, drawn: Paraphrase, siblings: list[Paraphrase], params: AugmentParams) -> str | None:
    if len(drawn.changes) < params.min_changes:
        return "too_few_changes"
    if any(drawn.text == sibling.text for sibling in siblings):
        return "same_as_sibling"
    return rejection(text, drawn.text, params.max_shared_words)


@cache
def _paraphraser(table: Path, change_share: float, min_changes: int) -> Paraphraser:
    """The paraphraser of this process: made once."""
    return Paraphraser(load_table(table), change_share, min_changes)


def _outcomes_of_chunk(chunk: list[Instruction], params: AugmentParams, table: Path) -> list[Outcome]:
    paraphraser = _paraphraser(table, params.change_share, params.min_changes)
    with isolated_draws():
        return [paraphrases_of(instruction, paraphraser, params) for instruction in chunk]


def _outcomes(
    rows: list[JsonObject], params: AugmentParams, table: Path, paraphraser: Draws | None
) -> Iterator[Outcome]:
    """One outcome per row, in order."""
    instructions = [(row["id"], row["instruction"]) for row in rows]
    if isinstance(paraphraser, Prepared):
        paraphraser.prepare(rows)
    if paraphraser is not None:
        for instruction in track(instructions, len(instructions), "paraphrasing"):
            with isolated_draws():
                outcome = paraphrases_of(instruction, paraphraser, params)
            yield outcome
        return
    chunks = [instructions[start : start + _CHUNK_ROWS] for start in range(0, len(instructions), _CHUNK_ROWS)]
    work = partial(_outcomes_of_chunk, params=params, table=table)
    parts = stream_in_processes(work, chunks, len(chunks), params.workers)
    for part in track(parts, len(chunks), "paraphrasing"):
        yield from part
