"""End an answer at a text that the client named, without sending any part of that text."""

from __future__ import annotations

from collections.abc import Sequence


class StopTexts:
    """Looks for the first stop text in an answer that arrives in pieces.

    :param stops: the texts, none of them empty.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.found = False

    def add(self, text: str) -> str:
        """Return the text that may be sent after this piece. An end that may begin a stop text is kept back."""
        whole = self._held + text
        places = [place for stop in self._stops if (place := whole.find(stop)) >= 0]
        if places:
            self.found, self._held = True, ""
            return whole[: min(places)]
        begun = max((self._begun(whole, stop) for stop in self._stops), default=0)
        sent = whole[: len(whole) - begun]
        self._held = whole[len(sent) :]
        return sent

    def rest(self) -> str:
        """Return what was kept back, when the answer has ended without a stop text."""
        rest, self._held = self._held, ""
        return rest

    @staticmethod
    def _begun(text: str, stop: str) -> int:
        """Return the number of characters at the end of `text` that begin the stop text."""
        return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
