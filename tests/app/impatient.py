"""A replica that waits a second for a head and a second for a client that does not read, with a large answer.

Run as a module: the times are one second instead of many, everything else is as app.main has it.
"""

from __future__ import annotations

import asyncio
from typing import cast

from fastapi import FastAPI, Response

from app.core import logs, protocol
from app.main import configure, make_context, make_server

LARGE = 30_000_000  # bytes; more than the kernel keeps for a client
SECOND = 1.0


async def large() -> Response:
    """More than a client takes without reading."""
    return Response(b" " * LARGE)


async def slow(seconds: float) -> float:
    """A request that takes so long."""
    await asyncio.sleep(seconds)
    return seconds


def main() -> None:
    """Serves until it is told to end."""
    protocol.HEAD_SECONDS = protocol.STALLED_SECONDS = SECOND
    settings, modules = configure()
    logs.configure(settings.log_level, settings.secrets())
    server = make_server(make_context(settings, modules))
    app = cast(FastAPI, server.config.app)
    app.add_api_route("/large", large)
    app.add_api_route("/slow/{seconds}", slow)
    server.run()


if __name__ == "__main__":
    main()
