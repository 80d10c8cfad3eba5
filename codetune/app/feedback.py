"""Corrected answers, kept for the next training: data/feedback.jsonl, a table as `ingest.sources` reads it.

The file is for git, like every source: then a commit has the rows that its model learned from. It is made with the
first row; without it, or before params.yaml names it, nothing of the pipeline changes.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from codetune.core.config import PARAMS_FILE, read_params
from codetune.core.errors import UserError
from codetune.core.files import JsonObject, atomic_file, digest_bytes, read_jsonl

FEEDBACK = Path("data/feedback.jsonl")
MAX_CHARS = 20_000
PARAMS_SNIPPET = f"- {{type: table, name: feedback, path: {FEEDBACK}, license: MIT}}"
_LOCK = Path(".cache/feedback.lock")
_ID_DIGITS = 16


@dataclass(frozen=True)
class Correction:
    """An answer as it should have been.

    :param completion: the corrected answer, which is what is learned.
    :param answer: what the model had written.
    :param model: `base` or `tuned`, and `revision` the commit id that it is of, or `workspace`.
    """

    instruction: str
    completion: str
    answer: str
    model: str
    revision: str

    @property
    def id(self) -> str:
        """The same for the same instruction and corrected answer, whoever had answered."""
        return digest_bytes(f"{self.instruction}\x1f{self.completion}".encode())[:_ID_DIGITS]


@dataclass(frozen=True)
class Kept:
    """How many rows there are now, and whether the last one is new."""

    rows: int
    new: bool


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold off every other session and process that keeps an answer."""
    path = root / _LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _check(correction: Correction) -> None:
    for name, text in (("instruction", correction.instruction), ("corrected answer", correction.completion)):
        if not text.strip():
            raise UserError(f"the {name} is empty", "Write it before you keep it.")
        if len(text) > MAX_CHARS:
            raise UserError(f"the {name} has {len(text)} characters, at most {MAX_CHARS} are kept", "Shorten it.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UserError(f"the {name} holds half a character (a lone surrogate)", "Remove it.") from None


def read_feedback(root: Path) -> list[JsonObject]:
    """The rows that were kept, the oldest first; none where there is no file yet.

    :raises UserError: when a line is damaged; it is named.
    """
    path = root / FEEDBACK
    return read_jsonl(path) if path.exists() else []


def keep(root: Path, correction: Correction) -> Kept:
    """Add one row at the end of data/feedback.jsonl; one that is there already is not added again.

    The file is replaced as a whole, so that no reader and no crash ever meets half a line.

    :raises UserError: when a text is empty, too long, or no text, or when the file is damaged.
    """
    _check(correction)
    path = root / FEEDBACK
    with _locked(root):
        rows = read_feedback(root)
        if any(row.get("id") == correction.id for row in rows):
            return Kept(len(rows), new=False)
        before = path.read_bytes() if path.exists() else b""
        if before and not before.endswith(b"\n"):  # somebody's editor left it out
            before += b"\n"
        line = json.dumps({"id": correction.id, **asdict(correction)}, ensure_ascii=False) + "\n"
        with atomic_file(path) as temporary:
            temporary.write_bytes(before + line.encode())
    return Kept(len(rows) + 1, new=True)


def is_source(root: Path) -> bool:
    """Whether params.yaml names the file among `ingest.sources`, so that the next `dvc repro` reads it.

    :raises UserError: when params.yaml cannot be read.
    """
    section = read_params(root / PARAMS_FILE).get("ingest")
    sources = section.get("sources") if isinstance(section, dict) else None
    paths = [source.get("path") for source in sources or [] if isinstance(source, dict)]
    return any(isinstance(path, str) and Path(path) == FEEDBACK for path in paths)


def is_held_out(instruction: str, asked: Iterable[str]) -> bool:
    """Whether an instruction is one that the test set asks, but for white space: no model may learn from it.

    :param asked: the instructions of the test set.
    """
    words = instruction.split()
    return any(words == other.split() for other in asked)
