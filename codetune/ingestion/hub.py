"""Data sets of the hub through the `datasets` library: pinned, or a local folder of the same shape; no remote code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codetune.errors import UserError, error_text
from codetune.ingestion.params import HubSource
from codetune.places import project_path


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

    datasets.utils.logging.set_verbosity_error()
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
        why = f"{type(error).__name__}: {error_text(error)}"
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} cannot be loaded: {why}",
            "Mend the files where they are named; else check `path`, `revision`, `config`, `split` and the network.",
        ) from None
    return iter(found)
