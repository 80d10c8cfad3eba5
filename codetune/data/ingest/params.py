"""The `ingest` section of params.yaml: a list of typed sources, and what holds for all of them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from codetune.core.config import STRICT, Section

# No leading hyphen, so that git never takes a revision for an option; the characters of refs, `~2`, `^` and `@{1}`.
REVISION = r"^[A-Za-z0-9_][A-Za-z0-9_./@{}~^+-]*$"


class _Part(BaseModel):
    """Base of what stands in the section."""

    model_config = STRICT


class _Source(_Part):
    """What every source has."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="how rows, groups and reports call the source; unique"
    )
    license: str | None = Field(
        default=None, min_length=1, description="SPDX expression; null: what the source itself says, or NOASSERTION"
    )
    limit: int | None = Field(
        default=None, ge=1, description="rows at the most, drawn by row id so that no folder is preferred; null: all"
    )


class Columns(_Part):
    """Which columns of a table hold what; those that are null are detected."""

    instruction: str | None = Field(default=None, description="the text to be answered")
    input: str | None = Field(default=None, description="a text that follows the instruction after a blank line")
    completion: str | None = Field(default=None, description="the answer")
    messages: str | None = Field(default=None, description="a chat: the first question and its answer are taken")
    group: str | None = Field(default=None, description="rows of one value stay in one split; null: hash of the row")

    @model_validator(mode="after")
    def _whole(self) -> Columns:
        """Half a mapping would be guessed around.

        :raises ValueError: when one of instruction and completion is named without the other, or messages with them.
        """
        if (self.instruction is None) != (self.completion is None):
            raise ValueError("name both `instruction` and `completion`, or neither")
        if self.messages and (self.instruction or self.input):
            raise ValueError("name either `messages`, or `instruction` and `completion`")
        if self.input and not self.instruction:
            raise ValueError("`input` goes with `instruction` and `completion`")
        return self


class PackagesSource(_Source):
    """Documented functions of pinned wheels."""

    type: Literal["packages"] = Field(description="pinned wheels of a package registry")
    file: str = Field(description="file of pins, `name==version --hash=sha256:…` a line, as pip writes them")
    cache: str = Field(
        default=".cache/wheels",
        description="folder that keeps downloaded wheels, so that a second run needs no network",
    )
    max_wheel_mb: int = Field(
        default=64, gt=0, le=2048, description="MiB; a larger wheel is refused: nothing here needs one"
    )


class StdlibSource(_Source):
    """Documented functions of the running interpreter's standard library."""

    type: Literal["stdlib"] = Field(description="the standard library of the interpreter that runs the stage")
    license: str | None = Field(default="PSF-2.0", min_length=1, description="SPDX expression")


class FolderSource(_Source):
    """Documented functions of a source tree."""

    type: Literal["folder"] = Field(description="a folder of Python files, or a git repository at a revision")
    path: str = Field(min_length=1, description="the folder, or a folder inside a git repository")
    revision: str | None = Field(
        default=None, pattern=REVISION, description="commit, tag or branch that git reads; null: the files as they lie"
    )


class TableSource(_Source):
    """Instructions and answers of a file."""

    type: Literal["table"] = Field(description="a JSON, JSONL, CSV or Parquet file of instructions and answers")
    path: str = Field(min_length=1, description="the file; gzip is understood")
    format: Literal["json", "jsonl", "csv", "parquet"] | None = Field(
        default=None, description="null: detected from the content"
    )
    columns: Columns | None = Field(
        default=None, description="null: detected (Alpaca, prompt and completion, or chat messages)"
    )


class HubSource(_Source):
    """Instructions and answers of a data set of the hub."""

    type: Literal["hub"] = Field(description="a data set that the `datasets` library loads")
    path: str = Field(min_length=1, description="hub id, or a local folder of the same shape")
    revision: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{40}$", description="the pinned commit of a hub id; null for a local folder"
    )
    config: str | None = Field(default=None, description="name of the configuration; null: the only one")
    split: str = Field(default="train", description="the split of the data set that is read")
    cache: str = Field(default=".cache/datasets", description="folder that keeps what was downloaded")
    columns: Columns | None = Field(default=None, description="as of a table")


Source = Annotated[
    PackagesSource | StdlibSource | FolderSource | TableSource | HubSource, Field(discriminator="type")
]  # fmt: skip


class IngestParams(Section):
    """What is read, how much of it, and on how many cores."""

    section: ClassVar[str] = "ingest"
    sources: list[Source] = Field(min_length=1, description="where rows come from, in the order of the raw table")
    max_file_kb: int = Field(gt=0, le=65536, description="KiB; larger sources are tables or generated, and counted")
    workers: int = Field(ge=0, le=256, description="processes that parse sources; 0 takes all cores")

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: list[Source]) -> list[Source]:
        """The same sources.

        :raises ValueError: when two have the same name: their rows could not be told apart.
        """
        repeated = [name for name, count in Counter(source.name for source in sources).items() if count > 1]
        if repeated:
            raise ValueError(f"two sources are named {repeated[0]!r}; give each a name of its own")
        return sources
