"""The run itself: servers, migrations, the service under a watcher, and their end in the opposite order."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from infra import private
from infra.dev import servers
from infra.dev.folder import Folder
from infra.dev.servers import LOOPBACK, Server
from infra.errors import EXIT_USAGE, Problem, UserError
from infra.progress import Progress
from infra.render import service as render
from infra.sandbox import processes
from infra.scratch import shielded
from infra.settings import local
from infra.settings.model import Settings
from infra.settings.secrets import SecretName

VERSION = "dev"
HEALTHY_SECONDS = 60.0
POLL_SECONDS = 0.2
KEPT = ("PATH", "HOME", "LANG", "TERM", "TZ")
ENVIRONMENT_FILE = "environment"


def develop(folder: Folder, source: Path, port: int, progress: Progress, *, fresh: bool) -> None:
    """Run until Ctrl-C. Raises UserError where something is missing, taken, or ends by itself."""
    settings = local.settings()
    with folder.held():
        _require(source, port, folder)
        if fresh:
            folder.forget()
            progress.say("dev", "began with empty data")
        folder.prepare()
        with _servers(folder, settings, progress) as (postgres, redis):
            variables = environment(folder, settings, postgres.port, redis.port, port)
            _migrate(folder, settings, postgres.port, source, progress)
            with _service(folder, source, variables) as service:
                _announce(port, progress)
                _watch(service, (postgres, redis))


def environment(folder: Folder, settings: Settings, postgres: int, redis: int, port: int) -> dict[str, str]:
    """The service's variables, secrets included; also kept in a file for `slipway dev env`."""
    values = {
        **render.environment(settings, VERSION),
        "HOST": LOOPBACK,
        "PORT": str(port),
        render.DATABASE_URL: _database_url(
            folder, settings.postgres.service_role, SecretName.POSTGRES_SERVICE_PASSWORD, settings, postgres
        ),
        render.REDIS_URL: f"redis://:{_quoted(folder, SecretName.REDIS_PASSWORD)}@{LOOPBACK}:{redis}/0",
        render.SECRET_KEY: folder.secret(SecretName.SECRET_KEY),
        render.DEV_TOKEN: folder.secret(SecretName.DEV_TOKEN),
    }
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    private.write(folder.root / ENVIRONMENT_FILE, lines)
    return values


def _database_url(folder: Folder, role: str, password: SecretName, settings: Settings, port: int) -> str:
    return f"postgresql://{role}:{_quoted(folder, password)}@{LOOPBACK}:{port}/{settings.postgres.database}"


def _quoted(folder: Folder, name: SecretName) -> str:
    return urllib.parse.quote(folder.secret(name), safe="")


def _require(source: Path, port: int, folder: Folder) -> None:
    """Everything that stands in the way, at once; what a killed run left is ended first."""
    folder.end_leftovers()
    problems = servers.missing()
    if not (source / "app" / "main.py").is_file():
        problems.append(
            Problem(str(source), "holds no app/main.py", "name the folder that holds app/: --source")
        )
    if servers.listens(port):
        problems.append(Problem(f"port {port}", "is taken", f"choose another: slipway dev --port {port + 1}"))
    if problems:
        raise UserError(problems, exit_code=EXIT_USAGE)


@contextlib.contextmanager
def _servers(folder: Folder, settings: Settings, progress: Progress) -> Iterator[tuple[Server, Server]]:
    with contextlib.ExitStack() as running:
        started = []
        for name, start in (("postgres", servers.start_postgres), ("redis", servers.start_redis)):
            with progress.step(name, "starting"):
                started.append(start(folder, settings))
            running.callback(_stop, started[-1], progress)
        yield started[0], started[1]


def _stop(server: Server, progress: Progress) -> None:
    with shielded():
        server.stop()
    progress.say(server.name, "ended")


def _migrate(folder: Folder, settings: Settings, port: int, source: Path, progress: Progress) -> None:
    owner = settings.postgres.owner
    url = _database_url(folder, owner, SecretName.POSTGRES_OWNER_PASSWORD, settings, port)
    values = {**render.migration_environment(settings), render.DATABASE_URL: url}
    with progress.step("migrations", "upgrading the schema"):
        done = subprocess.run(
            [sys.executable, *render.MIGRATION_COMMAND[1:]],
            cwd=source / "app",
            env=_process_environment(source, values),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise UserError.of(
            "migrations", f"failed:\n{said}", "mend the migration, then run it again: slipway dev"
        )


def _process_environment(source: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the caller's but what every program needs, so that it runs as it does in a pod."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1", **values}


@contextlib.contextmanager
def _service(folder: Folder, source: Path, variables: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The watcher with the service below it; both write to this terminal."""
    command = servers.bound_to_us([sys.executable, *render.COMMAND[1:]], "TERM")
    argv = [sys.executable, *render.RELOAD_COMMAND[1:], shlex.join(command), str(source / "app")]
    process = subprocess.Popen(
        servers.bound_to_us(argv, "TERM"),
        cwd=source,
        env=_process_environment(source, variables),
        start_new_session=True,
    )
    record = folder.run / "service.json"
    try:
        if known := processes.identity(process.pid):
            servers.keep(record, known)
        yield process
    finally:
        with shielded():
            process.send_signal(signal.SIGINT)
            try:
                process.wait(servers.STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            record.unlink(missing_ok=True)


def _announce(port: int, progress: Progress) -> None:
    """Say where it is once it is healthy; a service that is not yet may only need its next change."""
    url, until = f"http://{LOOPBACK}:{port}", time.monotonic() + HEALTHY_SECONDS
    while not _healthy(url):
        if time.monotonic() > until:
            progress.say(
                "service", "is not healthy yet; its own lines above say why, and it starts again on a change"
            )
            return
        time.sleep(POLL_SECONDS)
    progress.say("service", f"healthy: {url}/docs, and starts again when a file of app/ changes")
    progress.say("service", f'as a user: curl -H "Authorization: Bearer $(slipway dev token)" {url}/auth/me')
    progress.say("service", 'its variables: eval "$(slipway dev env)"; Ctrl-C ends all three')


def _healthy(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}{render.HEALTH_PATH}", timeout=5).json()["status"] == "healthy")
    except (httpx.TransportError, ValueError, KeyError):
        return False


def _watch(service: subprocess.Popen[bytes], started: tuple[Server, ...]) -> None:
    """Wait until one of the three ends. Raises UserError that names it; KeyboardInterrupt on Ctrl-C."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = service.wait(timeout=1.0)
            raise UserError.of(
                "service", f"its watcher ended with exit code {code}", "run it again: slipway dev"
            )
        for server in started:
            if not server.process.alive():
                what = f"ended by itself; its log is {server.record.parent.parent / 'logs' / server.name}.log"
                raise UserError.of(server.name, what, "run it again: slipway dev")
