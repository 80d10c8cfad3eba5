"""Foreseen failures end in one line."""

import pytest

from codetune.errors import run_as_command


@pytest.mark.parametrize(
    ("message", "full"),
    [("Error while serializing: I/O error: No space left on device (os error 28)", True), ("Disk quota exceeded", True),
     ("shapes differ", False)],
)  # fmt: skip
def test_a_writer_that_tells_of_a_full_disk_in_words_alone(capsys, message, full):
    def action():
        raise RuntimeError(message)

    with pytest.raises(SystemExit if full else RuntimeError):
        run_as_command(action)
    assert ("the disk is full; the previous outputs are untouched" in capsys.readouterr().err) is full
