"""The faults themselves: a flipped bit, content that a power cut drops, files that are torn or left over."""

import os
import random
import subprocess
import sys

import pytest

from scripts.faults.default import changed_files
from scripts.faults.power_cut import _RECORDING, _VARIABLE, _lose, _synced
from scripts.faults.project import States, differences, digests, torn
from scripts.faults.rot import flip


def test_one_bit_flips_and_nothing_else(tmp_path):
    path = tmp_path / "object"
    path.write_bytes(bytes(100))
    path.chmod(0o444)
    os.utime(path, ns=(10**18, 10**18))
    before = path.stat()
    flip(path, random.Random(7))
    after = path.stat()
    assert sum(byte.bit_count() for byte in path.read_bytes()) == 1
    assert (after.st_size, after.st_mode, after.st_mtime_ns) == (before.st_size, before.st_mode, before.st_mtime_ns)


WRITE = """
import os
for name, sync in (("durable", True), ("lost", False), ("changed", True)):
    with open(name, "w") as stream:
        stream.write("new")
        stream.flush()
        if sync:
            os.fsync(stream.fileno())
with open("changed", "a") as stream:
    stream.write("er")
folder = os.open(".", os.O_RDONLY)
os.fsync(folder)
"""


@pytest.mark.parametrize("seed", range(8))
def test_only_what_was_not_synced_is_lost(tmp_path, seed):
    before, project, record = tmp_path / "before", tmp_path / "project", tmp_path / "record"
    for folder in (before, project):
        folder.mkdir()
        (folder / "changed").write_text("old")
        (folder / "same").write_text("same")
    record.touch()
    environment = os.environ | {"PYTHONPATH": str(_RECORDING), _VARIABLE: str(record)}
    subprocess.run([sys.executable, "-c", WRITE], cwd=project, env=environment, check=True)
    lost = _lose(before, project, _synced(record), random.Random(seed))
    found = {path.name: path.read_text() for path in project.iterdir()}
    assert found["durable"] == "new"
    assert found["same"] == "same"
    assert found["changed"] in ("newer", "old", "")
    assert found.get("lost") in ("new", None, "")
    assert lost == (found["changed"] != "newer") + (found.get("lost") != "new")


def test_differences_and_torn_files(tmp_path):
    for state in ("fresh", "done", "project"):
        (tmp_path / state / ".cache").mkdir(parents=True)
        (tmp_path / state / "report").write_text(state)
    states = States(tmp_path, digests(tmp_path / "done"), 1.0, 1)
    project = tmp_path / "project"
    assert torn(states, "fresh", project) == ["report is neither old nor new"]
    (project / "report").write_text("done")
    assert torn(states, "fresh", project) == differences(states, project) == []
    (project / ".report.abc.part").touch()
    (project / ".cache/journal").touch()
    assert differences(states, project) == [".report.abc.part is left over", ".cache/journal is left over"]
    (project / "report").unlink()
    assert "report is missing" in differences(states, project)


def test_changed_files_of_a_clone(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words], cwd=tmp_path, check=True)

    (tmp_path / "report.json").write_text("1")
    (tmp_path / ".gitignore").write_text(".cache\n*.part\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "all")
    assert changed_files(tmp_path) == []
    (tmp_path / "report.json").write_text("2")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/journal").touch()
    (tmp_path / "report.json.part").touch()
    assert changed_files(tmp_path) == ["report.json differs", "report.json.part is left over"]
