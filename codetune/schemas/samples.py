"""reports/samples/{base,tuned}.jsonl: what a model answered to each test prompt."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import Count, RowId, Text, Words
from codetune.schemas.declaration import STRICT, Schema


class Sample(TypedDict):
    """A prompt, its reference, and the answer, which may be empty.

    `ended` tells why it did: `end` is its end token, `code` that its code was whole, `limit` that of tokens. `stopped`
    tells that it was not cut off at the limit.
    """

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
    ended: NotRequired[Annotated[Literal["end", "code", "limit"], Field(description="end, code or limit")]]


SAMPLES = Schema(Sample, "generate")
