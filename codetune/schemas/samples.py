"""reports/samples/{base,tuned}.jsonl: what a model answered to each test prompt."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import Count, RowId, Text, Words
from codetune.schemas.declaration import STRICT, Schema


class Sample(TypedDict):
    """A prompt, its reference, and the answer, which may be empty; `stopped` tells that it ended by itself."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    group: Words
    path: Words
    qualname: Words
    instruction: Words
    reference: Words
    answer: Text
    tokens: Count
    stopped: Annotated[bool, Field(description="true or false")]


SAMPLES = Schema(Sample, "generate")
