"""Keeps every answered error: a bounded queue in memory, one task that writes it, and the search."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import uuid
from collections import deque
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from starlette.types import Scope

from app import contract
from app.core.auth.users import Identity
from app.core.database import Database
from app.core.errors import SERVER_ERROR, AppError
from app.core.logs import logger
from app.core.masking import Masker
from app.core.metrics import METHODS, OTHER, Metrics
from app.core.monitoring.models import MESSAGE, NAME, Event
from app.core.monitoring.schemas import EventQuery
from app.settings import Settings

MOST_WAITING = 10_000  # events, about 10 MB; the first errors of an outage tell its cause, so later ones go
FOR_ERRORS = 2_000  # of them are kept free for errors: whoever sends nonsense must not hide an outage
MOST_ROWS = 1_000_000  # of the table, about 400 MB with its indexes
BATCH = 500  # rows of one INSERT
GATHER_SECONDS = 0.5  # events of one moment share a transaction
RETRY_SECONDS = 5.0  # while the database is away
STOP_SECONDS = 3.0  # for the last ones when the service ends
DELETE_BATCH = 10_000  # rows of one transaction: short locks, little to repeat
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = logger(__name__)


def time_id(moment: datetime, noise: int | None = None) -> uuid.UUID:
    """A UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then chance. With ``noise`` 0 it is the
    least of its millisecond."""
    milliseconds = max(0, int((moment - EPOCH).total_seconds() * 1000))
    chance = secrets.randbits(74) if noise is None else noise
    high, low = chance >> 62, chance & (1 << 62) - 1
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


class EventStore:
    """``record`` never waits, never raises and takes no connection; what does not fit is counted as dropped.
    While the database is away events wait, and are written once it is back."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._masker = Masker(settings.secrets())
        self._key = hashlib.blake2b(settings.secret_key.get_secret_value().encode()).digest()
        self._waiting: deque[dict[str, Any]] = deque()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def record(self, scope: Scope, code: str, message: str, cause: BaseException | None) -> None:
        """Puts the answered error in line."""
        state, now, status = scope.get("state", {}), datetime.now(UTC), contract.ERROR_CODES[code][0]
        if len(self._waiting) >= MOST_WAITING - (0 if status >= SERVER_ERROR else FOR_ERRORS):
            self._metrics.event_dropped()
            return
        route = getattr(scope.get("route"), "path", None)
        self._waiting.append(
            {
                "id": time_id(now),
                "occurred_at": now,
                "level": "error" if status >= SERVER_ERROR else "warning",
                "error_code": code,
                "status": status,
                "method": scope["method"] if scope["method"] in METHODS else OTHER,
                "route": str(route)[:NAME] if route else None,
                "message": self._storable(message)[:MESSAGE],
                "trace_id": state.get("trace_id", ""),
                "request_id": state.get("request_id", ""),
                "principal": self._principal(state.get("identity")),
                "exception": type(cause).__name__[:NAME] if cause else None,
            }
        )
        self._wake.set()

    def _storable(self, message: str) -> str:
        """Masked, and without what PostgreSQL's text cannot hold."""
        return self._masker.text(message).encode("utf-8", "backslashreplace").decode().replace("\0", "")

    def _principal(self, identity: Identity | None) -> str | None:
        """A keyed hash: tells people apart, and without SECRET_KEY says nothing of who they are."""
        if identity is None:
            return None
        return hashlib.blake2b(identity.clerk_user_id.encode(), digest_size=16, key=self._key).hexdigest()

    def start(self) -> None:
        """Begins writing in the background."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Writes what waits, for at most STOP_SECONDS; what then is left is counted as dropped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.flush()
        except (AppError, TimeoutError) as error:
            log.warning("events lost", count=len(self._waiting), reason=type(error).__name__)
            self._drop(len(self._waiting))

    async def flush(self) -> None:
        """Writes what waits now. Raises DatabaseAwayError or PoolExhaustedError, and then keeps it."""
        async with self._writing:
            left = len(self._waiting)
            while left > 0:
                batch = list(islice(self._waiting, min(left, BATCH)))
                left -= len(batch)
                await self._write(batch)
            if not self._waiting:
                self._wake.clear()

    async def _write(self, batch: list[dict[str, Any]]) -> None:
        """A batch whose commit was not heard of is written again, hence ON CONFLICT."""
        try:
            async with self._database.transaction() as session:
                await session.execute(insert(Event).on_conflict_do_nothing(), batch)
        except AppError:
            raise
        except Exception:
            log.exception("events lost", count=len(batch))
            self._drop(len(batch))
        else:
            for _ in batch:
                self._waiting.popleft()

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()
            self._metrics.event_dropped()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self.flush()
            except AppError as error:
                log.warning("events wait", count=len(self._waiting), reason=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def search(self, query: EventQuery) -> tuple[list[Event], uuid.UUID | None]:
        """(events, newest first; where the next part goes on). This replica's own are written first, so that
        an error just answered is found at once."""
        await self.flush()
        statement = select(Event).order_by(Event.id.desc()).limit(query.limit + 1)
        if query.trace_id:
            same = (Event.trace_id == query.trace_id, Event.request_id == query.trace_id)
            statement = statement.where(or_(*same))
        if query.error_code:
            statement = statement.where(Event.error_code == query.error_code)
        if query.since:
            statement = statement.where(Event.id >= time_id(query.since, 0))
        if query.until:
            statement = statement.where(Event.id < time_id(query.until, 0))
        if query.cursor:
            statement = statement.where(Event.id < query.cursor)
        async with self._database.reading() as session:
            found = list(await session.scalars(statement))
        more = found[query.limit - 1].id if len(found) > query.limit else None
        return found[: query.limit], more

    async def forget(self, before: datetime) -> int:
        """Deletes what is older, and the oldest above MOST_ROWS, in parts; how many there were. Raises as
        ``flush``."""
        gone, bound = 0, time_id(before, 0)
        async with self._database.reading() as session:
            newest = select(Event.id).order_by(Event.id.desc()).offset(MOST_ROWS - 1).limit(1)
            bound = max(bound, await session.scalar(newest) or bound)
        old = select(Event.id).where(Event.id < bound).limit(DELETE_BATCH)
        while True:
            async with self._database.transaction() as session:
                deleted = len(
                    (await session.scalars(delete(Event).where(Event.id.in_(old)).returning(Event.id))).all()
                )
            gone += deleted
            if deleted < DELETE_BATCH:
                return gone
