"""Decode the bytes of a Python file to text."""

from __future__ import annotations

import hashlib
import io
import tokenize
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """One Python file.

    :param path: path within its origin.
    :param sha256: hash of its bytes.
    :param text: its text; every line break is a line feed.
    """

    path: str
    sha256: str
    text: str


def storable(*texts: str) -> bool:
    """Return whether a table can store the texts.

    It cannot store lone surrogates, which are not valid UTF-8. File names and string escapes can contain them.
    """
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def with_line_feeds(text: str) -> str:
    """Return `text` with a line feed for every line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode(content: bytes) -> str | None:
    """Decode a Python source by its byte order mark or its coding cookie (PEP 263), by default as UTF-8.

    :returns: the text with line feeds; None if the bytes cannot be decoded.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, ValueError, LookupError):
        return None
    if not encoding.startswith("utf-8") and not storable(text):  # utf-7 and unicode_escape can give lone surrogates
        return None
    return with_line_feeds(text)


def read_source(path: str, content: bytes, skipped: Counter[str]) -> SourceFile | None:
    """Return a Python file as text.

    :param path: path within its origin.
    :param content: its bytes.
    :param skipped: counts the files that are not text, by reason (`undecodable`, `null_byte`).
    :returns: the file; None if it is not text.
    """
    text = decode(content)
    if text is None:
        skipped["undecodable"] += 1
    elif "\0" in text:
        skipped["null_byte"] += 1
    else:
        return SourceFile(path, hashlib.sha256(content).hexdigest(), text)
    return None
