"""Find the files that params.yaml names, also when DVC runs a copy of the project."""

from __future__ import annotations

from pathlib import Path

_COPIES = (".dvc", "tmp", "exps")  # `dvc exp run --temp` and `--queue` run copies of the project in this folder


def project_path(text: str) -> Path:
    """Return the location of a path that is relative to the project.

    A copy of the project that DVC runs contains only files that git tracks, and nothing from outside the project. If
    the copy lacks the path, the path in the original project is returned.
    """
    path, here = Path(text), Path.cwd()
    if path.is_absolute() or path.exists():
        return path
    for folder in here.parents:
        if folder.parts[-len(_COPIES) :] == _COPIES:
            original = folder.parents[len(_COPIES) - 1] / path
            return original if original.exists() else path
    return path
