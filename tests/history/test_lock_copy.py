"""Wherever a kill cuts dvc.lock off, its entries come back from the copy."""

import pytest
import yaml

from codetune.history.lock_copy import COPY, LOCK, keep_lock, restore_lock

ENTRY = "  {0}:\n    cmd: python -m stages {0}\n    outs:\n    - path: {0}\n      md5: {1}\n      size: 12\n"
NAMES = ("ingest", "generate@base", "validity")


def lock(digest="0a", names=NAMES):
    return "schema: '2.0'\nstages:\n" + "".join(ENTRY.format(name, digest) for name in names)


def test_an_entry_cut_off_anywhere_comes_back(tmp_path):
    (tmp_path / LOCK).write_text(lock())
    keep_lock(tmp_path)
    for end in range(len(lock())):
        (tmp_path / LOCK).write_text(lock()[:end])
        restored = restore_lock(tmp_path)
        text = (tmp_path / LOCK).read_text()
        # A cut inside the last entry, after a whole line, cannot be seen: DVC finds the entry changed and runs its stage.
        assert restored or list(yaml.safe_load(text)["stages"]) == list(NAMES), end
        assert not restored or text == lock(), end


def test_complete_entries_that_are_newer_than_the_copy_stay(tmp_path):
    (tmp_path / LOCK).write_text(lock("0a"))
    keep_lock(tmp_path)
    (tmp_path / LOCK).write_text(lock("1b").partition("    - path: generate@base")[0])
    assert restore_lock(tmp_path)
    found = yaml.safe_load((tmp_path / LOCK).read_text())["stages"]
    assert [found[name]["outs"][0]["md5"] for name in NAMES] == ["1b", "0a", "0a"]


@pytest.mark.parametrize("text", [lock("1b"), lock(names=(*NAMES, "export")), lock(names=NAMES[1:])])
def test_a_whole_file_stays_as_it_is_and_becomes_the_copy(tmp_path, text):
    (tmp_path / LOCK).write_text(lock())
    keep_lock(tmp_path)
    (tmp_path / LOCK).write_text(text)
    assert not restore_lock(tmp_path)
    keep_lock(tmp_path)
    assert (tmp_path / LOCK).read_text() == (tmp_path / COPY).read_text() == text


def test_without_a_copy_nothing_is_done(tmp_path):
    assert not restore_lock(tmp_path)
    (tmp_path / LOCK).write_text(lock()[:40])
    assert not restore_lock(tmp_path)
    assert (tmp_path / LOCK).read_text() == lock()[:40]
