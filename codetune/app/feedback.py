"""Corrected answers, saved for the next training in data/feedback.jsonl.

The file is a table that `ingest.sources` can read. Track it in git, like every source, so that a commit contains the
rows that its model learned from. The first saved row creates the file. The file changes nothing in the pipeline until
params.yaml names it.
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
    """A corrected answer.

    :param instruction: the instruction that was asked.
    :param completion: the corrected answer, which training learns.
    :param answer: what the model had generated.
    :param model: `base` or `tuned`.
    :param revision: the commit id of the revision that the model is from, or `workspace`.
    """

    instruction: str
    completion: str
    answer: str
    model: str
    revision: str

    @property
    def id(self) -> str:
        """Return a hash of instruction and corrected answer; it does not depend on the model."""
        return digest_bytes(f"{self.instruction}\x1f{self.completion}".encode())[:_ID_DIGITS]


@dataclass(frozen=True)
class KeepResult:
    """What `keep` did.

    :param rows: number of rows in the file.
    :param new: whether this call added a row; false where the row was already there.
    """

    rows: int
    new: bool


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold a file lock, so that only one session or process at a time changes the file."""
    path = root / _LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _check(correction: Correction) -> None:
    for name, text in (("instruction", correction.instruction), ("corrected answer", correction.completion)):
        if not text.strip():
            raise UserError(f"the {name} is empty", "Write a text, then keep it.")
        if len(text) > MAX_CHARS:
            raise UserError(f"the {name} has {len(text)} characters; the limit is {MAX_CHARS}", "Shorten it.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UserError(f"the {name} holds half a character (a lone surrogate)", "Remove it.") from None


def read_feedback(root: Path) -> list[JsonObject]:
    """Return the saved rows, oldest first; an empty list if the file does not exist.

    :raises UserError: if a line is damaged; the error names the line.
    """
    path = root / FEEDBACK
    return read_jsonl(path) if path.exists() else []


def keep(root: Path, correction: Correction) -> KeepResult:
    """Add one row at the end of data/feedback.jsonl, unless it is already there.

    The whole file is replaced in one step, so that a reader never sees an incomplete line, even after a crash.

    :raises UserError: if a text is empty, too long or not valid Unicode, or if the file is damaged.
    """
    _check(correction)
    path = root / FEEDBACK
    with _locked(root):
        rows = read_feedback(root)
        if any(row.get("id") == correction.id for row in rows):
            return KeepResult(len(rows), new=False)
        before = path.read_bytes() if path.exists() else b""
        if before and not before.endswith(b"\n"):  # an editor may have removed the last line break
            before += b"\n"
        line = json.dumps({"id": correction.id, **asdict(correction)}, ensure_ascii=False) + "\n"
        with atomic_file(path) as temporary:
            temporary.write_bytes(before + line.encode())
    return KeepResult(len(rows) + 1, new=True)


def is_source(root: Path) -> bool:
    """Return whether `ingest.sources` in params.yaml names the file, so that the next `dvc repro` reads it.

    :raises UserError: if params.yaml cannot be read.
    """
    section = read_params(root / PARAMS_FILE).get("ingest")
    sources = section.get("sources") if isinstance(section, dict) else None
    paths = [source.get("path") for source in sources or [] if isinstance(source, dict)]
    return any(isinstance(path, str) and Path(path) == FEEDBACK for path in paths)


def is_held_out(instruction: str, asked: Iterable[str]) -> bool:
    """Return whether an instruction is in the test set, ignoring white space. No model may learn from such a prompt.

    :param asked: the instructions of the test set.
    """
    words = instruction.split()
    return any(words == other.split() for other in asked)
