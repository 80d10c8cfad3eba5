"""Read a data set with the `datasets` library: a pinned data set of the hub, or a local folder of the same form.

No code of the data set is run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from typing import Any

from codetune.core.errors import UserError
from codetune.core.paths import project_path
from codetune.data.ingest.params import HubSource
from codetune.data.ingest.records import read_records

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
    where = {"path": str(place) if local else source.path, "name": source.config, "revision": source.revision}
    try:
        builder = datasets.load_dataset_builder(**where, cache_dir=source.cache)
        tables = _csv_files(builder)
        found = datasets.load_dataset(**where, split=source.split, cache_dir=source.cache)
    except Exception as error:
        file, said = _cause(error)
        rest = "files" if local else "network"
        raise UserError(
            f"ingest.sources, {source.name}: {file or source.path} cannot be loaded ({said})",
            "Correct the file." if file else f"Check `path`, `revision`, `config` and `split`, or the {rest}.",
        ) from None
    for file, copy in tables.items():
        _require_csv(source, file, copy)
    if tables and _SHIFTED in found.column_names:
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} has CSV lines with more cells than its header, "
            "which `datasets` reads into the wrong columns",
            "Correct these files.",
        )
    return iter(found)


def _csv_files(builder: Any) -> dict[str, Path]:
    """Return the CSV files of a data set: a local copy, decompressed, of each by its path or address."""
    if builder.info.builder_name != "csv":
        return {}
    from datasets import DownloadManager

    files = [str(file) for split in (builder.config.data_files or {}).values() for file in split]
    return {file: Path(DownloadManager().download_and_extract(file)) for file in files}


def _require_csv(source: HubSource, file: str, copy: Path) -> None:
    """Read a file strictly: pandas joins the rows of an unclosed quote to one, up to the next quote.

    :raises UserError: naming the row.
    """
    try:
        deque(read_records(copy, "csv"), maxlen=0)
    except UserError as error:
        told = error.what.replace(str(copy), file)
        raise UserError(f"ingest.sources, {source.name}: {told}", error.remedy) from None


def _cause(error: BaseException) -> tuple[str, str]:
    """Return the file that was being read (empty if unknown) and the text of the error that caused `error`."""
    from datasets.table import CastError

    while error.__cause__ is not None:
        error = error.__cause__
    # The library does not report the file, but all of its readers keep it in this variable.
    if isinstance(error, StopIteration):
        return "", "one of its files is empty"
    frames = [frame for frame, _ in walk_tb(error.__traceback__) if frame.f_code.co_name == "_generate_tables"]
    file = str(frames[-1].f_locals.get("file") or "") if frames else ""
    if isinstance(error, CastError):
        return file, f"all files must have the same columns, and {error.details()}"
    if "Schema at index" in str(error):
        return file, f"all files must have the same columns: {' '.join(str(error).split())[:_MAX_CHARS]}"
    return file, f"{type(error).__name__}: {' '.join(str(error).split())[:_MAX_CHARS]}"
