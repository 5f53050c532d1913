"""What answers whatever a route raises (C1): FastAPI's handlers, in one place."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from app.core.errors import (
    CLIENT_GONE,
    SERVER_ERROR,
    AppError,
    ConflictError,
    EventSink,
    answer,
    constraint_of,
    error_response,
    problems_of,
)
from app.core.logs import logger
from app.core.metrics import METHODS, Metrics

HTTP_CODES = {
    400: "ERR_1006",
    401: "ERR_1101",
    403: "ERR_1102",
    404: "ERR_1002",
    405: "ERR_1004",
    408: "ERR_1007",
    409: "ERR_1003",
    413: "ERR_1005",
    422: "ERR_1001",
    429: "ERR_1400",
    503: "ERR_1200",
}
log = logger(__name__)


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)  # noqa: S101  (registered for this class only)
    if error.status >= SERVER_ERROR:
        log.warning("request failed", error_code=error.code, cause=type(error.__cause__).__name__)
    return answer(request.scope, error)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        return error_response(request.scope, "ERR_1006", "The body is not JSON", problems_of(found))
    return error_response(request.scope, "ERR_1001", "The request is not valid", problems_of(found))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if isinstance(error.__cause__, ClientDisconnect):
        return Response(status_code=CLIENT_GONE)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(methods_of(request)))
    code = HTTP_CODES.get(error.status_code, "ERR_1000" if error.status_code >= SERVER_ERROR else "ERR_1006")
    return error_response(request.scope, code, str(error.detail), headers=headers, cause=error)


def methods_of(request: Request) -> set[str]:
    """The methods of all routes at this path: Starlette names those of the first (RFC 9110 §10.2.1)."""
    asked = [(method, dict(request.scope, method=method)) for method in METHODS]
    routes = request.app.routes
    return {method for method, scope in asked if any(r.matches(scope)[0] is Match.FULL for r in routes)}


async def _integrity_error(request: Request, error: Exception) -> JSONResponse:
    log.warning("constraint refused a write", constraint=constraint_of(error))
    return error_response(request.scope, "ERR_1003", ConflictError.message, cause=error)


def install(app: FastAPI, metrics: Metrics, events: EventSink) -> None:
    """Registers the handlers. Unknown exceptions are answered by the middleware LastResort."""
    app.state.metrics = metrics
    app.state.events = events
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(IntegrityError, _integrity_error)
