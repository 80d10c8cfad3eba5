"""Which whole source files the base model may be trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from codetune.cleaning.drop import Drop
from codetune.cleaning.filters import place_reason
from codetune.cleaning.params import CleanParams
from codetune.cleaning.safety import license_drop, scrubbed
from codetune.cleaning.split import Split

_MIN_CHARS = 200
_MAX_CHARS = 200_000


def file_reason(
    file: dict[str, Any], params: CleanParams, splits: dict[str, Split], leaking: set[tuple[str, str]], seen: set[str]
) -> str:
    """Why a file stays out of the pretraining corpus; an empty text when it may be used."""
    text = file["text"]
    if splits.get(file["group"]) != "train":
        return "held_out_group"
    if (file["package"], file["path"]) in leaking:
        return "duplicates_held_out"
    if place := place_reason(file["path"], ""):
        return place
    if not _MIN_CHARS <= len(text) <= _MAX_CHARS:
        return "length"
    if license_drop(file["license"], params):
        return "license_not_allowed"
    return "exact_duplicate" if file["sha256"] in seen else ""


def pretraining_files(
    files: Iterator[dict[str, Any]],
    params: CleanParams,
    splits: dict[str, Split],
    leaking: set[tuple[str, str]],
    reasons: Counter[str],
) -> Iterator[dict[str, Any]]:
    """Yield the files of train groups that may be trained on, scrubbed; the others are counted in `reasons`.

    The digest of a file stays that of its source.

    :param leaking: package and path of files that hold a duplicate of a row of val or test.
    """
    seen: set[str] = set()
    for file in files:
        reason = file_reason(file, params, splits, leaking, seen)
        text = scrubbed(file["text"], params) if not reason else ""
        if isinstance(text, Drop):
            reason = text.reason
        reasons[reason or "keep"] += 1
        if not reason:
            seen.add(file["sha256"])
            yield file | {"text": text}
