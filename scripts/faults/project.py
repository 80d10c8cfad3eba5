"""The states of the small project from which trials start, and the digests that an undisturbed run gives."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from codetune.core.files import digest_bytes, digest_file, dump_json, read_json, write_json
from scripts.faults.processes import Runner
from tests.support.slice_project import ROOT, make_project, run_project, succeed

_SKIPPED = (".git", ".dvc", ".cache", "__pycache__")
_OTHER_SEED = 11
_SEEDED = ("clean", "augment", "train", "generate", "score")


@dataclass(frozen=True)
class States:
    """Three copies of the project, and what an undisturbed run writes.

    :param folder: the folder of the copies `fresh` (no stage has run), `previous` (ran with other seeds, whose
        outputs the next run replaces) and `done` (ran with the parameters of `fresh`, and committed).
    :param expected: the digest of every file after an undisturbed run, by path.
    :param seconds: duration of the undisturbed run.
    :param bytes_written: the size of what it wrote.
    """

    folder: Path
    expected: dict[str, str]
    seconds: float
    bytes_written: int

    def copy(self, state: str, target: Path) -> None:
        """Copy the state `fresh`, `previous` or `done` to a new folder, with modes and times."""
        shutil.copytree(self.folder / state, target, symlinks=True)


def project_key() -> str:
    """Return a digest of the files that decide what the pipeline does. Results of other code are not continued."""
    names = sorted(filter(None, succeed(ROOT, "git", "ls-files", "-z", "-co", "--exclude-standard").split("\0")))
    kept = [(name, digest_file(ROOT / name)) for name in names if (ROOT / name).is_file() and _matters(name)]
    return digest_bytes(dump_json(kept).encode())[:12]


def _matters(name: str) -> bool:
    """Return whether the pipeline of the small project depends on a file."""
    kept = ("codetune/", "stages/", "data/", "dvc.", "params.yaml", "tests/models/gguf_files.py")
    return name.startswith(kept) or name in ("tests/support/slice_project.py", "scripts/faults/reading.py")


def prepared(work: Path) -> States:
    """Return the states, made anew if the code has changed since the last time.

    :param work: the folder for everything that campaigns write.
    """
    folder = work / project_key()
    facts = folder / "states.json"
    if not facts.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print("preparing: the undisturbed runs take some minutes", flush=True)
        write_json(facts, _prepare(folder))
    found = read_json(facts)
    return States(folder, found["expected"], found["seconds"], found["bytes_written"])


def _prepare(folder: Path) -> dict[str, object]:
    fresh, previous, done = folder / "fresh", folder / "previous", folder / "done"
    make_project(fresh)
    shutil.copytree(fresh, previous, symlinks=True)
    _reseed(previous / "params.yaml")
    Runner(folder, previous).succeed("dvc", "repro", "-q")
    shutil.copy2(fresh / "params.yaml", previous / "params.yaml")
    shutil.copytree(fresh, done, symlinks=True)
    before, start = _size(done), time.monotonic()
    Runner(folder, done).succeed("dvc", "repro", "-q")
    seconds, written = time.monotonic() - start, _size(done) - before
    expected = digests(done)
    run_project(done)
    return {"expected": expected, "seconds": seconds, "bytes_written": written}


def _reseed(path: Path) -> None:
    yaml = YAML()
    params = yaml.load(path.read_text(encoding="utf-8"))
    for section in _SEEDED:
        params[section]["seed"] = _OTHER_SEED
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(params, stream)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        yield from (Path(place) / name for name in names if not name.endswith(".pyc"))


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file of a project by its path; without git's and DVC's own files, and caches."""
    return {file.relative_to(folder).as_posix(): digest_file(file) for file in sorted(_files(folder))}


def caches(folder: Path) -> set[str]:
    """Return the files in `.cache` of a project; a run that has ended leaves the same ones, whatever disturbed it."""
    place = folder / ".cache"
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def differences(states: States, project: Path, state: str = "fresh") -> list[str]:
    """Compare a project with the undisturbed run.

    :param state: the state from which the run started.
    :returns: a clause for each file that differs, is missing, or is left over; empty if there are none.
    """
    found = digests(project)
    expected = digests(states.folder / state) if state == "done" else states.expected
    problems = [f"{path} differs" for path in sorted(found.keys() & expected) if found[path] != expected[path]]
    problems += [f"{path} is missing" for path in sorted(expected.keys() - found)]
    problems += [f"{path} is left over" for path in sorted(found.keys() - expected)]
    left = caches(project) - caches(states.folder / "done")
    return problems + [f".cache/{path} is left over" for path in sorted(left)]


def torn(states: States, state: str, project: Path) -> list[str]:
    """Return a clause for each file that has neither the content before the run nor that after it.

    dvc.lock is left out: DVC writes it after each stage.

    :param state: the state from which the run started.
    """
    old, new = digests(states.folder / state), states.expected
    return [
        f"{path} is neither old nor new"
        for path, digest in digests(project).items()
        if path != "dvc.lock" and path in old.keys() | new.keys() and digest not in (old.get(path), new.get(path))
    ]
