"""From the bytes of a Python file to its text."""

from __future__ import annotations

import hashlib
import io
import tokenize
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """One Python file: where it stands, the sha256 of its bytes, and its text with newlines of one kind."""

    path: str
    sha256: str
    text: str


def storable(*texts: str) -> bool:
    """Whether a table can hold the texts: file names and string escapes can stand for lone surrogates."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def with_line_feeds(text: str) -> str:
    """`text` with line breaks of one kind."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode(content: bytes) -> str | None:
    """The text of a Python source, by its byte order mark or coding cookie, UTF-8 by default; None when it has none."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, ValueError, LookupError):
        return None
    if not encoding.startswith("utf-8") and not storable(text):  # utf-7 and unicode_escape can bring lone surrogates
        return None
    return with_line_feeds(text)


def read_source(path: str, content: bytes, skipped: Counter[str]) -> SourceFile | None:
    """The file at `path` with `content`; None when it is no text, which is counted in `skipped` by reason."""
    text = decode(content)
    if text is None:
        skipped["undecodable"] += 1
    elif "\0" in text:
        skipped["null_byte"] += 1
    else:
        return SourceFile(path, hashlib.sha256(content).hexdigest(), text)
    return None
