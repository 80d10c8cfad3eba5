"""Read a data set with the `datasets` library: a pinned data set of the hub, or a local folder of the same form.

No code of the data set is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from traceback import walk_tb
from typing import Any

from codetune.core.errors import UserError
from codetune.core.paths import project_path
from codetune.data.ingest.params import HubSource

_MAX_CHARS = 300
# If lines have more cells than the header, pandas takes the first cells as an index, and `datasets` names it like this.
_SHIFTED = "__index_level_0__"


def read_hub(source: HubSource) -> Iterator[Any]:
    """Return the records of one split of a data set.

    :raises UserError: when a hub id has no pinned revision, a local folder has one, the data set cannot be loaded, or
        its CSV files have repeated or missing column names.
    """
    place = project_path(source.path)
    local = place.is_dir()
    if local and source.revision:
        raise UserError(f"{source.path} is a local folder and has no revision", "Set `revision: null`.")
    if not local and not source.revision:
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} is not a local folder, and a hub id needs its pinned commit",
            "Set `revision` to the commit id (40 hexadecimal digits) on the page of the data set, or correct `path`.",
        )
    import datasets

    datasets.utils.logging.set_verbosity(datasets.utils.logging.CRITICAL)  # errors are reported below
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
            "Correct the file." if file else "Check `path`, `revision`, `config` and `split`, or the network.",
        ) from None
    if found.info.builder_name == "csv" and _SHIFTED in found.column_names:
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} has CSV lines with more cells than its header, "
            "which `datasets` reads into the wrong columns",
            "Correct these files.",
        )
    if found.info.builder_name == "csv" and (twice := _named_twice(found.column_names)):
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} has several CSV columns with the name {twice!r}",
            "Rename all but one of them.",
        )
    return iter(found)


def _named_twice(columns: list[str]) -> str | None:
    """Return the name of a column that a CSV file has twice, or None. Pandas renames the second `a` to `a.1`."""
    return next((name for name in columns if f"{name}.1" in columns), None)


def _cause(error: BaseException) -> tuple[str, str]:
    """Return the file that was being read (empty if unknown) and the text of the error that caused `error`."""
    from datasets.table import CastError

    while error.__cause__ is not None:
        error = error.__cause__
    # The library does not report the file, but all of its readers keep it in this variable.
    frames = [frame for frame, _ in walk_tb(error.__traceback__) if frame.f_code.co_name == "_generate_tables"]
    file = str(frames[-1].f_locals.get("file") or "") if frames else ""
    if isinstance(error, CastError):
        return file, f"all files must have the same columns, and {error.details()}"
    return file, f"{type(error).__name__}: {' '.join(str(error).split())[:_MAX_CHARS]}"
