"""Processes that run beside others in the campaign `together`: one reads reports, one saves corrections."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from types import FrameType

from codetune.app.feedback import Correction, keep
from codetune.core.errors import UserError
from codetune.core.files import write_json
from codetune.history.listing import Kind, Revision
from codetune.history.reading import load_reports
from codetune.history.repository import Repository

_PAUSE_S = 0.05


def read_reports(path: Path) -> None:
    """Read the reports of the workspace until SIGTERM, then write how often, and what was wrong, to `path`."""
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    repository, workspace = Repository(Path()), Revision(Kind.WORKSPACE, "workspace")
    problems: set[str] = set()
    times = 0
    while not stopped:
        try:
            problems.update(load_reports(repository, workspace).problems)
        except UserError as error:
            problems.add(str(error))
        times += 1
        time.sleep(_PAUSE_S)
    write_json(path, {"times": times, "problems": sorted(problems)})


def keep_corrections(name: str, count: int) -> None:
    """Save corrected answers one after the other."""
    for number in range(count):
        keep(Path(), Correction(f"{name}{number}", "def f(): pass", "", "base", "workspace"))


if __name__ == "__main__":
    if sys.argv[1] == "--keep":
        keep_corrections(sys.argv[2], int(sys.argv[3]))
    else:
        read_reports(Path(sys.argv[1]))
