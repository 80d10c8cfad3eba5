"""Find the files that params.yaml names, also when DVC runs a copy of the project."""

from __future__ import annotations

import errno
from pathlib import Path

from codetune.core.errors import UserError

_COPIES = (".dvc", "tmp", "exps")  # `dvc exp run --temp` and `--queue` run copies of the project in this folder
_SHOWN = 60  # characters of a path in a message


def project_path(text: str) -> Path:
    """Return the location of a path that is relative to the project.

    A copy of the project that DVC runs contains only files that git tracks, and nothing from outside the project. If
    the copy lacks the path, the path in the original project is returned.

    :raises UserError: when no file can have this path, because it is too long or contains a NUL character.
    """
    path, here = Path(text), Path.cwd()
    try:
        path.stat()
    except ValueError:
        raise _no_path(text, "contains a NUL character") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise _no_path(text, "is too long") from None
    else:
        return path
    if path.is_absolute():
        return path
    for folder in here.parents:
        if folder.parts[-len(_COPIES) :] == _COPIES:
            original = folder.parents[len(_COPIES) - 1] / path
            return original if original.exists() else path
    return path


def _no_path(text: str, reason: str) -> UserError:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return UserError(f"{shown!r} {reason}, so it is not the path of a file", "Correct it in params.yaml.")
