"""Foreseen failures end in one line."""

import errno

import pytest

from codetune.errors import UserError, run_as_command


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        (UserError("x is 3, expected 4", "Set x."), 2, "x is 3, expected 4. Set x."),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space", "/out"), 2, "the disk is full while writing /out"),
        # In words alone, as a writer in another language tells it.
        (RuntimeError("I/O error: No space left on device (os error 28)"), 2, "the disk is full; the previous outputs"),
        (RuntimeError("Disk quota exceeded"), 2, "the disk is full; the previous outputs are untouched"),
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


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "denied"), RuntimeError("shapes differ")])
def test_programming_errors_keep_their_traceback(error):
    def action() -> None:
        raise error

    with pytest.raises(type(error), match=r"denied|differ"):
        run_as_command(action)
