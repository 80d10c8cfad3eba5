"""Decide from the text of an answer whether it may end before its end token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codetune.models.prompt import completion_text


class StopAtLineEnd:
    """Decides whether an answer is complete. To save time, it checks the text only after the end of a line.

    :param tokenizer: decodes the answer.
    :param complete: returns whether a text is complete; its result may change only where a line ends or begins.
    """

    def __init__(self, tokenizer: Any, complete: Callable[[str], bool]) -> None:
        self._tokenizer, self._complete = tokenizer, complete
        self._breaks: dict[int, bool] = {}

    def __call__(self, ids: list[int]) -> bool:
        """Return whether the answer may end here.

        :param ids: token ids of the answer so far.
        """
        return any(map(self._breaks_line, ids[-2:])) and self._complete(completion_text(self._tokenizer, ids))

    def _breaks_line(self, token: int) -> bool:
        if token not in self._breaks:
            self._breaks[token] = "\n" in completion_text(self._tokenizer, [token])
        return self._breaks[token]
