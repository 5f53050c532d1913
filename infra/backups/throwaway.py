"""A PostgreSQL in the scratch folder that nobody else reaches, and that goes with the drill that began it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infra.backups import report
from infra.backups.databases import MAINTENANCE, Server, first_line, told
from infra.errors import UserError

BINARIES = "/usr/lib/postgresql"  # Debian's; the newest version of it
PREFIX = "drill-"
DATABASE = "drill"
SUPERUSER = "postgres"  # also the system user, where we are root: PostgreSQL refuses to run as root
START_SECONDS, STOP_SECONDS, POLL_SECONDS = 60.0, 30.0, 0.05
# Nothing has to survive a crash, and the pod's /dev/shm may be small.
SETTINGS = (
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=20",
    "shared_buffers=32MB",
    "maintenance_work_mem=32MB",
    "max_parallel_maintenance_workers=0",
    "dynamic_shared_memory_type=mmap",
    "autovacuum=off",
    "log_min_error_statement=panic",
)


@contextmanager
def server(scratch: Path, owner: str, service: str) -> Iterator[Server]:
    """A running server with both roles, whose database ``drill`` is still to be made. Raises UserError."""
    for left in scratch.glob(f"{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=scratch))
    process = None
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, SUPERUSER, SUPERUSER)
        with report.step("server"):
            process = _start(folder)
            _roles(folder, owner, service)
        yield Server(make_conninfo(host=str(folder), user=owner, dbname=DATABASE))
    finally:
        if process is not None:
            _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    """initdb and the server; the folder is its owner's alone, so whoever reaches the socket may come in."""
    data, log = folder / "data", folder / "log"
    initdb = [_program("initdb"), f"--pgdata={data}", f"--username={SUPERUSER}", "--auth=trust", "--no-sync"]
    made = subprocess.run(
        _ours([*initdb, "--encoding=UTF8", "--locale=C.UTF-8"]),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if made.returncode:
        raise _failed(made.stderr)
    settings = [part for one in (*SETTINGS, f"unix_socket_directories={folder}") for part in ("-c", one)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            _ours([_program("postgres"), "-D", str(data), *settings]), stdout=output, stderr=output, cwd="/"
        )
    end = time.monotonic() + START_SECONDS
    while not _answers(folder):
        if process.poll() is not None or time.monotonic() > end:
            _stop(process)
            raise _failed(log.read_text(errors="replace"))
        time.sleep(POLL_SECONDS)
    return process


def _answers(folder: Path) -> bool:
    try:
        _superuser(folder).close()
    except psycopg.OperationalError:
        return False
    return True


def _superuser(folder: Path) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(folder), user=SUPERUSER, dbname=MAINTENANCE, autocommit=True)


def _roles(folder: Path, owner: str, service: str) -> None:
    """The roles that the restored database belongs to, with the rights that they have in the product."""
    with told(DATABASE), _superuser(folder) as connection:
        for role, rights in ((service, ""), (owner, "CREATEDB")):
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN {}").format(sql.Identifier(role), sql.SQL(rights))
            )
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(service), sql.Identifier(owner)))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Nothing of it is kept: SIGQUIT is PostgreSQL's immediate end."""
    process.send_signal(3)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    process.kill()
    process.wait()


def _program(name: str) -> str:
    found = sorted(Path(BINARIES).glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise UserError.of(name, "the program is not there", "use the image `backups`, which has it")
    return str(found[-1])


def _ours(command: list[str]) -> list[str]:
    """Ends with us, however we end (prctl(2), PR_SET_PDEATHSIG)."""
    other = ["--reuid", SUPERUSER, "--regid", SUPERUSER, "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *other, "--pdeathsig", "QUIT", "--", *command]


def _failed(text: str) -> UserError:
    lines = [line for line in text.splitlines() if "FATAL" in line or "error" in line.lower()]
    said = first_line(lines[-1] if lines else text)
    remedy = "look at its room and memory: the scratch volume, the job's memory limit; then run it again"
    return UserError.of("throw-away PostgreSQL", f"does not start: {said}", remedy)
