"""What killed processes leave beside an output is removed by the next write, and nothing of a living process is."""

import signal
import subprocess
import sys

import pytest

import codetune.core.temporary as temporary_module
from codetune.core.files import atomic_file, atomic_folder, write_text
from codetune.core.temporary import previous_beside
from tests.conftest import ROOT

WRITE = """
import sys, time
from pathlib import Path
from codetune.core.files import atomic_file, atomic_folder
write = atomic_folder if sys.argv[2] == "folder" else atomic_file
with write(Path(sys.argv[1])) as temporary:
    print(temporary.name, flush=True)
    time.sleep(60)
"""


def writer(path, kind):
    process = subprocess.Popen([sys.executable, "-c", WRITE, path, kind], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def write(path, kind, text):
    with (atomic_folder if kind == "folder" else atomic_file)(path) as temporary:
        (temporary / "file" if kind == "folder" else temporary).write_text(text)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_leftovers_of_a_killed_writer_go_and_those_of_a_living_one_stay(tmp_path, kind):
    path = tmp_path / "out.json"
    dead, left = writer(path, kind)
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    alive, used = writer(path, kind)
    try:
        assert left != used
        assert not (tmp_path / left).exists(), "the second writer removed it"
        write(path, kind, "new")
        assert {file.name for file in tmp_path.iterdir()} == {"out.json", used}
    finally:
        alive.kill()
        alive.wait()
    write(path, kind, "newer")
    assert [file.name for file in tmp_path.iterdir()] == ["out.json"]


def test_leftovers_of_another_output_stay(tmp_path):
    (tmp_path / ".out.json.abcdefgh.part").touch()
    (tmp_path / ".out.abcdefgh.part.txt").touch()
    write_text(tmp_path / "out", "text")
    assert len(list(tmp_path.iterdir())) == 3
    write_text(tmp_path / "out.json", "text")
    assert {file.name for file in tmp_path.iterdir()} == {".out.abcdefgh.part.txt", "out", "out.json"}


def test_a_folder_that_a_kill_left_aside_comes_back(tmp_path):
    path = tmp_path / "model"
    old, part = tmp_path / ".model.abcdefgh.old", tmp_path / ".model.abcdefgh.part"
    for folder in (old, part):
        folder.mkdir()
        (folder / "file").write_text(folder.suffix)
    with pytest.raises(KeyboardInterrupt), atomic_folder(path):
        assert (path / "file").read_text() == ".old"
        raise KeyboardInterrupt
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_a_replaced_folder_that_a_kill_left_is_removed(tmp_path):
    path = tmp_path / "model"
    write(path, "folder", "new")
    (tmp_path / ".model.abcdefgh.old").mkdir()
    write(path, "folder", "newer")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    assert previous_beside(tmp_path / ".model.abcdefgh.part").name == ".model.abcdefgh.old"


def test_a_temporary_path_that_is_removed_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    removed = []

    def remove_first(path):
        if not removed:
            removed.append(path)
            path.unlink()
        return real(path)

    real = temporary_module._lock
    monkeypatch.setattr(temporary_module, "_lock", remove_first)
    with temporary_module.temporary_beside(tmp_path / "out", folder=False) as temporary:
        assert temporary.exists()
        assert temporary not in removed
