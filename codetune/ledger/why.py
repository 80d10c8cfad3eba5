"""Find a row by id, path or name, and explain why it was kept or dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import JsonObject
from codetune.ledger.history_text import format_history, listing
from codetune.ledger.ledger import LEDGER_PATH, Ledger, read_ledger
from codetune.ledger.life import RowHistory, paraphrase_with, row_history
from codetune.ledger.lookup import find, nearest


@dataclass(frozen=True)
class QueryResult:
    """The result of a query in the ledger.

    :param places: numbers of the matching rows, counted from 0; several for an ambiguous query.
    :param life: the history of the row, if exactly one row matches.
    :param paraphrase: if the query is the id of a paraphrase, its row in data/augmented/train.jsonl; it was made from
        the row of `life`.
    :param nearest: names with a similar spelling, if no row matches.
    """

    places: list[int]
    life: RowHistory | None = None
    paraphrase: JsonObject | None = None
    nearest: list[str] = field(default_factory=list)


def look_up(root: Path, ledger: Ledger, query: str) -> QueryResult:
    """Find the rows that match a query. The id of a paraphrase finds the row that it was made from.

    :param root: the folder of the project.
    :param query: see `codetune.ledger.lookup.find`.
    :raises UserError: when rows have the path of `path:line`, but none of them contains the line.
    """
    query = query.encode(errors="replace").decode()  # an argument of a command can have bytes that are not UTF-8
    if places := find(ledger, query):
        return QueryResult(places, row_history(root, ledger, places[0]) if len(places) == 1 else None)
    paraphrase = paraphrase_with(root, query)
    places = ledger.where("id", paraphrase["parent"]) if paraphrase else []
    if places:
        return QueryResult(places[:1], row_history(root, ledger, places[0]), paraphrase)
    return QueryResult([], nearest=nearest(ledger, query))


def no_match_error(query: str, names: list[str]) -> UserError:
    """Make the error for a query without a match; it suggests similar names, or explains what a query can be.

    :param names: names with a similar spelling; may be empty.
    """
    hint = f"Nearest: {', '.join(names)}." if names else "Give an id, a path, PATH:LINE or the name of a function."
    return UserError(f"no row of {LEDGER_PATH} matches {query!r}", hint)


def why(root: Path, query: str) -> str:
    """Explain the row that matches a query, or list the rows if several match.

    :param root: the folder of the project.
    :param query: see `codetune.ledger.lookup.find`.
    :returns: text for the terminal.
    :raises UserError: when there is no ledger, or no row matches; the error then suggests similar names.
    """
    ledger = read_ledger(root / LEDGER_PATH)
    answer = look_up(root, ledger, query)
    if answer.life is None:
        if answer.places:
            return listing(ledger, answer.places, query)
        raise no_match_error(query, answer.nearest)
    story = format_history(answer.life)
    if answer.paraphrase is None:
        return story
    return f"{answer.paraphrase['id']} is a paraphrase of {answer.paraphrase['parent']}:\n{story}"
