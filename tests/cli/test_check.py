"""`codetune check` completes a dvc.lock that a killed command left incomplete."""

import shutil
from pathlib import Path

from click.testing import CliRunner

from codetune.cli import sections
from codetune.cli.check import check
from codetune.history.lock_copy import COPY, LOCK

ROOT = Path(__file__).parents[2]


def test_a_lock_file_that_was_cut_off_is_restored_and_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sections, "check_params", lambda: None)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    whole = (ROOT / LOCK).read_text(encoding="utf-8")
    COPY.parent.mkdir()
    for path, text in ((COPY, whole), (LOCK, whole[:50_000])):
        path.write_text(text, encoding="utf-8")
    told = CliRunner().invoke(check)
    assert told.exit_code == 0, told.output
    assert "dvc.lock was incomplete" in told.output
    assert LOCK.read_text(encoding="utf-8") == whole
    assert CliRunner().invoke(check).output == ""
