"""The error model (C1): one body for every error, codes from contract.ERROR_CODES, handlers in one place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from app import contract
from app.core.logs import logger

DETAILS = 100  # at most this many problems are listed in one body
SERVER_ERROR = 500
HTTP_CODES = {
    400: "ERR_1006",
    401: "ERR_1101",
    404: "ERR_1002",
    405: "ERR_1004",
    409: "ERR_1003",
    413: "ERR_1005",
    422: "ERR_1001",
    503: "ERR_1200",
}
log = logger(__name__)


class ErrorBody(BaseModel):
    """What every error looks like."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": True,
                "error_code": "ERR_1002",
                "message": "Transaction not found",
                "details": {"resource": "Transaction", "id": "0b0f6f6c-7d5e-4a0e-9d1b-2f8d1f0f8a11"},
                "trace_id": "4f9d2c1e8b7a4c55a1d0f3e2b6c7d8e9",
                "timestamp": "2026-01-15T10:30:00Z",
            }
        }
    )
    error: bool = Field(True, description="Always true")
    error_code: str = Field(description="One of the listed codes, ERR_1000 … ERR_1600")
    message: str = Field(description="One sentence for people")
    details: dict[str, Any] = Field(description="What is wrong, by part; empty where there is nothing to add")
    trace_id: str = Field(description="Finds the error in the log; equal to X-Request-ID")
    timestamp: datetime


class AppError(Exception):
    """An error with a code. Subclasses give code and message; the status follows from the code."""

    code: ClassVar[str] = "ERR_1000"
    message: ClassVar[str] = "An unexpected error occurred"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.text = message or self.message
        self.details = details
        super().__init__(self.text)

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return contract.ERROR_CODES[self.code][0]


class NotFoundError(AppError):
    """There is no such thing, or it is somebody else's: the two cannot be told apart from outside."""

    code = "ERR_1002"

    def __init__(self, resource: str, key: object) -> None:
        super().__init__(f"{resource} not found", resource=resource, id=str(key))


class ConflictError(AppError):
    """The request contradicts what is stored."""

    code = "ERR_1003"
    message = "The request contradicts what is stored"


class InvalidRequestError(AppError):
    """A value that only the stored data can tell to be wrong; ``problems`` as in a validation error."""

    code = "ERR_1001"
    message = "The request is not valid"


class UnauthenticatedError(AppError):
    """No bearer token."""

    code = "ERR_1100"
    message = "A bearer token is needed"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class InvalidTokenError(AppError):
    """A bearer token that is not valid; why is not told."""

    code = "ERR_1101"
    message = "The bearer token is not valid"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class DatabaseAwayError(AppError):
    """The database cannot work now."""

    code = "ERR_1200"
    message = "The database is not available; try again shortly"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5"}


class PoolExhaustedError(AppError):
    """Every connection is in use."""

    code = "ERR_1201"
    message = "The service is busy; try again shortly"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


def error_response(
    scope: Any,
    code: str,
    message: str,
    details: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The body of C1 with the status of the code; counted."""
    state = scope.get("state", {})
    metrics = getattr(scope["app"].state, "metrics", None) if "app" in scope else None
    if metrics is not None:
        metrics.error(code)
    body = ErrorBody(
        error_code=code,
        message=message,
        details=details or {},
        trace_id=state.get("request_id", ""),
        timestamp=datetime.now(UTC),
    )
    return JSONResponse(body.model_dump(mode="json"), contract.ERROR_CODES[code][0], headers)


def problems_of(errors: Any) -> dict[str, Any]:
    """Pydantic's errors as {problems: [{field, problem}], total}; never the value that was sent."""
    listed = [
        {"field": field_path(error["loc"]), "problem": str(error["msg"]).removeprefix("Value error, ")}
        for error in errors[:DETAILS]
    ]
    return {"problems": listed, "total": len(errors)}


def field_path(location: tuple[int | str, ...]) -> str:
    """("body", "transactions", 3, "amount") → "body.transactions[3].amount"."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)  # noqa: S101  (registered for this class only)
    if error.status >= SERVER_ERROR:
        log.warning("request failed", error_code=error.code, cause=type(error.__cause__).__name__)
    return error_response(request.scope, error.code, error.text, error.details, error.headers)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        return error_response(request.scope, "ERR_1006", "The body is not JSON", problems_of(found))
    return error_response(request.scope, "ERR_1001", "The request is not valid", problems_of(found))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = HTTP_CODES.get(error.status_code, "ERR_1000" if error.status_code >= SERVER_ERROR else "ERR_1006")
    return error_response(request.scope, code, str(error.detail), headers=dict(error.headers or {}))


async def _integrity_error(request: Request, error: Exception) -> JSONResponse:
    log.warning("constraint refused a write", constraint=constraint_of(error))
    return error_response(request.scope, "ERR_1003", ConflictError.message)


def constraint_of(error: BaseException) -> str:
    """The name of the violated constraint, empty where the driver gives none."""
    cause = getattr(error, "orig", None)
    return str(getattr(getattr(cause, "__cause__", None), "constraint_name", "") or "")


def unknown_response(scope: Any) -> JSONResponse:
    """ERR_1000: a trace id and no internals. The caller has logged the exception."""
    return error_response(scope, "ERR_1000", AppError.message)


def install(app: FastAPI) -> None:
    """Registers the handlers. Unknown exceptions are answered by the request middleware."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(IntegrityError, _integrity_error)


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route for these codes; several codes of one status share an entry."""
    entries: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status, meaning = contract.ERROR_CODES[code]
        before = entries.get(status, {}).get("description")
        text = f"{before}; {code}: {meaning}" if before else f"{code}: {meaning}"
        entries[status] = {"model": ErrorBody, "description": text}
    return entries
