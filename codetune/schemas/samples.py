"""Schemas of reports/samples/{base,tuned}.jsonl and .benchmarks.jsonl: the answer of a model to each prompt."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import Count, RowId, Sha256, Text, Words
from codetune.schemas.declaration import STRICT, Schema


class Sample(TypedDict):
    """A prompt, its reference, and the model's answer, which may be empty.

    `tokens` is the length of the answer. `ended` is the reason why generation stopped: `end` (the end token), `code`
    (the code was complete) or `limit` (the token limit). `stopped` is false if the answer was cut off at the limit.
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
    """The answer to a problem of a benchmark, without the texts of the problem.

    `problem_sha256` is the digest of question and reference; `answer` is in the format that `pack_answer` returns.
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
