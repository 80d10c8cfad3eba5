"""Advice on how to fetch a revision that this clone does not have."""

from __future__ import annotations

from codetune.core.errors import UserError
from codetune.history.repository import Repository, is_name


def fetch_sentence(repository: Repository, text: str) -> str:
    """Write how to get a missing revision into this clone, with the command.

    Only DVC fetches an experiment, because `git fetch` skips its references.

    :param text: the name of the revision. It may come from a link, so it is validated first.
    """
    if not is_name(text):
        return "This is not a valid name of a branch, tag, commit or experiment."
    try:
        remotes = repository.lines("remote")
        shallow = repository.is_shallow()
    except UserError:
        return "This folder is not a git repository: run `git clone` to get its history."
    if not remotes:
        return "This clone has no remote to fetch the revision from: add one with `git remote add origin URL`."
    remote = "origin" if "origin" in remotes else remotes[0]
    fetch = "git fetch --all --tags" + (" --unshallow" if shallow else "")
    told = "This clone is shallow: it has only the newest commits. " if shallow else ""
    return f"{told}Run `{fetch}`; if it is an experiment, `dvc exp pull {remote} {text}`."
