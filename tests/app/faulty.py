"""A replica that answers some of its requests badly, as its own variables say; run as a module.

FAULT is what happens: ``500``, ``slow``, ``silent``, ``cut``, ``shape``, or ``none``. FAULT_EVERY: to each so
many-th request. FAULT_PATH: only to those of this path. The log has each request with its connection.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core import logs
from app.main import configure, make_context, make_server

SLOW_SECONDS = 0.3


class Faulty:
    """Stands in front of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._fault = os.environ.get("FAULT", "none")
        self._every = int(os.environ.get("FAULT_EVERY", "1"))
        self._path = os.environ.get("FAULT_PATH", "")
        self._seen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The lifespan passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        logs.logger("tests").info(
            "seen", port=scope["client"][1], closing=headers.get(b"connection") == b"close"
        )
        if not self._path or scope["path"] == self._path:
            self._seen += 1
            if self._seen % self._every == 0:
                await self._misbehave(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _misbehave(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._fault == "silent":
            while (await receive())["type"] != "http.disconnect":
                continue
            return
        if self._fault == "cut":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            return
        if self._fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        bodies: dict[str, Any] = {
            "500": ({"error_code": "ERR_1000"}, 500),
            "shape": ({"items": "kim@example.org"}, 200),
        }
        found = bodies.get(self._fault)
        await (JSONResponse(*found) if found else self._app)(scope, receive, send)


def main() -> None:
    """Serves until it is told to end."""
    settings, modules = configure()
    logs.configure(settings.log_level, settings.secrets())
    server = make_server(make_context(settings, modules))
    server.config.app = Faulty(server.config.app)  # type: ignore[arg-type]
    server.run()


if __name__ == "__main__":
    main()
