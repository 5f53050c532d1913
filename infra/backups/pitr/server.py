"""The running database, over its socket as the superuser: archiving, closing a segment, a wakeful start."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from infra.backups import report
from infra.backups.pitr import children
from infra.backups.pitr.place import Place
from infra.errors import UserError

ARCHIVE_SECONDS = 30.0  # a segment of 16 MiB takes less than a second; the store may be slow
POLL_SECONDS = 0.2
ARCHIVER = """SELECT json_build_object('last_archived', last_archived_wal, 'failed', failed_count,
    'last_archived_seconds_ago', extract(epoch FROM now() - last_archived_time)::int,
    'last_failed_seconds_ago', extract(epoch FROM now() - last_failed_time)::int,
    'waiting', (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'))
    FROM pg_stat_archiver"""


def sql(place: Place, statement: str, sockets: Path | None = None, database: str = "postgres") -> str:
    """The answer, unaligned. Raises UserError where the server cannot be asked."""
    command = [str(place.bin / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]
    command += ["-h", str(sockets or place.sockets), "-p", str(place.port), "-c", statement]
    done = children.run(command)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no word"])[0]
        raise UserError.of("database", said, "see that it runs: slipway status STACK")
    return done.stdout.strip()


def archiver(place: Place) -> dict[str, Any]:
    """pg_stat_archiver: the last segment that was archived, its age, failures, and how many wait."""
    found: dict[str, Any] = json.loads(sql(place, ARCHIVER))
    return found


def close_segment(place: Place) -> str:
    """Ends the current segment and waits for it to be archived; returns its name.

    The transaction before it gives recovery something to stop at: PostgreSQL takes a target for missed where
    no later transaction follows. Raises UserError where the archive does not take it in time.
    """
    sql(place, "SET synchronous_commit = on; SELECT pg_current_xact_id()")
    failed = archiver(place)["failed"]
    segment = sql(place, "SELECT pg_walfile_name(pg_switch_wal())")
    end = time.monotonic() + ARCHIVE_SECONDS
    while True:
        found = archiver(place)
        if (found["last_archived"] or "")[:24] >= segment and not found["waiting"]:
            return segment
        if time.monotonic() > end:
            what = f"{segment} was not archived within {ARCHIVE_SECONDS:.0f} s"
            tried = found["failed"] - failed
            raise UserError.of(
                "archive", f"{what}; {tried} attempts failed", "see the log of postgres-0, then run it again"
            )
        time.sleep(POLL_SECONDS)


class Alarm:
    """Wakes the checkpointer of a server that has started.

    From version 15 it starts before recovery ends and then sleeps for ``checkpoint_timeout``, blind to
    ``archive_timeout`` (CheckpointerMain in checkpointer.c): a row could wait for five minutes.
    """

    def __init__(self, place: Place) -> None:
        self._place, self._woken, self._told = place, "", False

    def ring(self) -> None:
        """Once for each start of the server. A failure is told once, and tried again by the next call."""
        started = self._started()
        if not started or started == self._woken:
            return
        try:
            sql(self._place, "SELECT pg_reload_conf()")
        except UserError as error:
            if not self._told:
                report.problems(error)
            self._told = True
        else:
            self._woken, self._told = started, False

    def _started(self) -> str:
        """Which process, since when, once it is open on the pod's socket (not start.sh's own); else empty."""
        file = self._place.live / "postmaster.pid"
        try:
            lines = file.read_text().splitlines()
        except FileNotFoundError:
            return ""
        sockets, status = lines[4:5], [line.strip() for line in lines[7:8]]
        ready = sockets == [str(self._place.sockets)] and status == ["ready"]
        return f"{lines[0]} {lines[2]}" if ready else ""
