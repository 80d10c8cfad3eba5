"""The `ingest` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.config import Section


class IngestParams(Section):
    """What is fetched, how much of it is read, and on how many cores."""

    section: ClassVar[str] = "ingest"
    packages: str = Field(description="file of pins, `name==version --hash=sha256:…` a line, as pip writes them")
    cache: str = Field(description="folder that keeps downloaded wheels, so that a second run needs no network")
    max_wheel_mb: int = Field(gt=0, le=2048, description="MiB; a larger wheel is refused: nothing here needs one")
    max_file_kb: int = Field(gt=0, le=65536, description="KiB; larger sources are tables or generated, and counted")
    workers: int = Field(ge=0, le=256, description="processes that parse sources; 0 takes all cores")
