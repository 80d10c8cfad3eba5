"""Save each result as soon as it is computed, so that a killed run can continue: JSON lines with a digest in each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, digest_bytes, parse_line, write_jsonl

_RECIPE, _SUM = "recipe", "sum"
_SUM_DIGITS = 16


@dataclass(frozen=True)
class Journal:
    """A JSON-lines file with the results of a run and of the interrupted runs that it continues.

    :param path: the file.
    :param recipe: a digest of everything that the results depend on; results with another digest are not reused.
    """

    path: Path
    recipe: str

    def read(self) -> list[JsonObject] | None:
        """Return the results that were saved; an incomplete last line is ignored.

        :returns: the results in order, empty if there is no file; None if the file is damaged (if only by one bit) or
            has another recipe.
        """
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        lines = content.split(b"\n")[:-1]
        try:
            rows = [parse_line(self.path, number, line) for number, line in enumerate(lines, start=1)]
        except UserError:
            return None
        if (content and not rows) or not all(map(self._is_valid, rows)):
            return None
        return [{key: value for key, value in row.items() if key not in (_RECIPE, _SUM)} for row in rows]

    def write(self, rows: Iterable[JsonObject]) -> None:
        """Replace the content of the file by these results, atomically."""
        write_jsonl(self.path, (self._marked(row) for row in rows))

    @contextmanager
    def writing(self, kept: list[JsonObject]) -> Iterator[Callable[[JsonObject], None]]:
        """Write the results in `kept`, then yield a function that appends one result and flushes it to the file.

        :param kept: results of earlier runs, from `read`.
        """
        self.write(kept)
        with self.path.open("a", encoding="utf-8") as stream:

            def add(row: JsonObject) -> None:
                stream.write(json.dumps(self._marked(row), ensure_ascii=False) + "\n")
                stream.flush()

            yield add

    def _marked(self, row: JsonObject) -> JsonObject:
        marked = {**row, _RECIPE: self.recipe}
        return {**marked, _SUM: _sum(marked)}

    def _is_valid(self, marked: JsonObject) -> bool:
        found = {key: value for key, value in marked.items() if key != _SUM}
        return marked.get(_RECIPE) == self.recipe and marked.get(_SUM) == _sum(found)


def _sum(row: JsonObject) -> str:
    return digest_bytes(json.dumps(row).encode())[:_SUM_DIGITS]
