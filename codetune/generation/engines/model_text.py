"""Make prompts and read answers of one model, from several threads."""

from __future__ import annotations

import threading
from typing import Any

from codetune.core.errors import UserError, error_text
from codetune.models.prompt import completion_text, conversation_ids


class ModelText:
    """The tokenizer of one model behind a lock, because two threads must not use a tokenizer at once.

    :param tokenizer: the tokenizer with the prompt template.
    :param end_ids: token ids that end an answer.
    :param lock: held while the tokenizer is used; None: a new one.
    """

    def __init__(self, tokenizer: Any, end_ids: frozenset[int], lock: threading.Lock | None = None) -> None:
        self.end_ids = end_ids
        self._tokenizer = tokenizer
        self._lock = lock or threading.Lock()

    def prompt(self, messages: list[dict[str, str]]) -> list[int]:
        """Return the token ids of the prompt for a conversation.

        :raises UserError: when the chat template refuses the conversation.
        """
        try:
            with self._lock:
                return conversation_ids(self._tokenizer, messages)
        except Exception as error:  # a template can raise any exception
            raise UserError(
                f"the chat template of the model refuses these messages: {error_text(error)}",
                "Let messages of user and assistant take turns; some templates take no system message.",
            ) from None

    def decode(self, ids: list[int]) -> str:
        """Return the text of generated ids."""
        with self._lock:
            return completion_text(self._tokenizer, ids)
