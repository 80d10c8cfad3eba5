"""Turn the token ids of an answer into text while the answer grows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from codetune.models.prompt import completion_text

_INCOMPLETE = "\ufffd"


class AnswerText:
    """The text of an answer that grows token by token.

    :param tokenizer: decodes the answer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.ids: list[int] = []
        self._tokenizer = tokenizer
        self._sent = ""

    def add(self, ids: Iterable[int], *, finished: bool) -> str:
        """Append tokens and return the text that was not returned yet.

        :param ids: token ids, without the end token.
        :param finished: whether these are the last tokens. Until then, an incomplete character is kept back.
        """
        self.ids.extend(ids)
        text = completion_text(self._tokenizer, self.ids)
        if not finished:
            text = text.rstrip(_INCOMPLETE)
        delta = text[len(self._sent) :]
        self._sent += delta
        return delta
