"""The routes of the server, in the form of OpenAI's API: `/v1/models` and `/v1/chat/completions`."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from codetune.core.errors import UserError
from codetune.generation.engines.engine import EngineError
from codetune.serving.answers import Piece, Question, Slots
from codetune.serving.errors import ApiError
from codetune.serving.guard import Access, Guard
from codetune.serving.models import ServedModel
from codetune.serving.requests import ChatRequest, read_request

Json = dict[str, Any]


def make_app(models: Mapping[str, ServedModel], slots: int, max_tokens: int, access: Access) -> Starlette:
    """Return the ASGI application.

    :param models: the models by the name that clients use.
    :param slots: number of answers at the same time.
    :param max_tokens: largest number of tokens of an answer, for requests that do not say it.
    :param access: who may use the server.
    """
    api = _Api(models, slots, max_tokens)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        api.slots.close()

    guards: list[Middleware] = [Middleware(Guard, access=access)]
    if access.origins:
        guards.append(
            Middleware(CORSMiddleware, allow_origins=access.origins, allow_methods=["*"], allow_headers=["*"])
        )
    return Starlette(
        routes=[
            Route("/v1/models", api.list_models),
            Route("/v1/models/{name:path}", api.show_model),
            Route("/v1/chat/completions", api.chat, methods=["POST"]),
        ],
        middleware=guards,
        exception_handlers={ApiError: _on_api_error, HTTPException: _on_http_error, Exception: _on_fault},
        lifespan=lifespan,
    )


class _Api:
    """The handlers of the routes."""

    def __init__(self, models: Mapping[str, ServedModel], slots: int, max_tokens: int) -> None:
        self._models = models
        self._max_tokens = max_tokens
        self.slots = Slots(slots)

    async def list_models(self, _: Request) -> Response:
        """List the models."""
        return JSONResponse({"object": "list", "data": [_described(name, it) for name, it in self._models.items()]})

    async def show_model(self, request: Request) -> Response:
        """Describe one model."""
        name = request.path_params["name"]
        return JSONResponse(_described(name, self._model(name)))

    async def chat(self, request: Request) -> Response:
        """Answer the last message of a conversation."""
        asked = read_request(await request.body())
        question = await self._question(asked)
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": asked.model}
        if asked.stream:
            usage = asked.stream_options is not None and asked.stream_options.include_usage
            return _EventStream(_chunks(self.slots, question, head, usage=usage))
        return _UntilHangUp(_whole(self.slots, question, head))

    def _model(self, name: str) -> ServedModel:
        if name not in self._models:
            known = ", ".join(self._models)
            raise ApiError(404, f"there is no model {name[:80]}; known: {known}", "model_not_found", "model")
        return self._models[name]

    async def _question(self, asked: ChatRequest) -> Question:
        """Return what the engine is asked.

        :raises ApiError: when the conversation is refused by the template, or does not fit into the context.
        """
        model, settings = self._model(asked.model), asked.settings(self._max_tokens)
        messages = [message.plain() for message in asked.messages]
        try:
            prompt: list[int] = await asyncio.to_thread(model.engine.prompt, model.name, messages)
        except UserError as error:
            raise ApiError(400, str(error), "invalid_value", "messages") from None
        if len(prompt) >= model.engine.context:
            raise ApiError(
                400, f"the messages have {len(prompt)} tokens, and the context has {model.engine.context}",
                "context_length_exceeded", "messages",
            )  # fmt: skip
        return Question(model.engine, model.name, prompt, settings, asked.repeatable(), asked.stops())


async def _whole(slots: Slots, question: Question, head: Json) -> Response:
    """Return the response with a whole answer."""
    async with aclosing(slots.answer(question)) as generated:
        pieces = [piece async for piece in generated]
    message = {"role": "assistant", "content": "".join(piece.text for piece in pieces), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": pieces[-1].reason}
    usage = _usage(question, pieces[-1])
    return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": usage})


async def _chunks(slots: Slots, question: Question, head: Json, *, usage: bool) -> AsyncGenerator[Json, None]:
    """Yield the chunks of a streamed answer."""

    def chunk(delta: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**head, "object": "chat.completion.chunk", "choices": [choice]} | ({"usage": None} if usage else {})

    last = Piece("", 0)
    yield chunk({"role": "assistant", "content": ""})
    async with aclosing(slots.answer(question)) as pieces:
        async for piece in pieces:
            last = piece
            if piece.text:
                yield chunk({"content": piece.text})
    yield chunk({}, last.reason)
    if usage:
        yield {**head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(question, last)}


def _usage(question: Question, last: Piece) -> Json:
    read = len(question.prompt)
    return {"prompt_tokens": read, "completion_tokens": last.tokens, "total_tokens": read + last.tokens}


def _described(name: str, model: ServedModel) -> Json:
    return {"id": name, "object": "model", "created": model.created, "owned_by": "codetune"}


class _UntilHangUp(Response):
    """A response that is computed while the client waits. If the client hangs up, the computation is cancelled."""

    def __init__(self, work: Awaitable[Response]) -> None:
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def respond() -> None:
            try:
                response = await self._work
            except ApiError as error:
                response = error.response()
            except EngineError as error:
                response = ApiError(503, str(error), "engine_failed").response()
            await response(scope, receive, send)

        await _while_connected(receive, respond())


class _EventStream(Response):
    """Server-sent events, until the answer ends or the client hangs up."""

    def __init__(self, chunks: AsyncGenerator[Json, None]) -> None:
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - of the protocol
        async def respond() -> None:
            async def event(data: str, *, more: bool = True) -> None:
                await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": more})

            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            try:
                async with aclosing(self._chunks) as chunks:
                    async for chunk in chunks:
                        await event(json.dumps(chunk))
            except ApiError as error:
                await event(json.dumps(error.body()))
            except EngineError as error:
                await event(json.dumps(ApiError(503, str(error), "engine_failed").body()))
            await event("[DONE]", more=False)

        await _while_connected(receive, respond())


async def _while_connected(receive: Receive, work: Any) -> None:
    """Run `work`, and cancel it when the client hangs up."""

    async def hang_up() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(hang_up())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
    await asyncio.gather(working, leaving, return_exceptions=True)
    if not working.cancelled() and (error := working.exception()) is not None:
        raise error


async def _on_api_error(_: Request, error: Exception) -> Response:
    return error.response() if isinstance(error, ApiError) else await _on_fault(_, error)


async def _on_http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said: dict[int, str] = {
        HTTPStatus.NOT_FOUND: "there is no such path; see /v1/models and /v1/chat/completions",
        HTTPStatus.METHOD_NOT_ALLOWED: "this method is not allowed",
    }
    return ApiError(
        status,
        said.get(status, "the request cannot be answered"),
        "not_found" if status == HTTPStatus.NOT_FOUND else None,
    ).response()


async def _on_fault(_: Request, error: Exception) -> Response:
    return ApiError(500, f"this is a bug in codetune ({type(error).__name__})", "internal_error").response()
