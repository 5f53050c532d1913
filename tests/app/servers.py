"""A real PostgreSQL 15 and a real Redis on free loopback ports, in a folder of their own, ended by pid."""

from __future__ import annotations

import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from redis import Redis

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
LOCK_SECONDS = 120  # a test that waits for itself fails, and says for what
START_SECONDS = 30.0
POLL_SECONDS = 0.02
PORTS = range(20_000, 30_000)  # below net.ipv4.ip_local_port_range and Kubernetes's node ports
# Without fsync a crash of the machine loses data; a crash of the server does not.
QUICK = ("fsync=off", "full_page_writes=off", "unix_socket_directories=")


def free_port() -> int:
    """A port of the loopback that nobody listened on a moment ago. Of those that the kernel gives to no
    connection by itself, so that none is taken before the server listens."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for(fact: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    """Polls until the fact is true. Raises AssertionError with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(POLL_SECONDS)


def listens(port: int) -> bool:
    """Whether something on the loopback accepts a connection."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def received(connection: socket.socket, until: bytes) -> bytes:
    """What arrives up to and with these bytes. Raises AssertionError where the other side closes before."""
    said = b""
    while until not in said:
        part = connection.recv(65_536)
        assert part, f"closed before {until!r}: {said!r}"
        said += part
    return said


class Server:
    """One process in a temporary folder."""

    def __init__(self, name: str) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"slipway-test-{name}-"))
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """The command line; passwords stand in files, not here."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server takes connections."""
        return listens(self.port)

    def start(self) -> None:
        """Returns as soon as the server answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        wait_for(lambda: self.running() and self.answers(), f"{self.command()[0]} answers")

    def running(self) -> bool:
        """True, or AssertionError with the log where the process has ended."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends the process and waits for it."""
        if self.process is not None and self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(START_SECONDS)

    def send(self, sig: signal.Signals) -> None:
        """Signals the process and its children: SIGSTOP makes it a server that says nothing."""
        assert self.process is not None
        for pid in [self.process.pid, *children(self.process.pid)]:
            with suppress(ProcessLookupError):  # some children are short-lived
                os.kill(pid, sig)

    def remove(self) -> None:
        """Stops the server and deletes its folder."""
        self.stop()
        shutil.rmtree(self.folder)


def children(parent: int) -> list[int]:
    """The pids of the direct children."""
    listing = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False).stdout
    return [int(pid) for pid in listing.split()]


class Postgres(Server):
    """PostgreSQL with the roles of the product: a schema owner and a service that may only read and write."""

    def __init__(self) -> None:
        super().__init__("postgres")
        self.host, self.client = "127.0.0.1", str(POSTGRES_BIN / "psql")
        self.password = secrets.token_urlsafe(24)
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        (self.folder / "password").write_text(self.password)
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, self._user, self._user)
        initdb = ["-D", str(self.folder / "data"), "-U", "postgres", "--auth=scram-sha-256", "--no-sync"]
        self._run(
            [str(POSTGRES_BIN / "initdb"), *initdb, f"--pwfile={self.folder / 'password'}", "-E", "UTF8"]
        )

    def command(self) -> list[str]:
        """As the unprivileged user; PostgreSQL refuses to run as root."""
        options = ("listen_addresses=127.0.0.1", f"port={self.port}", *QUICK)
        settings = [part for option in options for part in ("-c", option)]
        return self._as_user([str(POSTGRES_BIN / "postgres"), "-D", str(self.folder / "data"), *settings])

    def answers(self) -> bool:
        """pg_isready's word, since the port opens before connections are taken."""
        ready = [str(POSTGRES_BIN / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Runs statements as the superuser; their output, unaligned. A lock that never comes is an error."""
        command = [
            self.client,
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            self.url("postgres", database),
        ]
        environment = os.environ | {
            "PGPASSWORD": self.password,
            "PGOPTIONS": f"-c lock_timeout={LOCK_SECONDS}s",
        }
        for statement in statements:
            command += ["-c", statement]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        ).stdout.strip()

    def create(self, name: str) -> None:
        """A database with the roles <name>_owner and <name>_service, granted as the product does it."""
        roles = [
            f"CREATE ROLE {name}_{role} LOGIN PASSWORD '{self.password}'" for role in ("owner", "service")
        ]
        rights = f"ALTER ROLE {name}_owner CREATEDB", f"GRANT {name}_service TO {name}_owner"
        self.sql(*roles, *rights, f"CREATE DATABASE {name} OWNER {name}_owner")
        grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES"
        self.sql(
            f"ALTER SCHEMA public OWNER TO {name}_owner",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {name}_owner IN SCHEMA public {grant} TO {name}_service",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {name}_owner IN SCHEMA public"
            f" GRANT USAGE, SELECT ON SEQUENCES TO {name}_service",
            database=name,
        )

    def url(self, user: str, database: str) -> str:
        """The address without a password, for psql."""
        return f"postgresql://{user}@{self.host}:{self.port}/{database}"

    def address(self, role: str, database: str) -> str:
        """The address for the owner or the service of a database."""
        return f"postgresql://{database}_{role}:{self.password}@{self.host}:{self.port}/{database}"

    def _as_user(self, command: list[str]) -> list[str]:
        if os.geteuid() != 0:
            return command
        return ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--init-groups", "--", *command]

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(self._as_user(command), capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr


class RedisServer(Server):
    """Redis with a password and nothing on disk."""

    def __init__(self) -> None:
        super().__init__("redis")
        self.password = secrets.token_urlsafe(24)
        lines = (
            f"requirepass {self.password}",
            "bind 127.0.0.1",
            f"port {self.port}",
            'save ""',
            f"dir {self.folder}",
        )
        config = self.folder / "redis.conf"
        config.touch(0o600)
        config.write_text("\n".join(lines))

    def command(self) -> list[str]:
        """The password stands in the file, not here."""
        return ["redis-server", str(self.folder / "redis.conf")]

    @property
    def address(self) -> str:
        """REDIS_URL."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def empty(self) -> None:
        """Nothing cached, nobody counted: files of tests share the server, and their clients one address."""
        with Redis.from_url(self.address) as client:
            client.flushall()
