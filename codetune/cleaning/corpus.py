"""Which whole source files the base model may be trained on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from codetune.cleaning.filters import place_reason
from codetune.cleaning.secrets import has_secret
from codetune.cleaning.split import Split

_RESTRICTIVE = re.compile(r"\b(A?GPL|LGPL|GNU (Affero |Lesser )?General Public License)\b")
_HEADER_CHARS = 4000
_MIN_CHARS = 200
_MAX_CHARS = 200_000


def file_reason(  # noqa: PLR0911
    file: dict[str, Any], splits: dict[str, Split], leaking: set[tuple[str, str]], seen: set[str]
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
    if _RESTRICTIVE.search(text[:_HEADER_CHARS]):
        return "license_header"
    if file["sha256"] in seen:
        return "exact_duplicate"
    return "secret" if has_secret(text) else ""


def pretraining_files(
    files: Iterator[dict[str, Any]], splits: dict[str, Split], leaking: set[tuple[str, str]], reasons: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Yield the files of train groups that may be trained on; the others are counted in `reasons`.

    :param leaking: package and path of files that hold a duplicate of a row of val or test.
    """
    seen: set[str] = set()
    for file in files:
        reason = file_reason(file, splits, leaking, seen)
        reasons[reason or "keep"] += 1
        if not reason:
            seen.add(file["sha256"])
            yield file
