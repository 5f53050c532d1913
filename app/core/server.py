"""uvicorn with a drain: SIGTERM first turns readiness away, and only then stops listening."""

from __future__ import annotations

import signal
import time
from types import FrameType

import uvicorn

from app.core.context import Context
from app.core.logs import logger

log = logger(__name__)


class DrainingServer(uvicorn.Server):
    """Serves on for DRAIN_SECONDS after SIGTERM, while the endpoints forget this replica; then lets in-flight
    requests finish and exits 0. A second signal, or SIGINT, ends the drain at once."""

    def __init__(self, config: uvicorn.Config, context: Context) -> None:
        super().__init__(config)
        self._context = context
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal handler: only notes what is to be done, ``on_tick`` does it in the event loop."""
        if sig == signal.SIGTERM and self._stop_at is None:
            self._context.draining = True
            self._stop_at = time.monotonic() + self._context.settings.drain_seconds
            return
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """True ends the serving; asked ten times a second."""
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            log.info("drained")
            return True
        return await super().on_tick(counter)
