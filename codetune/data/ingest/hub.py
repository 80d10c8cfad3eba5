"""Data sets of the hub through the `datasets` library: pinned, or a local folder of the same shape; no remote code."""

from __future__ import annotations

from collections.abc import Iterator
from traceback import walk_tb
from typing import Any

from codetune.core.errors import UserError
from codetune.core.paths import project_path
from codetune.data.ingest.params import HubSource

_MAX_CHARS = 300
# What `datasets` calls the column that pandas makes of the first cells, where the lines have more than the header.
_SHIFTED = "__index_level_0__"


def read_hub(source: HubSource) -> Iterator[Any]:
    """The records of a data set's split.

    :raises UserError: when a hub id has no pinned revision, or the data set cannot be loaded.
    """
    place = project_path(source.path)
    local = place.is_dir()
    if local and source.revision:
        raise UserError(f"{source.path} is a local folder and has no revision", "Set `revision: null`.")
    if not local and not source.revision:
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} is no local folder, and a hub id needs its pinned commit",
            "Set `revision` to the 40 hexadecimal digits that the data set's page lists, or mend `path`.",
        )
    import datasets

    datasets.utils.logging.set_verbosity(datasets.utils.logging.CRITICAL)  # what fails is told below
    datasets.disable_progress_bars()
    try:
        found = datasets.load_dataset(
            str(place) if local else source.path,
            source.config,
            split=source.split,
            revision=source.revision,
            cache_dir=source.cache,
        )
    except Exception as error:
        file, said = _cause(error)
        raise UserError(
            f"ingest.sources, {source.name}: {file or source.path} cannot be loaded ({said})",
            "Mend the file." if file else "Check `path`, `revision`, `config` and `split`, or the network.",
        ) from None
    if found.info.builder_name == "csv" and _SHIFTED in found.column_names:
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} has lines of CSV with more cells than its header names, "
            "which `datasets` reads into the wrong columns",
            "Mend its files.",
        )
    if found.info.builder_name == "csv" and (twice := _named_twice(found.column_names)):
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} has several columns of CSV that are called {twice!r}",
            "Rename all but one of them.",
        )
    return iter(found)


def _named_twice(columns: list[str]) -> str | None:
    """The name of a column that a CSV has twice, or None: pandas calls the second one of `a` `a.1`."""
    return next((name for name in columns if f"{name}.1" in columns), None)


def _cause(error: BaseException) -> tuple[str, str]:
    """The file that was being read, empty where none was, and the first of the errors that led to `error`."""
    from datasets.table import CastError

    while error.__cause__ is not None:
        error = error.__cause__
    # The library does not say which file it is; all of its readers keep it in this variable.
    frames = [frame for frame, _ in walk_tb(error.__traceback__) if frame.f_code.co_name == "_generate_tables"]
    file = str(frames[-1].f_locals.get("file") or "") if frames else ""
    if isinstance(error, CastError):
        return file, f"all files must have the same columns, and {error.details()}"
    return file, f"{type(error).__name__}: {' '.join(str(error).split())[:_MAX_CHARS]}"
