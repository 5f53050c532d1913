"""One request put to an application as a server does it, for what no HTTP client would send or do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import Message

Raw = Iterable[tuple[bytes, bytes]]


async def put(
    app: FastAPI,
    method: str,
    path: str,
    headers: Raw = (),
    messages: Iterable[Message] = (),
    sent: list[Message] | None = None,
) -> list[Message]:
    """What the application sends, also in ``sent``. The client says ``messages``, by default an empty body,
    and then nothing more. Raises what the application raises."""
    incoming = list(messages) or [{"type": "http.request"}]
    sent = [] if sent is None else sent

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "query_string": b""}
    await app(scope | {"root_path": "", "client": ("127.0.0.1", 1)}, receive, send)
    return sent


def head(sent: list[Message]) -> tuple[int, Headers]:
    """(status, headers) of what was sent."""
    (start,) = [message for message in sent if message["type"] == "http.response.start"]
    return start["status"], Headers(raw=start["headers"])
