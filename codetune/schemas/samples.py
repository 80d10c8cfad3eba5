"""reports/samples/{base,tuned}.jsonl and .benchmarks.jsonl: what a model answered to each prompt."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import Count, RowId, Sha256, Text, Words
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


class BenchmarkSample(TypedDict):
    """The answer to a problem of a benchmark, whose texts are not repeated.

    `problem_sha256` is of question and reference; `answer` is as `pack_answer` has it.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]
    set: Words
    task_id: Words
    problem_sha256: Sha256
    answer: list[int | str]
    tokens: Count
    stopped: Annotated[bool, Field(description="true or false")]
    ended: Annotated[Literal["end", "code", "limit"], Field(description="end, code or limit")]


SAMPLES = Schema(Sample, "generate")
BENCHMARK_SAMPLES = Schema(BenchmarkSample, "generate", label="task_id", unique=False)
