"""Errors in the shape the OpenAI client reads.

Every answer that is no success, from any route or from none, has the body
`{"error": {"message", "type", "param", "code"}}`, so that the client's `.code`, `.param` and `.type` are filled.
"Not ready yet" is 404, never 409: the client retries 408, 409, 429 and 5xx by itself.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

from skyloom.errors import InvalidArgument, MissingDependency, QuotaExceeded, StorageError
from skyloom.serving.files import is_full

log = logging.getLogger("skyloom.serving")
FREED_SECONDS = 5.0
"""When to come again after one has as many jobs as one may."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
CODES = {
    400: "invalid_request", 401: "invalid_api_key", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    413: "too_large", 415: "unsupported_media_type", 416: "range_not_satisfiable", 422: "invalid_request",
    429: "rate_limit_exceeded", 500: "internal_error", 501: "not_installed", 503: "unavailable", 504: "not_finished",
    507: "no_space",
}  # fmt: skip


class ApiError(Exception):
    """One refusal: a status, a sentence for people, a code and the name of a parameter for programs."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param
        self.code, self.headers = code or CODES.get(status, "error"), dict(headers or {})


def missing(what: str, identity: str, param: str | None = None) -> ApiError:
    """Return the 404 of a thing that is not there, or is another's: both read the same."""
    return ApiError(404, f"No {what} with id {identity!r}.", code=f"{what}_not_found", param=param)


def too_many(message: str, seconds: float, code: str = "rate_limit_exceeded") -> ApiError:
    """Return the 429 that says in two headers when to come again."""
    wait = {"retry-after-ms": str(math.ceil(seconds * 1000)), "retry-after": str(math.ceil(seconds))}
    return ApiError(429, message, code=code, headers=wait)


def answer(error: ApiError) -> JSONResponse:
    """Return an error as the client wants it."""
    kind = TYPES.get(error.status) or ("server_error" if error.status >= 500 else "invalid_request_error")
    body = {"message": error.message, "type": kind, "param": error.param, "code": error.code}
    return JSONResponse({"error": body}, error.status, headers=error.headers)


def from_argument(error: InvalidArgument) -> ApiError:
    """Return the 400 of an argument that cannot be used."""
    return ApiError(400, str(error), code="invalid_value", param=error.argument)


def from_validation(error: RequestValidationError | ValidationError) -> ApiError:
    """Return the 400 of the first thing wrong with a request; its parameter is named as the caller named it."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    param = ".".join(place) or None
    code = {"missing": "missing_required_parameter", "extra_forbidden": "unknown_parameter"}.get(first["type"])
    message = str(first["msg"]).removeprefix("Value error, ")
    return ApiError(400, f"{param}: {message}" if param else message, code=code or "invalid_value", param=param)


def from_http(error: HTTPException) -> ApiError:
    """Return what the framework refuses itself: no such path, no such method, a broken form."""
    return ApiError(error.status_code, f"{error.detail}.".replace("..", "."), headers=error.headers)


async def refused(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses; a wrong method is told all right ones."""
    told = from_http(cast(HTTPException, error))
    if told.status == 405:
        told_of = request.app.openapi()["paths"].get(request.url.path, {})
        tried = {name: {**request.scope, "method": name} for name in METHODS}
        right = sorted(name.upper() for name in told_of) or [name for name in tried if _leads(request.app, tried[name])]
        told.headers = {"allow": ", ".join(right)}
    return answer(told)


def _leads(app: FastAPI, scope: dict[str, Any]) -> bool:
    return any(route.matches(scope)[0] == Match.FULL for route in app.router.routes)


def from_quota(error: QuotaExceeded) -> ApiError:
    """Return the 429 of an owner who has enough; a full store of files empties by nobody's waiting."""
    refusal = too_many(f"{error}.", FREED_SECONDS, "too_much_stored" if "bytes" in error.what else "too_many_jobs")
    if "bytes" in error.what:
        refusal.headers["x-should-retry"] = "false"
    return refusal


def from_storage(error: StorageError) -> ApiError:
    """Return the 507 of a full disk, the 503 of a store that is away; what it said stays in the log."""
    log.error("%s", error)
    if is_full(error):
        return ApiError(507, "The server has no room left.", headers={"x-should-retry": "false"})
    return ApiError(503, "The server cannot keep jobs at the moment.", headers={"retry-after": "2"})


def from_dependency(error: MissingDependency) -> ApiError:
    """Return the 501 of something this server was installed without."""
    return ApiError(501, f"{error}.", headers={"x-should-retry": "false"})


def install(app: FastAPI) -> None:
    """Let every kind of error of an app end in such a body."""

    def told(change: Any) -> Any:
        async def handler(request: Request, error: Exception) -> JSONResponse:
            return answer(change(error))

        return handler

    app.add_exception_handler(ApiError, told(lambda error: error))
    app.add_exception_handler(QuotaExceeded, told(from_quota))
    app.add_exception_handler(StorageError, told(from_storage))
    app.add_exception_handler(MissingDependency, told(from_dependency))
    app.add_exception_handler(InvalidArgument, told(from_argument))
    app.add_exception_handler(RequestValidationError, told(from_validation))
    app.add_exception_handler(ValidationError, told(from_validation))
    app.add_exception_handler(HTTPException, refused)
