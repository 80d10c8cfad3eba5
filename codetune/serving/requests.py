"""The requests that the server takes: those fields of OpenAI's API that it supports."""

from __future__ import annotations

import json
import secrets
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codetune.core.errors import UserError
from codetune.generation.sampling import SamplingSettings
from codetune.serving.errors import ApiError

_MAX_STOPS = 4
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class TextPart(BaseModel):
    """A part of a message's content."""

    model_config = _STRICT
    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """A message of the conversation."""

    model_config = _STRICT
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: str | None = None

    def plain(self) -> dict[str, str]:
        """Return role and text, as the chat template takes them."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class StreamOptions(BaseModel):
    """What a stream contains besides the text."""

    model_config = _STRICT
    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class TextFormat(BaseModel):
    """The format of the answer: text, the only one."""

    model_config = _STRICT
    type: Literal["text"]


class ChatRequest(BaseModel):
    """The body of `POST /v1/chat/completions`.

    Fields that change an answer in a way that is not supported may only have the value that changes nothing.
    """

    model_config = _STRICT
    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    user: str | None = None
    logprobs: Literal[False] | None = None
    presence_penalty: float | None = Field(default=None, ge=0, le=0)
    frequency_penalty: float | None = Field(default=None, ge=0, le=0)
    response_format: TextFormat | None = None

    def stops(self) -> list[str]:
        """Return the texts that end an answer."""
        return [self.stop] if isinstance(self.stop, str) else list(self.stop or [])

    def repeatable(self) -> bool:
        """Return whether the same request must get the same answer: always, except for sampling without a seed."""
        return not self.temperature or self.seed is not None

    def settings(self, max_tokens: int) -> SamplingSettings:
        """Return how tokens are chosen. Without a temperature, decoding is greedy, as in the reports.

        :param max_tokens: largest number of tokens, if the request does not say it.
        :raises ApiError: when a value is out of range.
        """
        try:
            return SamplingSettings(
                temperature=self.temperature or 0.0,
                top_p=1.0 if self.top_p is None else self.top_p,
                max_new_tokens=self.max_completion_tokens or self.max_tokens or max_tokens,
                seed=secrets.randbelow(2**32 - 1) if self.seed is None else self.seed,
            )
        except UserError as error:
            raise ApiError(400, str(error), "invalid_value") from None


def read_request(body: bytes) -> ChatRequest:
    """Return the request of a body.

    :raises ApiError: when it is not JSON, or a field is unknown, missing or wrong; the first one is named.
    """
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "the body is not valid JSON", "invalid_json") from None
    if not isinstance(content, dict):
        raise ApiError(400, "the body is not a JSON object", "invalid_json")
    try:
        request = ChatRequest.model_validate(content)
    except ValidationError as error:
        raise _field_error(error.errors()[0]) from None
    stops = request.stops()
    if len(stops) > _MAX_STOPS or not all(stops):
        raise ApiError(400, f"stop takes one to {_MAX_STOPS} texts that are not empty", "invalid_value", "stop")
    if request.messages[-1].role == "assistant":
        raise ApiError(400, "the last message is of the assistant, expected one of the user", None, "messages")
    return request


def _field_error(problem: Any) -> ApiError:
    """Return the error for the first problem that pydantic found."""
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return ApiError(400, f"unknown field: {field}", "unknown_parameter", field)
    if problem["type"] == "missing":
        return ApiError(400, f"missing field: {field}", "missing_required_parameter", field)
    expected = str(problem["msg"]).removeprefix("Input should be ")
    return ApiError(400, f"{field}: expected {expected}", "invalid_value", field)
