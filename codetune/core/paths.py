"""Where a path that params.yaml names lies: in the project, also where DVC runs a copy of it."""

from __future__ import annotations

from pathlib import Path

_COPIES = (".dvc", "tmp", "exps")  # below the project: where `dvc exp run --temp` and `--queue` run copies of it


def project_path(text: str) -> Path:
    """The place of a path that is counted from the project.

    A copy of the project that DVC runs holds neither what lies beside the project nor what git does not know; what the
    copy lacks is taken from where the project itself lies.
    """
    path, here = Path(text), Path.cwd()
    if path.is_absolute() or path.exists():
        return path
    for folder in here.parents:
        if folder.parts[-len(_COPIES) :] == _COPIES:
            original = folder.parents[len(_COPIES) - 1] / path
            return original if original.exists() else path
    return path
