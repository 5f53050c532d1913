"""The error model (C1): one body for every error, codes from contract.ERROR_CODES; handlers.py answers.

Whatever answers an error does it by ``answer`` or ``error_response``: they count it and hand it to the event
store, which is how GET /api/monitoring/events knows of it. What anybody may cause without end is only counted
and logged.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Scope

from app import contract

DETAILS = 100  # at most this many problems are listed in one body
FIELD_LENGTH = 200  # characters of a field's path: people choose the names they send
SERVER_ERROR = 500
CLIENT_GONE = 499  # nobody reads it; in logs and metrics it is told apart from errors


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
    error_code: str = Field(
        description="One of the codes of x-error-codes", json_schema_extra={"enum": [*contract.ERROR_CODES]}
    )
    message: str = Field(description="One sentence for people")
    details: dict[str, Any] = Field(description="What is wrong, by part; empty where there is nothing to add")
    trace_id: str = Field(description="Finds the error in the log and at GET /api/monitoring/events")
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


class StaleVersionError(AppError):
    """The client read another version than the present one, which ``details`` has."""

    code = "ERR_1504"
    message = "Somebody else changed it in the meantime; read it again"


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


class StoppingError(AppError):
    """The replica's end cut the request off; nothing was stored unless a commit was just under way."""

    code = "ERR_1600"
    message = "This replica is stopping; send the request again, and another one answers"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class RedisUnavailableError(AppError):
    """Redis is away, and the request may not be answered without it."""

    code = "ERR_1300"
    message = "The service cannot answer this now; try again shortly"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5"}


class RateLimitedError(AppError):
    """One request too many. ``details``: window, limit, retry_after in seconds."""

    code = "ERR_1400"
    message = "Too many requests; Retry-After says when the next one passes"


class BlockedError(AppError):
    """Too many refused requests within a minute. ``details`` as of RateLimitedError."""

    code = "ERR_1401"
    message = "Blocked for a while after too many refused requests; Retry-After says when the next one passes"


class EventSink(Protocol):
    """What wants to know of every error that is answered; must be quick and never raise."""

    def record(self, scope: Scope, code: str, message: str, cause: BaseException | None) -> None:
        """One error, as it is told to the client."""


def error_response(
    scope: Scope,
    code: str,
    message: str,
    details: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    cause: BaseException | None = None,
    recorded: bool = True,
) -> JSONResponse:
    """The body of C1 with the status of the code; counted and ``recorded``. ``cause`` gives only its type."""
    state = scope.get("state", {})
    state["error_code"] = code
    if "app" in scope:
        scope["app"].state.metrics.error(code)
        if recorded:
            scope["app"].state.events.record(scope, code, message, cause)
    body = ErrorBody(
        error_code=code,
        message=message,
        details=details or {},
        trace_id=state.get("trace_id", ""),
        timestamp=datetime.now(UTC),
    )
    return JSONResponse(body.model_dump(mode="json"), contract.ERROR_CODES[code][0], headers)


def answer(scope: Scope, error: AppError, recorded: bool = True) -> JSONResponse:
    """The error's response, for middleware; routes raise."""
    cause = error.__cause__ or error
    return error_response(scope, error.code, error.text, error.details, error.headers, cause, recorded)


def problems_of(errors: Any) -> dict[str, Any]:
    """Pydantic's errors as {problems: [{field, problem}], total}; never the value that was sent."""
    listed = [
        {"field": field_path(error["loc"]), "problem": str(error["msg"]).removeprefix("Value error, ")}
        for error in errors[:DETAILS]
    ]
    return {"problems": listed, "total": len(errors)}


def field_path(location: tuple[int | str, ...]) -> str:
    """Of ("body", "items", 3, "amount") "body.items[3].amount"; what UTF-8 cannot hold is escaped."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text[:FIELD_LENGTH].encode("utf-8", "backslashreplace").decode()


def constraint_of(error: BaseException) -> str:
    """The name of the violated constraint, empty where the driver gives none."""
    cause = getattr(error, "orig", None)
    return str(getattr(getattr(cause, "__cause__", None), "constraint_name", "") or "")


def unknown_response(scope: Scope, cause: BaseException) -> JSONResponse:
    """ERR_1000: a trace id and no internals. The caller has logged the exception."""
    return error_response(scope, "ERR_1000", AppError.message, cause=cause)


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route for these codes; several codes of one status share an entry."""
    entries: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status, meaning = contract.ERROR_CODES[code]
        before = entries.get(status, {}).get("description")
        text = f"{before}; {code}: {meaning}" if before else f"{code}: {meaning}"
        entries[status] = {"model": ErrorBody, "description": text}
    return entries
