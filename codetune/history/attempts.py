"""Find the experiments that wait in DVC's queue, and those that failed there.

DVC keeps both as entries of two git stashes, `refs/exps/celery/stash` and `refs/exps/celery/failed`
(dvc/repo/experiments/refs.py), and what a run printed in `.dvc/tmp/exps/run/ID/ID.out`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codetune.history.repository import Repository

_STASHES: dict[str, Literal["queued", "failed"]] = {
    "refs/exps/celery/stash": "queued",
    "refs/exps/celery/failed": "failed",
}
# dvc/repo/experiments/stash.py, ExpStash.MESSAGE_RE
_MESSAGE = re.compile(r"commit: dvc-exp:[0-9a-f]+:(?P<parent>[0-9a-f]+):(?P<name>[^~^:\\?\[\]*]*)")
_RUNS = Path(".dvc/tmp/exps/run")
_MAX_BYTES = 1 << 16
_MAX_CHARS = 300


@dataclass(frozen=True)
class Attempt:
    """An experiment without a result.

    :param name: its name; if DVC has given it none, the beginning of the id of its entry.
    :param parent: id of the commit from which it starts.
    :param reason: for a failed one, the line of its output that says why; empty if that is not known.
    """

    name: str
    state: Literal["queued", "failed"]
    parent: str
    reason: str = ""


def attempts(repository: Repository) -> list[Attempt]:
    """List the queued and failed experiments, the latest first.

    :raises UserError: when git fails.
    """
    if not repository.exists():
        return []
    present = set(repository.lines("for-each-ref", "--format=%(refname)", *_STASHES))
    found = []
    for ref, state in _STASHES.items():
        for line in repository.lines("log", "-g", "--format=%H%x00%gs", ref, "--") if ref in present else ():
            entry, _, message = line.partition("\0")
            match = _MESSAGE.match(message)
            started = (repository.root / _RUNS / entry / f"{entry}.json").is_file()
            if match and not (state == "queued" and started):  # a run in progress is still in the queue
                reason = _reason(repository.root, entry) if state == "failed" else ""
                found.append(Attempt(match["name"] or entry[:7], state, match["parent"], reason))
    return found


def _reason(root: Path, entry: str) -> str:
    """The last error in the output of a run, or its last line; empty if there is no output."""
    try:
        with (root / _RUNS / entry / f"{entry}.out").open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - _MAX_BYTES))
            lines = [line.strip() for line in stream.read().decode(errors="replace").split("\n") if line.strip()]
    except OSError:
        return ""
    errors = [line for line in lines if line.startswith(("ERROR", "Error", "error"))]
    return " ".join((errors or lines or [""])[-1].split())[:_MAX_CHARS]
