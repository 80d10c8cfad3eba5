"""What brings a revision that this clone does not have, in a sentence with the command."""

from __future__ import annotations

from codetune.core.errors import UserError
from codetune.history.repository import Repository, is_name


def fetch_sentence(repository: Repository, text: str) -> str:
    """How to get the revision that `text` names into this clone; `text` may come from a link, and is checked.

    An experiment comes by DVC alone: `git fetch` leaves its references out.
    """
    if not is_name(text):
        return "It is no name that a branch, tag, commit or experiment can have."
    try:
        remotes = repository.lines("remote")
        shallow = repository.is_shallow()
    except UserError:
        return "This folder is no git repository: run `git clone` to have its history."
    if not remotes:
        return "This clone has no remote to fetch it from: add one with `git remote add origin URL`."
    remote = "origin" if "origin" in remotes else remotes[0]
    fetch = "git fetch --all --tags" + (" --unshallow" if shallow else "")
    told = "This clone is shallow: it has the newest commits alone. " if shallow else ""
    return f"{told}Run `{fetch}`; if it is an experiment, `dvc exp pull {remote} {text}`."
