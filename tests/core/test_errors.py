"""Foreseen failures end in one line."""

import errno
import os
import subprocess
import sys
import tempfile

import pytest

from codetune.core.errors import UserError, error_text, run_as_command
from tests.conftest import ROOT, run_python


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        (UserError("x is 3, expected 4", "Set x."), 2, "x is 3, expected 4. Set x."),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space", "/out"), 2, "the disk is full while writing /out"),
        # In words alone, as a writer in another language tells it.
        (RuntimeError("I/O error: No space left on device (os error 28)"), 2, "the disk is full; the previous outputs"),
        (PermissionError(errno.EACCES, "Permission denied", "/out"), 2, "/out: Permission denied. Fix the path"),
        (MemoryError(), 2, "not enough memory"),
        (RuntimeError("Disk quota exceeded"), 2, "the disk is full; the previous outputs are unchanged"),
    ],
)
def test_failures_become_one_line(capsys, raised, status, words):
    def action() -> None:
        raise raised

    with pytest.raises(SystemExit) as left:
        run_as_command(action)
    assert left.value.code == status
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert words in message
    assert message.count("\n") == 1


def test_an_unforeseen_failure_is_called_codetune_s_own_and_its_traceback_is_kept(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def action() -> None:
        raise RuntimeError("shapes\ndiffer")

    with pytest.raises(SystemExit) as left:
        run_as_command(action)
    assert left.value.code == 1
    told = capsys.readouterr().err
    (details,) = tmp_path.iterdir()
    assert told == (
        "error: this is a bug in codetune, not a mistake of yours (RuntimeError: shapes differ). The details are in "
        f"{details}: please report them.\n"
    )
    assert "Traceback" in details.read_text()
    assert "shapes\ndiffer" in details.read_text()


def _raised(before: Exception, error: Exception, *, hidden: bool = False) -> Exception:
    """The error as if it was raised while `before` was handled; `hidden` as by `from None`."""
    error.__context__, error.__suppress_context__ = before, hidden
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no\n good."), "no good"),
        (ValueError(), "ValueError"),
        (_raised(KeyError("size"), OSError("cannot load")), "cannot load; caused by KeyError: 'size'"),
        (_raised(_raised(TypeError("x"), OSError("y")), OSError("z")), "z; caused by TypeError: x"),
        (_raised(KeyError("size"), OSError("cannot load"), hidden=True), "cannot load"),
        (_raised(OSError("no room"), OSError("cannot load: no room")), "cannot load: no room"),
        (ValueError("x" * 999), "x" * 300 + "…"),
    ],
)
def test_what_a_library_hides_is_told(error, text):
    assert error_text(error) == text


def _without_a_reader(*arguments: object, stream: str = "stdout") -> subprocess.Popen[bytes]:
    """A process of Python's whose output nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: writing}
    command = [sys.executable, *map(str, arguments)]
    try:
        return subprocess.Popen(command, cwd=ROOT, **streams)
    finally:
        os.close(writing)


@pytest.mark.parametrize("command", ["--help", "summary", "check", "compare HEAD HEAD"])
def test_a_closed_pipe_ends_every_command_quietly(command):
    process = _without_a_reader("-m", "codetune", *command.split())
    assert process.communicate() == (None, b"")
    assert process.returncode in (0, 141)


@pytest.mark.parametrize(
    "action", ["print('x' * 100_000)", "print('x')", "print('x', file=sys.stderr)", "fail('x', 2)", "1 / 0"]
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_pipe_leaves_no_traceback(action, stream):
    code = f"import sys; from codetune.core.errors import fail, run_as_command; run_as_command(lambda: {action})"
    out, err = _without_a_reader("-c", code, stream=stream).communicate()
    assert b"Traceback" not in (out or err or b"")
    assert b"BrokenPipe" not in (out or err or b"")


@pytest.mark.parametrize(("action", "status"), [("print('x')", 0), ("fail('x', 2)", 2), ("1 / 0", 1)])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_the_caller_closed_changes_nothing(action, status, closed):
    code = f"from codetune.core.errors import fail, run_as_command; run_as_command(lambda: {action})"
    command = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_a_pipe_of_its_own_that_breaks_is_no_reader_that_has_gone(capsys):
    def action() -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(SystemExit) as left:
        run_as_command(action)
    assert left.value.code == 1
    assert "this is a bug in codetune" in capsys.readouterr().err


def test_a_character_that_the_terminal_lacks_is_written_another_way():
    code = "from codetune.core.errors import run_as_command; run_as_command(lambda: print('\\udcff \\u2192'))"
    assert run_python("-c", code, PYTHONIOENCODING="ascii").stdout == "\\udcff \\u2192\n"
