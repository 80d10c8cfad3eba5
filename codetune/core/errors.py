"""Errors that the user can fix, and the function that prints any failure as one line on the terminal."""

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
CLOSED_PIPE_STATUS = 141  # what a shell reports for a program that SIGPIPE ended
_REASON_CHARS = 300


class UserError(Exception):
    """An error that is not a bug in codetune: in the parameters, the input files, the network or the disk.

    :param what: what is wrong and where, with the value found and the value expected.
    :param remedy: what the user can do about it, as an imperative sentence.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what.rstrip('.')}. {remedy}")
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str]]:
        """Pickle the error by its two arguments, so that a worker process can send it."""
        return UserError, (self.what, self.remedy)


def error_text(error: BaseException) -> str:
    """Return the message of a library's error in one line, followed by the message of its first cause."""
    chain = [error]
    while (before := _before(chain[-1])) is not None and before not in chain:
        chain.append(before)
    first = _message(error)
    last = _message(chain[-1])
    return first if last in first else f"{first}; caused by {type(chain[-1]).__name__}: {last}"


def _before(error: BaseException) -> BaseException | None:
    """Return the error that caused this one, by the rules of a traceback; None if there is none."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _message(error: BaseException) -> str:
    """Return the message of an error in one line, or the name of its type if the message is empty."""
    text = " ".join(str(error).split()).rstrip(".!")
    return f"{text[:_REASON_CHARS]}…" if len(text) > _REASON_CHARS else text or type(error).__name__


def fail(message: str, status: int) -> NoReturn:
    """Print one line on standard error and exit with `status`.

    :raises SystemExit: always.
    """
    with suppress(BrokenPipeError):
        print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    raise SystemExit(status)


def run_as_command(action: Callable[[], object]) -> None:
    """Run `action`. On a failure, print one line on standard error and exit with a non-zero status.

    If the reader of the output has closed the pipe, nothing is printed. For an unexpected failure, the traceback is
    written to a file, and the line names that file. A failure keeps the previous outputs: stages replace them only
    after the last byte is written.

    :raises SystemExit: on any failure.
    """
    _open_missing_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # so that a character the terminal cannot show is no failure
    try:
        action()
        sys.stdout.flush()
    except UserError as error:
        fail(str(error), USER_ERROR_STATUS)
    except KeyboardInterrupt:
        fail(
            "interrupted; the previous outputs are unchanged. Run `dvc repro` to continue.",
            INTERRUPTED_STATUS,
        )
    except Exception as error:
        _fail_unexpectedly(error)
    finally:
        _let_go_of_closed_pipes()


def _open_missing_streams() -> None:
    """Send standard output and standard error to the null device where the caller closed them, as `>&-` does.

    Otherwise, the next opened file would get the file descriptor, and output of libraries would be written into it.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the process ends


def _fail_unexpectedly(error: Exception) -> NoReturn:
    """Exit after an unexpected error: one from the operating system, or a bug in codetune."""
    if isinstance(error, BrokenPipeError) and any(map(_is_closed, (sys.stdout, sys.stderr))):
        raise SystemExit(CLOSED_PIPE_STATUS) from None
    filename = getattr(error, "filename", None)
    if is_full_disk(error):
        place = f" while writing {filename}" if filename else ""
        fail(
            f"the disk is full{place}; the previous outputs are unchanged. Free some space and run `dvc repro`.",
            USER_ERROR_STATUS,
        )
    if isinstance(error, MemoryError):
        fail("there is not enough memory. Close other programs, or use less data.", USER_ERROR_STATUS)
    if isinstance(error, OSError) and filename is not None:
        fail(f"{filename}: {error.strerror}. Fix the path or its permissions.", USER_ERROR_STATUS)
    fail(
        f"this is a bug in codetune, not a mistake of yours ({type(error).__name__}: {error_text(error)}). "
        f"The details are in {_write_details(error)}: please report them.",
        FAULT_STATUS,
    )


def _write_details(error: Exception) -> Path | str:
    """Write the traceback to a temporary file and return its path; if that fails, print it."""
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
    """Return whether the reader of the stream has closed its end of the pipe."""
    try:
        watched = select.poll()
        watched.register(stream.fileno(), select.POLLERR)
        return bool(watched.poll(0))
    except (OSError, ValueError):  # the stream has no file descriptor
        return False


def _let_go_of_closed_pipes() -> None:
    """Send the buffered output of closed pipes to the null device; the interpreter would report an error at exit."""
    for stream in (sys.stdout, sys.stderr):
        if _is_closed(stream):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def is_full_disk(error: Exception) -> bool:
    """Return whether an error means that the disk is full.

    Writers in other languages, such as that of safetensors, report it only in the message, without an error number.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT))
