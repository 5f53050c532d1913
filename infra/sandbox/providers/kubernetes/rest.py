"""A thin HTTPS client of the API server: pooled, with bounded retries and errors in words.

The official client takes half a second to import, which every preview would pay; see docs/decisions/0003.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from infra.sandbox.providers.kubernetes.kubeconfig import Connection

POOL_SIZE = 32  # the engine's default parallelism is 4 × CPUs; the server has 32 workers
CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.25  # doubles: 0.25 + 0.5 + 1 + 2 ≈ 4 s, an API server's restart
RETRIED_STATUSES = frozenset({429, 502, 503, 504})

APPLY = "application/apply-patch+yaml"  # JSON is YAML
JSON = "application/json"


@dataclass(frozen=True)
class Cause:
    """One cause of a refusal: the field (as the API server writes it) and why."""

    field: str
    message: str
    reason: str


class ApiError(Exception):
    """The API server's answer was a refusal."""

    def __init__(self, status: int, reason: str, message: str, causes: tuple[Cause, ...] = ()) -> None:
        self.status, self.reason, self.message, self.causes = status, reason, message, causes
        super().__init__(message)


class UnreachableError(Exception):
    """No answer came from the API server."""

    def __init__(self, server: str, why: str) -> None:
        self.server = server
        super().__init__(f"the Kubernetes API at {server} does not answer: {why}")


class Client:
    """Requests to one API server; safe to use from several threads."""

    def __init__(self, connection: Connection, cancelled: threading.Event) -> None:
        self.server = connection.server
        self._headers = {"Accept": JSON, "User-Agent": "slipway-sandbox-provider", **connection.headers}
        self._cancelled = cancelled
        self._pool = urllib3.PoolManager(
            maxsize=POOL_SIZE,
            block=False,
            ssl_context=connection.tls,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )

    def json(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        kind: str = JSON,
    ) -> Any:
        """The decoded answer. Raises ApiError for a refusal and UnreachableError when there is no answer."""
        return json.loads(self.request(method, path, query=query, body=body, kind=kind))

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        kind: str = JSON,
    ) -> bytes:
        """The answer's bytes; 429, a gateway's 5xx, lost connections: ATTEMPTS times in all."""
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                status, data, after = self._once(method, path, query, body, kind)
            except UnreachableError:
                if attempt == ATTEMPTS or self._cancelled.is_set():
                    raise
            else:
                if status < 400:
                    return data
                if status not in RETRIED_STATUSES or attempt == ATTEMPTS or self._cancelled.is_set():
                    raise _refusal(status, data)
                pause = max(pause, after)
            self._cancelled.wait(min(pause, 5.0))
            pause *= 2
        raise AssertionError("unreachable: the loop returns or raises")

    def _once(
        self, method: str, path: str, query: dict[str, str] | None, body: Any, kind: str
    ) -> tuple[int, bytes, float]:
        url = f"{self.server}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = self._headers | ({"Content-Type": kind} if body is not None else {})
        payload = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(method, url, body=payload, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(self.server, _why(error)) from error
        after = answer.headers.get("Retry-After", "0")
        return answer.status, answer.data, float(after) if after.isdigit() else 0.0


def _why(error: BaseException) -> str:
    inner = error.__cause__ or error.__context__
    return str(inner.strerror) if isinstance(inner, OSError) and inner.strerror else type(error).__name__


def _refusal(status: int, data: bytes) -> ApiError:
    try:
        answer = json.loads(data)
        details = answer.get("details") or {}
        causes = tuple(
            Cause(c.get("field", ""), c.get("message", ""), c.get("reason", ""))
            for c in details.get("causes") or ()
        )
        return ApiError(status, answer.get("reason", ""), answer.get("message", f"HTTP {status}"), causes)
    except (ValueError, AttributeError):
        return ApiError(status, "", data.decode("utf-8", "replace").strip()[:500] or f"HTTP {status}")
