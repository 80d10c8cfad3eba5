"""JSON files of any revision, which may be of another version of the project, or damaged."""

from __future__ import annotations

import json
from typing import Any


def read_object(text: str) -> dict[str, Any]:
    """The object that a JSON text holds.

    :raises ValueError: when it is not JSON.
    :raises TypeError: when it holds something else.
    """
    content = json.loads(text)
    if not isinstance(content, dict):
        raise TypeError(f"found {type(content).__name__}, expected an object")
    return content
