"""The service with two more routes: what it has been told of a request, and one that takes its time."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from fastapi import FastAPI, Request

from app.core import logs
from app.main import configure, make_context, make_server

LARGE = 20_000  # characters that can be packed well


async def seen(request: Request) -> dict[str, Any]:
    """Whose request it is by the service's own rule, and every header as it arrived."""
    arrived = [(name.decode(), value.decode()) for name, value in request.headers.raw]
    return {"client": str(request.state.client), "headers": arrived, "padding": "x" * LARGE}


async def slow(seconds: float) -> float:
    """A request that takes so long."""
    await asyncio.sleep(seconds)
    return seconds


def main() -> None:
    """Serves until it is told to end."""
    settings, modules = configure()
    logs.configure(settings.log_level, settings.secrets())
    server = make_server(make_context(settings, modules))
    app = cast(FastAPI, server.config.app)
    app.add_api_route("/seen", seen, methods=["GET", "POST"])
    app.add_api_route("/slow/{seconds}", slow)
    server.run()


if __name__ == "__main__":
    main()
