"""The restored database in the live one's place, and back: both renamed in one transaction.

The server's own lock on a database that is being renamed lets connections wait instead of failing, so nothing
is shut that somebody would have to open again: killed at any moment, a swap has happened or it has not.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from infra.backups import cache, choosing, databases, report
from infra.backups.config import Config
from infra.backups.databases import Server, State, Step
from infra.errors import UserError

# A transaction under way may end by itself for so long. PostgreSQL waits 5 s for others before it refuses to
# rename, and the service is to be away for 2 s at most.
GRACE_SECONDS = 1.0
POLL_SECONDS = 0.01
SESSION = (  # of a node that vanishes in the middle: nobody waits for it longer than that
    "SET LOCAL idle_in_transaction_session_timeout = '10s'",
    "SET LOCAL lock_timeout = '10s'",
    "SET LOCAL statement_timeout = '10s'",
)
LOCKED = """
SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.objid
WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND l.mode = 'AccessExclusiveLock'
  AND l.granted AND d.datname = %s
"""


def swap(config: Config) -> dict[str, Any]:
    """Puts the restored database in the live one's place. Run again after a kill, it does what is left."""
    server = Server.of(config)
    with databases.only_one(server) as connection, databases.told(server.database):
        return _Exchange(config, server, connection).swap()


def undo(config: Config) -> dict[str, Any]:
    """Puts the database that was live before in its place again; the restored one is kept."""
    server = Server.of(config)
    with databases.only_one(server) as connection, databases.told(server.database):
        return _Exchange(config, server, connection).undo()


def forget(config: Config) -> dict[str, Any]:
    """Drops what a swap or an undo took out."""
    server = Server.of(config)
    with databases.only_one(server) as connection, databases.told(server.database):
        if not databases.exists(connection, server.database):
            what = "is not there, so what would be dropped may be the only copy"
            remedy = "restore first: slipway restore, or take it back: slipway restore --undo"
            raise UserError.of(f"database {server.database}", what, remedy)
        state = databases.state(connection, server.restored)
        wanted = [server.previous] + [server.restored] * bool(state and state.step is Step.UNDONE)
        dropped = [name for name in wanted if databases.exists(connection, name)]
        for name in dropped:
            with report.step("forget", database=name):
                databases.drop(connection, name)
        return {"dropped": dropped}


@dataclass
class _Exchange:
    """``connection`` holds the lock of restores and stands in the database ``postgres``."""

    config: Config
    server: Server
    connection: psycopg.Connection[Any]

    def swap(self) -> dict[str, Any]:
        """Raises UserError, and has then changed nothing."""
        live, restored, previous = self.server.database, self.server.restored, self.server.previous
        state = databases.state(self.connection, restored)
        if state is None:
            return self._left(Step.SWAPPED, "there is no restored database", "restore one: slipway restore")
        if state.step not in {Step.READY, Step.UNDONE}:
            what = f"is not complete: its last step is {state.step}"
            raise UserError.of(
                f"database {restored}", what, "run the same restore again, it goes on from there"
            )
        if databases.exists(self.connection, previous):
            what = "is still there: it was live before the last swap"
            raise UserError.of(
                f"database {previous}", what, "drop it when it is not needed: slipway restore --forget"
            )
        renames = [(restored, live)]
        if databases.exists(self.connection, live):
            renames.insert(0, (live, previous))
        seconds = self._rename(renames, {live: self._now(state, Step.SWAPPED)})
        return self._finish(state, seconds)

    def undo(self) -> dict[str, Any]:
        """Raises UserError, and has then changed nothing."""
        live, restored, previous = self.server.database, self.server.restored, self.server.previous
        if not databases.exists(self.connection, previous):
            return self._left(Step.UNDONE, "there is nothing to take back", choosing.LIST)
        if databases.exists(self.connection, restored):
            what = "is in the way: the live one would get this name"
            raise UserError.of(f"database {restored}", what, "drop it by hand when it is not needed")
        before = databases.state(self.connection, previous) or State("", Step.LIVE)
        renames = [(previous, live)]
        notes = {live: self._now(before, Step.UNDONE)}
        if databases.exists(self.connection, live):
            renames.insert(0, (live, restored))
            out = databases.state(self.connection, live) or State("", Step.LIVE)
            notes[restored] = self._now(out, Step.UNDONE)
        seconds = self._rename(renames, notes)
        return self._finish(before, seconds)

    def _left(self, step: Step, what: str, remedy: str) -> dict[str, Any]:
        """What a run that was killed after its renames has left to do, if that is how things stand."""
        state = databases.state(self.connection, self.server.database)
        if state is not None and state.step is step:
            return self._finish(state, 0.0)
        taken_out = databases.state(self.connection, self.server.restored)
        done, last = (taken_out, Step.UNDONE) if step is Step.UNDONE else (state, Step.LIVE)
        if done is not None and done.step is last:
            return self._result(done, 0.0) | {"already": True}
        raise UserError.of(f"database {self.server.database}", what, remedy)

    def _finish(self, state: State, seconds: float) -> dict[str, Any]:
        with report.step("cache"):
            emptied = cache.empty(self.config)
        databases.note(self.connection, self.server.database, self._now(state, Step.LIVE))
        return self._result(state, seconds) | {"cache_emptied": emptied}

    def _result(self, state: State, seconds: float) -> dict[str, Any]:
        return {
            "database": self.server.database,
            "backup": state.backup or None,
            "unavailable_seconds": round(seconds, 3),
        }

    def _now(self, state: State, step: Step) -> State:
        return replace(state, step=step, at=datetime.now(UTC).isoformat(timespec="seconds"))

    def _rename(self, renames: Sequence[tuple[str, str]], notes: Mapping[str, State]) -> float:
        """All of it in one transaction, while this thread ends whoever is connected. Seconds that connections
        had to wait. Raises UserError."""
        with report.step("swap", renames=[list(pair) for pair in renames]), ThreadPoolExecutor(1) as pool:
            names = [name for name, _ in renames]
            work = pool.submit(self._transaction, renames, notes)
            while not work.done() and not self._locked(names[0]):
                time.sleep(POLL_SECONDS)
            begun = time.monotonic()
            self._clear(names, work)
            self._judge(work, names)
            return time.monotonic() - begun

    def _transaction(self, renames: Sequence[tuple[str, str]], notes: Mapping[str, State]) -> None:
        with self.server.connect() as connection, connection.transaction():
            for setting in SESSION:
                connection.execute(setting)
            for old, new in renames:
                pair = sql.Identifier(old), sql.Identifier(new)
                connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*pair))
            for name, state in notes.items():
                databases.note(connection, name, state)

    def _locked(self, name: str) -> bool:
        return self.connection.execute(LOCKED, [name]).fetchone() is not None

    def _clear(self, names: Sequence[str], work: Future[None]) -> None:
        """Ends idle connections at once, the others when their transaction has ended or after the grace."""
        end = time.monotonic() + GRACE_SECONDS
        while not work.done():
            databases.end_sessions(self.connection, names, busy=time.monotonic() > end)
            with suppress(TimeoutError):
                work.exception(POLL_SECONDS)

    def _judge(self, work: Future[None], names: Sequence[str]) -> None:
        try:
            work.result()
        except UserError as error:
            users = databases.users(self.connection, names)
            if not isinstance(error.__cause__, psycopg.errors.ObjectInUse) or not users:
                raise
            what = f"is in use by {users}, {databases.NOT_OURS}; nothing was changed"
            raise UserError.of(f"database {names[0]}", what, databases.END_THEM) from error
