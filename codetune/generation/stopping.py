"""When an answer may end before its end token, by its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codetune.models.prompt import completion_text


class LineWatch:
    """Tells of the ids of an answer whether its text is complete; it looks only where a line has just ended.

    :param complete: of a text; nothing but the end of a line, or the beginning of one, may change what it tells.
    """

    def __init__(self, tokenizer: Any, complete: Callable[[str], bool]) -> None:
        self._tokenizer, self._complete = tokenizer, complete
        self._breaks: dict[int, bool] = {}

    def __call__(self, ids: list[int]) -> bool:
        """Whether the answer may end here."""
        return any(map(self._breaks_line, ids[-2:])) and self._complete(completion_text(self._tokenizer, ids))

    def _breaks_line(self, token: int) -> bool:
        if token not in self._breaks:
            self._breaks[token] = "\n" in completion_text(self._tokenizer, [token])
        return self._breaks[token]
