"""The `ingest` section of params.yaml: a list of typed sources, and settings for all of them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from codetune.core.config import STRICT, Section

# The characters of git references, `~2`, `^` and `@{1}`; no hyphen at the start, so that git never reads an option.
REVISION = r"^[A-Za-z0-9_][A-Za-z0-9_./@{}~^+-]*$"


class _Part(BaseModel):
    """Base class of the models in this section."""

    model_config = STRICT


class _Source(_Part):
    """Parameters that every source has."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="unique name of the source in rows, groups and reports"
    )
    license: str | None = Field(
        default=None,
        min_length=1,
        description="licence as an SPDX expression; null: the licence that the source itself names, else NOASSERTION",
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        description="largest number of rows; they are chosen by row id, so that no folder is preferred. null: all",
    )


class Columns(_Part):
    """Names of the columns of a table; a column that is null is detected."""

    instruction: str | None = Field(default=None, description="column with the instruction")
    input: str | None = Field(
        default=None, description="column with a text that is appended to the instruction after a blank line"
    )
    completion: str | None = Field(default=None, description="column with the answer")
    messages: str | None = Field(
        default=None, description="column with a chat; the first question and its answer are used"
    )
    group: str | None = Field(
        default=None,
        description="column with the group: rows with the same value go to the same split; null: a hash of the "
        "instruction",
    )

    @model_validator(mode="after")
    def _whole(self) -> Columns:
        """Check that the named columns are complete, so that none has to be guessed.

        :raises ValueError: when `instruction` or `completion` is named without the other, when `messages` is named with
            them, or when `input` is named without them.
        """
        if (self.instruction is None) != (self.completion is None):
            raise ValueError("name both `instruction` and `completion`, or neither")
        if self.messages and (self.instruction or self.input):
            raise ValueError("name either `messages`, or `instruction` and `completion`")
        if self.input and not self.instruction:
            raise ValueError("`input` needs `instruction` and `completion`")
        return self


class PackagesSource(_Source):
    """Documented functions in pinned wheels."""

    type: Literal["packages"] = Field(description="pinned wheels of a package registry")
    file: str = Field(description="file with one pin per line: `name==version --hash=sha256:…`")
    cache: str = Field(
        default=".cache/wheels",
        description="folder that keeps downloaded wheels, so that a second run needs no network",
    )
    max_wheel_mb: int = Field(
        default=64, gt=0, le=2048, description="largest size of a wheel in MiB; a larger wheel is an error"
    )


class StdlibSource(_Source):
    """Documented functions in the standard library of the running interpreter."""

    type: Literal["stdlib"] = Field(description="the standard library of the interpreter that runs the stage")
    license: str | None = Field(default="PSF-2.0", min_length=1, description="SPDX expression")


class FolderSource(_Source):
    """Documented functions in a folder or git repository."""

    type: Literal["folder"] = Field(description="a folder of Python files, or a git repository at a revision")
    path: str = Field(min_length=1, description="the folder, or a folder inside a git repository")
    revision: str | None = Field(
        default=None,
        pattern=REVISION,
        description="commit, tag or branch to read from git; null: the files in the folder as they are",
    )


class TableSource(_Source):
    """Instructions and answers in a file."""

    type: Literal["table"] = Field(description="a JSON, JSONL, CSV or Parquet file of instructions and answers")
    path: str = Field(min_length=1, description="the file; it may be compressed with gzip")
    format: Literal["json", "jsonl", "csv", "parquet"] | None = Field(
        default=None, description="null: detected from the content"
    )
    columns: Columns | None = Field(
        default=None, description="null: detected (Alpaca, prompt and completion, or chat messages)"
    )


class HubSource(_Source):
    """Instructions and answers in a data set of a hub."""

    type: Literal["hub"] = Field(description="a data set that the `datasets` library loads")
    path: str = Field(min_length=1, description="hub id, or a local folder of the same form")
    revision: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{40}$", description="the pinned commit of a hub id; null for a local folder"
    )
    config: str | None = Field(default=None, description="name of the configuration; null: the only one")
    split: str = Field(default="train", description="split of the data set that is read")
    cache: str = Field(default=".cache/datasets", description="folder that keeps downloaded data sets")
    columns: Columns | None = Field(default=None, description="the same as for a table")


Source = Annotated[
    PackagesSource | StdlibSource | FolderSource | TableSource | HubSource, Field(discriminator="type")
]  # fmt: skip


class IngestParams(Section):
    """Sources, and limits that apply to all of them."""

    section: ClassVar[str] = "ingest"
    sources: list[Source] = Field(min_length=1, description="the sources of rows, in the order of the raw table")
    max_file_kb: int = Field(
        gt=0, le=65536, description="largest size of a source file in KiB; larger files are skipped and counted"
    )
    workers: int = Field(ge=0, le=256, description="processes that parse sources; 0: all cores")

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: list[Source]) -> list[Source]:
        """Check that each name is unique: rows refer to their source by name.

        :returns: the same sources.
        :raises ValueError: when two sources have the same name.
        """
        repeated = [name for name, count in Counter(source.name for source in sources).items() if count > 1]
        if repeated:
            raise ValueError(f"two sources are named {repeated[0]!r}; give each a different name")
        return sources
