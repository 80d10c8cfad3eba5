"""Augment instruction rows: choose rows, generate and check paraphrases, and count the results.

All random draws depend on the seed and the row id, so the order of rows and the number of workers do not matter.
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
from codetune.core.workers import map_in_processes
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
"""The id of a row and its instruction, the input of a worker."""
Compare = Callable[[Sequence[tuple[str, str]]], list[float]]
"""Function of pairs of original and paraphrase that returns their similarities, from -1 to 1."""


class TextParaphraser(Protocol):
    """A paraphraser: generates paraphrases with Python's global random generator."""

    def draw(self, text: str) -> Paraphrase:
        """Generate one paraphrase of `text`; it has no changes if none is possible."""


@runtime_checkable
class BatchParaphraser(TextParaphraser, Protocol):
    """A paraphraser that generates all paraphrases in advance."""

    def prepare(self, rows: Sequence[JsonObject]) -> None:
        """Generate the paraphrases of these rows."""


def paraphraser_of(params: AugmentParams) -> TextParaphraser | None:
    """Return the paraphraser of the chosen method, or None for `phrases`, which runs in worker processes.

    :raises UserError: if a model cannot be loaded.
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
    """The accepted paraphrases of one instruction, and the number of rejected drafts by reason."""

    kept: list[Paraphrase] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass
class Augmentation:
    """The rows with their paraphrases, and the counts for the report.

    :param chosen: number of rows chosen to get paraphrases.
    :param paraphrases: rows, in the order of their parents.
    :param changes: the replacements of each paraphrase.
    :param rejected: number of rejected drafts by reason.
    :param similarities: of all paraphrases that passed the checks before the comparison of meanings.
    """

    originals: list[JsonObject]
    chosen: int = 0
    paraphrases: list[JsonObject] = field(default_factory=list)
    changes: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    similarities: list[float] = field(default_factory=list)

    @property
    def rows(self) -> list[JsonObject]:
        """All rows that are written: originals first, then paraphrases."""
        return [*self.originals, *self.paraphrases]

    def add(self, parent: JsonObject, paraphrase: Paraphrase) -> None:
        """Add a copy of the row `parent` with the new instruction."""
        own = {"id": paraphrase_id(parent["id"], paraphrase.text), "parent": parent["id"]}
        self.paraphrases.append({**parent, **own, "instruction": paraphrase.text})
        self.changes.append(paraphrase.changes)


def is_chosen(row_id: str, params: AugmentParams) -> bool:
    """Return whether the row gets paraphrases; the share `params.share` of all rows does, drawn by row id."""
    return stable_seed(params.seed, row_id, "chosen") < params.share * _SEED_RANGE


def paraphrase_id(parent_id: str, instruction: str) -> str:
    """Return the id of a paraphrase: a hash of its parent's id and its instruction, 16 hexadecimal digits."""
    return digest_bytes(f"{parent_id}\x1f{instruction}".encode())[:16]


def augment(
    rows: list[JsonObject],
    params: AugmentParams,
    compare: Compare,
    table: Path = TABLE_FILE,
    paraphraser: TextParaphraser | None = None,
) -> Augmentation:
    """Generate paraphrases of the rows; the result does not depend on the number of workers.

    :param rows: instruction rows with unique `id` and an `instruction`.
    :param compare: measures how similar the meanings of original and paraphrase are.
    :param table: file of the phrase table.
    :param paraphraser: generates paraphrases in this process; None: use the phrase table in worker processes.
    """
    result = Augmentation(originals=rows)
    chosen = [row for row in rows if is_chosen(row["id"], params)]
    result.chosen = len(chosen)
    drafts: list[tuple[JsonObject, Paraphrase]] = []
    for row, outcome in zip(chosen, _outcomes(chosen, params, table, paraphraser), strict=True):
        result.rejected += outcome.rejected
        drafts += [(row, paraphrase) for paraphrase in outcome.kept]
    result.similarities = compare([draft.compared or (row["instruction"], draft.text) for row, draft in drafts])
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


def paraphrases_of(instruction: Instruction, paraphraser: TextParaphraser, params: AugmentParams) -> Outcome:
    """Generate up to `params.per_row` different paraphrases of one instruction that pass every check."""
    row_id, text = instruction
    outcome = Outcome()
    seed_draws(stable_seed(params.seed, row_id))
    for _ in range(params.per_row):
        for _ in range(params.max_attempts):
            drawn = paraphraser.draw(text)
            if not drawn.changes:
                outcome.rejected[drawn.unchanged] += 1
                if drawn.unchanged in (UNCHANGED, UNFINISHED):  # the next draft can still have changes
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
    """Return the paraphraser of this process, which is created only once."""
    return Paraphraser(load_table(table), change_share, min_changes)


def _outcomes_of_chunk(chunk: list[Instruction], params: AugmentParams, table: Path) -> list[Outcome]:
    paraphraser = _paraphraser(table, params.change_share, params.min_changes)
    with isolated_draws():
        return [paraphrases_of(instruction, paraphraser, params) for instruction in chunk]


def _outcomes(
    rows: list[JsonObject], params: AugmentParams, table: Path, paraphraser: TextParaphraser | None
) -> Iterator[Outcome]:
    """Yield one outcome per row, in order."""
    instructions = [(row["id"], row["instruction"]) for row in rows]
    if isinstance(paraphraser, BatchParaphraser):
        paraphraser.prepare(rows)
    if paraphraser is not None:
        for instruction in track(instructions, len(instructions), "paraphrasing"):
            with isolated_draws():
                outcome = paraphrases_of(instruction, paraphraser, params)
            yield outcome
        return
    chunks = [instructions[start : start + _CHUNK_ROWS] for start in range(0, len(instructions), _CHUNK_ROWS)]
    work = partial(_outcomes_of_chunk, params=params, table=table)
    parts = map_in_processes(work, chunks, len(chunks), params.workers)
    for part in track(parts, len(chunks), "paraphrasing"):
        yield from part
