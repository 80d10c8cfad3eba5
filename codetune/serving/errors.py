"""Errors in the form of OpenAI's API."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse


class ApiError(Exception):
    """An error that the client is told.

    :param status: the HTTP status.
    :param message: what is wrong, and what was expected.
    :param code: a word that programs can test; None if there is none.
    :param param: the field of the request that is wrong; None if there is none.
    """

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param

    def body(self) -> dict[str, Any]:
        """Return the body of the response."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"  # noqa: PLR2004
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """Return the response. The connection is closed, because a request may not have been read to its end."""
        return JSONResponse(self.body(), self.status, {"Connection": "close"})
