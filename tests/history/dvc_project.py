"""A small DVC project with one made output, one in git and one folder, for tests of its digests."""

import shutil
import subprocess
from pathlib import Path

PIPELINE = """\
stages:
  first:
    cmd: mkdir -p folder && cp source folder/one && cp source folder/two && cp source text
    params: [number.one]
    deps: [source]
    outs:
      - folder: {persist: true}
      - text: {cache: false, persist: true}
  second:
    foreach:
      key: folder
    do:
      cmd: cat ${item}/one text > last
      deps: [text, "${item}"]
      outs: [last]
"""


def make_dvc_project(folder: Path) -> Path:
    """Write the project, run it, and return its folder."""
    folder.mkdir()
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "params.yaml").write_text("number: {one: 1, two: 2}\n")
    (folder / "source").write_text("some text\n")
    (folder / ".dvcignore").write_text("*.tmp\nscratch/\n")
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"], ["dvc", "repro", "-q"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def copied(project: Path, folder: Path) -> Path:
    """Copy the project with modes and times."""
    return Path(shutil.copytree(project, folder / "copy", symlinks=True))


def flip(path: Path, place: int = 0) -> None:
    """Flip a bit of a file; its mode stays."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)
