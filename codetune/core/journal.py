"""Results kept as they come, so that a killed run goes on: JSON lines, each with the recipe that it was made by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, parse_line, write_jsonl

_RECIPE = "recipe"


@dataclass(frozen=True)
class Journal:
    """The results of one run and of those that it goes on from.

    :param recipe: a digest of all that a result depends on.
    """

    path: Path
    recipe: str

    def read(self) -> list[JsonObject] | None:
        """The results so far, without one whose line broke off; None where the file is of another recipe."""
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        lines = content.split(b"\n")[:-1]
        try:
            rows = [parse_line(self.path, number, line) for number, line in enumerate(lines, start=1)]
        except UserError:
            return None
        if (content and not rows) or any(row.pop(_RECIPE, None) != self.recipe for row in rows):
            return None
        return rows

    def write(self, rows: Iterable[JsonObject]) -> None:
        """Have the file hold these results and no others."""
        write_jsonl(self.path, (self._marked(row) for row in rows))

    @contextmanager
    def writing(self, kept: list[JsonObject]) -> Iterator[Callable[[JsonObject], None]]:
        """Yield what adds a result behind those that were `kept`; it is on the disk at once."""
        self.write(kept)
        with self.path.open("a", encoding="utf-8") as stream:

            def add(row: JsonObject) -> None:
                stream.write(json.dumps(self._marked(row), ensure_ascii=False) + "\n")
                stream.flush()

            yield add

    def _marked(self, row: JsonObject) -> JsonObject:
        return {**row, _RECIPE: self.recipe}
