"""Errors that are the user's to mend, and the one place that turns them into a line on the terminal."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import NoReturn

USER_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130


class UserError(Exception):
    """A mistake outside the program: parameters, input files, the network, the disk.

    :param what: what is wrong and where, with the value found and the value expected.
    :param remedy: what the user can do about it, as an imperative sentence.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what.rstrip('.')}. {remedy}")
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str]]:
        """How the error travels from a worker process."""
        return UserError, (self.what, self.remedy)


def fail(message: str, status: int) -> NoReturn:
    """Print one line on standard error and leave with `status`."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    raise SystemExit(status)


def run_as_command(action: Callable[[], object]) -> None:
    """Run `action`; every foreseen failure ends in one line on standard error and a non-zero exit.

    Nothing is lost when it fails: stages replace their outputs only after the last byte is written.
    """
    try:
        action()
    except UserError as error:
        fail(str(error), USER_ERROR_STATUS)
    except KeyboardInterrupt:
        fail(
            "interrupted; the previous outputs are untouched. Run `dvc repro` to go on.",
            INTERRUPTED_STATUS,
        )
    except Exception as error:
        if not _is_full_disk(error):
            raise
        filename = getattr(error, "filename", None)
        place = f" while writing {filename}" if filename else ""
        fail(
            f"the disk is full{place}; the previous outputs are untouched. Free some space and run `dvc repro`.",
            USER_ERROR_STATUS,
        )


def _is_full_disk(error: Exception) -> bool:
    """Whether there was no room left; a writer in another language, as that of safetensors, says so in words alone."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT))
