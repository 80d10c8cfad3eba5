"""Compare the files of the base model with the record that the stage `base` wrote about them.

DVC does not see the files of a base model that stays where it is: `models/base` then holds only their digests.
"""

from __future__ import annotations

import json
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import digest_file
from codetune.core.paths import project_path

BASE_FOLDER, _RECORD = Path("models/base"), "provenance.json"


def recorded_files(root: Path) -> dict[Path, str]:
    """Return the sha256 of each file of the base model, as recorded, by its path.

    :param root: the folder of the project.
    :returns: an empty mapping for a base from the hub, whose files are in the hub's cache, or without a record.
    """
    try:
        record = json.loads((root / BASE_FOLDER / _RECORD).read_text(encoding="utf-8"))
        name, files = str(record["name"]), dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    place = root / name if (root / name).exists() else project_path(name)
    if place.is_file():
        return dict.fromkeys([place], str(next(iter(files.values()), "")))
    if not place.is_dir():
        place = root / BASE_FOLDER  # a model that the stage fetched
        files = {file: digest for file, digest in files.items() if (place / file).exists()}
    return {place / file: str(digest) for file, digest in files.items()}


def require_recorded(files: dict[Path, str]) -> None:
    """Check that the files of a base model are those that were recorded.

    :param files: from `recorded_files`.
    :raises UserError: if a file is missing or has another digest.
    """
    for path, digest in files.items():
        found = digest_file(path) if path.is_file() else "missing"
        if found != digest:
            raise UserError(
                f"{path} is not the base model that stage base recorded: its sha256 is {found}, and "
                f"{BASE_FOLDER / _RECORD} has {digest}",
                "Restore the file. If you changed it on purpose, run `dvc repro --force --single-item base`, then "
                "`dvc repro`.",
            )
