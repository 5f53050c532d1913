"""A private PostgreSQL on the restored folder: replays WAL up to the target, answers, and stops cleanly."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.backups.pitr import children, server
from infra.backups.pitr.place import Place
from infra.backups.pitr.repository import told
from infra.errors import UserError

POLL_SECONDS = 0.1
STOP_SECONDS = 120.0
# What pgBackRest wrote for this recovery; without the file recovery.signal they mean nothing, and mislead.
RECOVERY = ("restore_command", "recovery_target_time", "recovery_target_timeline", "recovery_target_action")
# archive_mode is on and no command set: what it writes is kept for the live server to archive.
PARAMETERS = {
    "listen_addresses": "''",
    "archive_mode": "on",
    "archive_command": "''",
    "hot_standby": "off",
    "autovacuum": "off",
    "max_connections": "10",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "logging_collector": "off",
    "log_destination": "'stderr'",
    "log_line_prefix": "''",
    "log_timezone": "'UTC'",
    "timezone": "'UTC'",
    "lc_messages": "'C'",
}
_LAST = re.compile(r"last completed transaction was at log time (\S+ \S+)")
_STOPPED = re.compile(r"recovery stopping before (?:commit|abort) of transaction \d+, time (\S+ \S+)")


@dataclass(frozen=True)
class Proof:
    """What came back: the last transaction that is in, the first that is not, the new timeline."""

    last_transaction: str | None
    next_transaction: str | None
    timeline: int
    databases: tuple[str, ...]
    segments: int


def prove(place: Place, lock: int, progress: Callable[[int], None]) -> Proof:
    """Starts, replays, asks and stops. ``progress`` gets the number of WAL segments. Raises UserError."""
    log = place.scratch / "trial.log"
    _forget_the_killed(place)
    with log.open("w") as out:
        process = children.start(
            [str(place.bin / "postgres"), "-D", str(place.restored), f"--config-file={_config(place)}"],
            stdout=out,
            stderr=out,
            cwd=place.scratch,
            pass_fds=(lock,),
        )
        try:
            _recovered(place, process, log, progress)
            found = _ask(place, log.read_text(errors="replace"))
        finally:
            _stop(process)
    if process.returncode:
        raise _failed(log.read_text(errors="replace"))
    return found


def _forget_the_killed(place: Place) -> None:
    """We hold the volume's lock, so no server is left; the number in its lock files may be another's by now,
    or a process' that nobody has waited for yet (CreateLockFile in miscinit.c takes both for a server)."""
    for file in (place.restored / "postmaster.pid", place.scratch / f".s.PGSQL.{place.port}.lock"):
        file.unlink(missing_ok=True)


def _config(place: Place) -> Path:
    access = place.scratch / "trial_hba.conf"
    access.write_text("local all postgres peer\n")
    settings = {
        **PARAMETERS,
        "port": str(place.port),
        "unix_socket_directories": f"'{place.scratch}'",
        "hba_file": f"'{access}'",
    }
    file = place.scratch / "trial.conf"
    file.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    return file


def _recovered(
    place: Place, process: subprocess.Popen[str], log: Path, progress: Callable[[int], None]
) -> None:
    """Waits until it takes connections, which without hot_standby is after the target."""
    ready = [str(place.bin / "pg_isready"), "-q", "-h", str(place.scratch), "-p", str(place.port)]
    while children.run(ready).returncode:
        if process.poll() is not None:
            raise _failed(log.read_text(errors="replace"))
        progress(_segments(log.read_text(errors="replace")))
        time.sleep(POLL_SECONDS)


def _ask(place: Place, log: str) -> Proof:
    def ask(statement: str, database: str = "postgres") -> str:
        return server.sql(place, statement, place.scratch, database)

    databases = ask("SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1").splitlines()
    for database in databases:
        ask("SELECT count(*) FROM pg_class", database)
    for name in RECOVERY:
        ask(f"ALTER SYSTEM RESET {name}")
    ask("CHECKPOINT")
    last, following = _LAST.search(log), _STOPPED.search(log)
    return Proof(
        last_transaction=last[1] if last else None,
        next_transaction=following[1] if following else None,
        timeline=int(ask("SELECT timeline_id FROM pg_control_checkpoint()")),
        databases=tuple(name for name in databases if name not in {"postgres", "template1"}),
        segments=_segments(log),
    )


def _segments(log: str) -> int:
    return log.count("restored log file")


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)


def _failed(log: str) -> UserError:
    """Why recovery ended, in our words."""
    if "ERROR: [" in log:  # the archive could not be asked, so that its end was not the true one
        return told("archive-get", log)
    if "recovery ended before configured recovery target was reached" in log:
        last = _LAST.findall(log)
        known = f"the last transaction in it is of {_stamp(last[-1])}" if last else "it holds no transaction"
        remedy = (
            f"name that moment or an earlier one: --to {_stamp(last[-1])}" if last else "name a later one"
        )
        return UserError.of("--to", f"is after the end of the archive; {known}", remedy)
    errors = [line for line in log.splitlines() if line.startswith(("FATAL", "PANIC"))]
    said = errors[-1].partition(":")[2].strip() if errors else "it ended without a word"
    return UserError.of("recovery", said, "see the log, then run the same command again; nothing was swapped")


def _stamp(text: str) -> str:
    """``2026-11-28 04:00:00.123456+00`` as the option takes it."""
    return text.replace(" ", "T").replace("+00", "Z")
