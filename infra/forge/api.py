"""JSON over HTTP with a token: pages, patience with a busy server, and refusals in words."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from infra.errors import UserError

TIMEOUT_SECONDS = 30.0
TRIES = 4
BUSY = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT_SECONDS = 60.0  # a server that asks for more patience is told of instead
PAGE = 100  # the most that either server gives at once
MOST_PAGES = 20
UNREACHED = "see that the address can be reached from this runner, then run the job again"


class Api:
    """A server's API below ``base``. Redirects are not followed: the token goes nowhere else.

    Every request raises UserError for a refusal, and where there is no server.
    """

    def __init__(self, base: str, headers: Mapping[str, str], remedy: str) -> None:
        """``remedy``: what to do where the token is refused."""
        self._base, self._remedy = urlsplit(base.rstrip("/")), remedy
        self._headers = {"User-Agent": "slipway", "Content-Type": "application/json", **headers}

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer as data; None where it is empty."""
        wait = 1.0
        for left in reversed(range(TRIES)):
            status, said, after = self._once(method, path, body)
            again = status in BUSY and left and after <= LONGEST_WAIT_SECONDS
            # Only what may be sent twice is: a server that made the comment and then failed has made it.
            if not again or (method == "POST" and status != http.client.TOO_MANY_REQUESTS):
                break
            time.sleep(after or wait)
            wait *= 2
        if status >= http.client.MULTIPLE_CHOICES:
            raise self._refusal(method, path, status, said)
        return json.loads(said) if said.strip() else None

    def pages(self, path: str) -> Iterator[Any]:
        """Every item of a list, page by page."""
        joint = "&" if "?" in path else "?"
        for page in range(1, MOST_PAGES + 1):
            items = self.ask("GET", f"{path}{joint}per_page={PAGE}&page={page}")
            yield from items
            if len(items) < PAGE:
                return

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, bytes, float]:
        """Status, text, and the seconds that the server asks to wait (0 where it does not)."""
        connection = self._connection()
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, f"{self._base.path}{path}", body=data, headers=self._headers)
            answer = connection.getresponse()
            after = answer.headers.get("Retry-After", "")
            return answer.status, answer.read(), float(after) if after.isdecimal() else 0.0
        except (OSError, http.client.HTTPException) as error:
            where = f"{self._base.scheme}://{self._base.netloc}"
            raise UserError.of(where, f"does not answer: {error}", UNREACHED) from None
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._base.hostname or "", self._base.port
        if self._base.scheme == "http":  # a runner beside its server; a public one has https alone
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)

    def _refusal(self, method: str, path: str, status: int, said: bytes) -> UserError:
        try:
            answer = json.loads(said)
            why = str(answer.get("message") or answer.get("error") or "")
        except (ValueError, AttributeError):
            why = ""
        what = f"refused with {status}{f': {why}' if why else ''}"
        return UserError.of(f"{method} {path.partition('?')[0]}", what, self._remedy)
