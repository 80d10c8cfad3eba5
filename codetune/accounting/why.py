"""Why a row is where it is: from what a person has at hand to the row's life."""

from __future__ import annotations

from pathlib import Path

from codetune.accounting.ledger import LEDGER_PATH, read_ledger
from codetune.accounting.life import life_of, paraphrase_with
from codetune.accounting.lookup import find, nearest
from codetune.accounting.telling import listing, told
from codetune.errors import UserError


def why(root: Path, query: str) -> str:
    """The life of the row that `query` names, or a short list where it names several.

    The id of a paraphrase leads to the row that it was made from.

    :param root: the folder of the project.
    :param query: see `codetune.accounting.lookup.find`.
    :raises UserError: when there is no ledger, or nothing of that name in it; the nearest names are told.
    """
    ledger = read_ledger(root / LEDGER_PATH)
    places = find(ledger, query)
    if len(places) == 1:
        return told(life_of(root, ledger, places[0]))
    if places:
        return listing(ledger, places, query)
    if paraphrase := paraphrase_with(root, query):
        places = ledger.where("id", paraphrase["parent"])
        if places:
            story = told(life_of(root, ledger, places[0]))
            return f"{paraphrase['id']} is a paraphrase of {paraphrase['parent']}:\n{story}"
    names = nearest(ledger, query)
    hint = f"Nearest: {', '.join(names)}." if names else "Give an id, a path, PATH:LINE or the name of a function."
    raise UserError(f"nothing in {LEDGER_PATH} is named {query!r}", hint)
