"""Why a row is where it is: from what a person has at hand to the row's life."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import JsonObject
from codetune.ledger.ledger import LEDGER_PATH, Ledger, read_ledger
from codetune.ledger.life import Life, life_of, paraphrase_with
from codetune.ledger.lookup import find, nearest
from codetune.ledger.telling import listing, told


@dataclass(frozen=True)
class Answer:
    """What a query names in the ledger.

    :param places: the places of the rows; several where the query is ambiguous, none where nothing is named so.
    :param life: of the row, where there is one alone.
    :param paraphrase: the row of data/augmented/train.jsonl that was named, being made from the row of `life`.
    :param nearest: names that are spelt much alike, where nothing is named so.
    """

    places: list[int]
    life: Life | None = None
    paraphrase: JsonObject | None = None
    nearest: list[str] = field(default_factory=list)


def look_up(root: Path, ledger: Ledger, query: str) -> Answer:
    """The rows that `query` names; the id of a paraphrase leads to the row that it was made from.

    :param query: see `codetune.ledger.lookup.find`.
    :raises UserError: when the path of `path:line` is known, but not that line.
    """
    query = query.encode(errors="replace").decode()  # a command line can hold what no text does
    if places := find(ledger, query):
        return Answer(places, life_of(root, ledger, places[0]) if len(places) == 1 else None)
    paraphrase = paraphrase_with(root, query)
    places = ledger.where("id", paraphrase["parent"]) if paraphrase else []
    if places:
        return Answer(places[:1], life_of(root, ledger, places[0]), paraphrase)
    return Answer([], nearest=nearest(ledger, query))


def unknown(query: str, names: list[str]) -> UserError:
    """The error that nothing is named so, with what is to be given, or the nearest names."""
    hint = f"Nearest: {', '.join(names)}." if names else "Give an id, a path, PATH:LINE or the name of a function."
    return UserError(f"nothing in {LEDGER_PATH} is named {query!r}", hint)


def why(root: Path, query: str) -> str:
    """The life of the row that `query` names, or a short list where it names several.

    :raises UserError: when there is no ledger, or nothing of that name in it; the nearest names are told.
    """
    ledger = read_ledger(root / LEDGER_PATH)
    answer = look_up(root, ledger, query)
    if answer.life is None:
        if answer.places:
            return listing(ledger, answer.places, query)
        raise unknown(query, answer.nearest)
    story = told(answer.life)
    if answer.paraphrase is None:
        return story
    return f"{answer.paraphrase['id']} is a paraphrase of {answer.paraphrase['parent']}:\n{story}"
