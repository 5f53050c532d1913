"""PostgreSQL and Redis of `slipway dev`: the cluster's own files, rendered for this machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra import private
from infra.dev.folder import POSTGRES_USER, Folder, postgres_user
from infra.errors import Problem, UserError
from infra.render import postgres as postgres_render
from infra.render import redis as redis_render
from infra.sandbox import processes
from infra.settings.model import Settings
from infra.settings.secrets import SecretName

LOOPBACK = "127.0.0.1"
POSTGRES_SECRETS = (SecretName.POSTGRES_OWNER_PASSWORD, SecretName.POSTGRES_SERVICE_PASSWORD)
START_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.05


def missing() -> list[Problem]:
    """Programs that are not installed."""
    wanted = {
        "postgresql-15": f"{postgres_render.CONTAINER.bin}/postgres",
        "redis-server": "redis-server",
        "util-linux": "setpriv",
    }
    return [
        Problem(path, "is not installed", f"apt-get install {package}")
        for package, path in wanted.items()
        if shutil.which(path) is None
    ]


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def bound_to_us(argv: Sequence[str], sign: str, user: str = "") -> list[str]:
    """The command as one that gets this signal when we die, however we die (prctl(2), PR_SET_PDEATHSIG)."""
    other = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
    return ["setpriv", *other, "--pdeathsig", sign, "--", *argv]


@dataclass(frozen=True)
class Server:
    """A server that runs. ``sign`` is its signal for a quick and clean end."""

    name: str
    port: int
    process: processes.Identity
    sign: signal.Signals
    record: Path

    def stop(self) -> None:
        """End it and wait; SIGKILL after 20 s."""
        if self.process.alive():
            os.kill(self.process.pid, self.sign)
            processes.end([self.process], patience=STOP_SECONDS)
        self.record.unlink(missing_ok=True)


def start_postgres(folder: Folder, settings: Settings) -> Server:
    """PostgreSQL with its roles and database, as start.sh prepares them in a pod; returns when it answers."""
    home, port = folder.postgres, free_port()
    place = postgres_render.Place(
        mount=str(home / "volume"),
        data=str(home / "volume" / "data"),
        config=str(home / "config"),
        secrets=str(home / "secrets"),
        sockets=str(home / "sockets"),
        private=str(home / "private"),
        address=LOOPBACK,
        port=port,
        user=postgres_user(),
    )
    texts = {f"config/{name}": text for name, text in postgres_render.files(settings.postgres, place).items()}
    texts |= {f"secrets/{name.value}": folder.secret(name) for name in POSTGRES_SECRETS}
    for name in ("volume", "config", "secrets", "sockets", "private"):
        (home / name).mkdir(exist_ok=True, mode=0o700)
        folder.give_to_postgres(home / name)
    for name, text in texts.items():
        private.write(home / name, text)
        folder.give_to_postgres(home / name)
    user = POSTGRES_USER if os.geteuid() == 0 else ""
    argv = bound_to_us(["bash", f"{place.config}/start.sh"], "INT", user)
    ready = [f"{place.bin}/pg_isready", "--quiet", f"--host={LOOPBACK}", f"--port={port}"]
    return _started(
        folder,
        "postgres",
        port,
        signal.SIGINT,
        argv,
        lambda: subprocess.run(ready, check=False).returncode == 0,
    )


def start_redis(folder: Folder, settings: Settings) -> Server:
    """Redis with its password and its append-only file; returns when it takes connections."""
    home, port = folder.redis, free_port()
    place = redis_render.Place(data=str(home), users=str(home), address=LOOPBACK, port=port)
    for name, text in redis_render.files(settings.redis, place).items():
        private.write(home / name, text)
    private.write(home / "users.acl", redis_render.users(folder.secret(SecretName.REDIS_PASSWORD)))
    argv = bound_to_us(["redis-server", str(home / "redis.conf")], "TERM")
    return _started(folder, "redis", port, signal.SIGTERM, argv, lambda: listens(port))


def listens(port: int) -> bool:
    """Whether somebody takes connections on this port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _started(
    folder: Folder, name: str, port: int, sign: signal.Signals, argv: list[str], ready: Callable[[], bool]
) -> Server:
    log, record = folder.log(name), folder.run / f"{name}.json"
    processes.bound(log)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "PGPORT": str(port)}
    process = processes.spawn(argv, environment=environment, log=log, seats=(), folder=Path("/"))
    keep(record, process)
    server = Server(name, port, process, sign, record)
    until = time.monotonic() + START_SECONDS
    while not ready():
        if not process.alive() or time.monotonic() > until:
            server.stop()
            folder.end_leftovers()
            said = "\n".join(processes.tail(log, 8))
            what = f"did not start; the end of {log}:\n{said}"
            raise UserError.of(
                name, what, "mend what it names, or begin with empty data: slipway dev --fresh"
            )
        time.sleep(POLL_SECONDS)
    return server


def keep(record: Path, process: processes.Identity) -> None:
    """Note a process, so that the next start can end it where this one is killed."""
    known = processes.Record(process.pid, process.started, process.boot, fingerprint="", since=time.time())
    processes.save(record, known)
