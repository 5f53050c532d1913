"""One request of a check, and what is wrong with its answer."""

from __future__ import annotations

import asyncio
import ssl
import time
from functools import cache
from typing import Any, NamedTuple

import httpx

from app.core.checks import Check, unmet

ANSWER_SECONDS = 10.0  # a whole answer; a person would have left
CONNECT_SECONDS = 3.0
# No answer came of it: the request may be sent again. Of a slow answer nobody knows.
UNANSWERED = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)
HINTS = {
    "ERR_1101": "the service does not take tokens of this SECRET_KEY",
    "ERR_1103": "the checks' own address is not within IP_ALLOW_LIST",
}


class Outcome(NamedTuple):
    """What became of one request. ``reason`` is None where the answer was right, ``seconds`` where none came;
    ``again``: it may be sent again."""

    check: Check
    seconds: float | None
    reason: str | None
    again: bool = False


@cache
def trust() -> ssl.SSLContext:
    """The authorities of the image, read once: that takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)


def client(url: str, *, keep_alive: bool) -> httpx.AsyncClient:
    """Connections to the service itself, whatever proxy the environment names; without ``keep_alive`` a new
    one for each request."""
    return httpx.AsyncClient(
        base_url=url,
        headers={} if keep_alive else {"Connection": "close"},
        limits=httpx.Limits(max_keepalive_connections=None if keep_alive else 0),
        verify=trust(),
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        trust_env=False,
    )


async def ask(sender: httpx.AsyncClient, check: Check, token: str, seconds: float) -> Outcome:
    """Sends the request and judges the answer. Raises nothing that the network does."""
    headers = {} if check.anonymous else {"Authorization": f"Bearer {token}"}
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            response = await sender.get(check.path, headers=headers)
    except TimeoutError:
        return Outcome(check, None, f"no answer within {seconds:g} s")
    except httpx.HTTPError as error:
        said = f": {error}" if str(error) else ""
        return Outcome(check, None, f"no answer: {type(error).__name__}{said}", isinstance(error, UNANSWERED))
    return Outcome(check, time.perf_counter() - begun, wrong_with(check, response))


def wrong_with(check: Check, response: httpx.Response) -> str | None:
    """Why this is not the answer, None where it is. Of a body only what the check names is told; the trace id
    finds the request in the service's log."""
    body = json_of(response)
    if response.status_code != check.status:
        code = body.get("error_code") if isinstance(body, dict) else None
        what = f"{response.status_code}{f' {code}' if code else ''} instead of {check.status}"
        what += f", {HINTS[code]}" if code in HINTS else ""
    elif body is None:
        what = "the body is no JSON"
    else:
        what = unmet(check.expected, body) or ""
    return f"{what}; trace {trace_of(response)}" if what else None


def json_of(response: httpx.Response) -> Any:
    """The body, None where it is no JSON."""
    try:
        return response.json()
    except ValueError:
        return None


def trace_of(response: httpx.Response) -> str:
    """The trace id of the answer's traceparent (W3C Trace Context §3.2), else "unknown"."""
    parts = response.headers.get("traceparent", "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else "unknown"
