"""data/clean/corpus.parquet: the source files that the base model may be trained on."""

from __future__ import annotations

from typing_extensions import TypedDict

from codetune.schemas.columns import Sha256, Words
from codetune.schemas.declaration import STRICT, Schema


class CorpusFile(TypedDict):
    """A source file of a train group."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    group: Words
    package: Words
    license: Words
    path: Words
    sha256: Sha256
    text: Words


CORPUS = Schema(CorpusFile, "clean", label="path", unique=False)
