"""Errors that are the user's to mend, and the one place that turns failures into a line on the terminal."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

FAULT_STATUS = 1
USER_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130
CLOSED_PIPE_STATUS = 141  # as a shell tells of a program that SIGPIPE ended
_REASON_CHARS = 300


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


def error_text(error: BaseException) -> str:
    """What a library's error says, in one line: its own message, and the one that it was raised from first."""
    chain = [error]
    while (before := _before(chain[-1])) is not None and before not in chain:
        chain.append(before)
    first = _message(error)
    last = _message(chain[-1])
    return first if last in first else f"{first}; caused by {type(chain[-1]).__name__}: {last}"


def _before(error: BaseException) -> BaseException | None:
    """The error that this one was raised from, as a traceback would show it."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _message(error: BaseException) -> str:
    """The text of an error in one line; its type where it has none."""
    text = " ".join(str(error).split()).rstrip(".!")
    return f"{text[:_REASON_CHARS]}…" if len(text) > _REASON_CHARS else text or type(error).__name__


def fail(message: str, status: int) -> NoReturn:
    """Print one line on standard error and leave with `status`."""
    with suppress(BrokenPipeError):
        print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    raise SystemExit(status)


def run_as_command(action: Callable[[], object]) -> None:
    """Run `action`; every failure ends in one line on standard error and a non-zero exit.

    Where whoever reads the output has gone, nothing more is said. The details of a failure that nobody foresaw are in a
    file, which the line names. Nothing is lost when it fails: stages replace their outputs only after the last byte is
    written.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a character is no failure
    try:
        action()
        sys.stdout.flush()
    except UserError as error:
        fail(str(error), USER_ERROR_STATUS)
    except KeyboardInterrupt:
        fail(
            "interrupted; the previous outputs are untouched. Run `dvc repro` to go on.",
            INTERRUPTED_STATUS,
        )
    except Exception as error:
        _fail_unexpectedly(error)
    finally:
        _let_go_of_closed_pipes()


def _fail_unexpectedly(error: Exception) -> NoReturn:
    """Leave after an error that no code foresaw: one of the system's, or a mistake of codetune's."""
    if isinstance(error, BrokenPipeError) and any(map(_is_closed, (sys.stdout, sys.stderr))):
        raise SystemExit(CLOSED_PIPE_STATUS) from None
    filename = getattr(error, "filename", None)
    if is_full_disk(error):
        place = f" while writing {filename}" if filename else ""
        fail(
            f"the disk is full{place}; the previous outputs are untouched. Free some space and run `dvc repro`.",
            USER_ERROR_STATUS,
        )
    if isinstance(error, MemoryError):
        fail("there is too little memory. Close other programs, or use less data.", USER_ERROR_STATUS)
    if isinstance(error, OSError) and filename is not None:
        fail(f"{filename}: {error.strerror}. Mend the path or its permissions.", USER_ERROR_STATUS)
    fail(
        f"a mistake of codetune's, not of yours ({type(error).__name__}: {error_text(error)}). The details are in "
        f"{_write_details(error)}: please report them.",
        FAULT_STATUS,
    )


def _write_details(error: Exception) -> Path | str:
    """The file that the traceback was written to; where there is no room for one, it is printed."""
    text = "".join(traceback.format_exception(error))
    try:
        descriptor, name = tempfile.mkstemp(prefix="codetune-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(f"{sys.argv}\n{text}")
    except OSError:
        print(text, file=sys.stderr)
        return "the lines above"
    return Path(name)


def _is_closed(stream: IO[str]) -> bool:
    """Whether nobody can read any more what is written to the stream."""
    try:
        watched = select.poll()
        watched.register(stream.fileno(), select.POLLERR)
        return bool(watched.poll(0))
    except (OSError, ValueError):  # no stream of the system's
        return False


def _let_go_of_closed_pipes() -> None:
    """Have what is still held back for readers that have gone go nowhere; the interpreter would complain at its end."""
    for stream in (sys.stdout, sys.stderr):
        if _is_closed(stream):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def is_full_disk(error: Exception) -> bool:
    """Whether there was no room left; a writer in another language, as that of safetensors, says so in words alone."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT))
