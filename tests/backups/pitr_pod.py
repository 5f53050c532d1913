"""The postgres pod of a stack with point-in-time recovery, on this machine.

start.sh, archive and program run as the user postgres from rendered files with this machine's paths.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cronsim

from infra.paths import ROOT
from infra.render import archive, backups, pitr, postgres
from infra.render.backup_keys import User
from infra.settings.model import Settings
from infra.settings.secrets import SecretName
from tests.app.servers import Server, wait_for
from tests.backups.running import Said
from tests.backups.servers import BUCKET, STACK, ObjectStore
from tests.infra.mocks import settings

USER = "postgres"
NAMED = STACK.removesuffix("test") + "dev"  # a stack file's name; the store's policy has the other
PROGRAM = ("infra/__init__.py", "infra/errors.py", "infra/backups")
SECONDS = 90.0
TIMEOUT = 5  # archive_timeout of these tests, the least that the settings allow


class Pod(Server):
    """One database with its archive. ``key``: the backupKey."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        super().__init__("pitr")
        self.store, self.key = store, key
        section = {"enabled": True, "archive_timeout_seconds": TIMEOUT}
        self.settings: Settings = settings(
            NAMED, backups={"enabled": True, "bucket": BUCKET, "store": {"kind": "cluster"}, "pitr": section}
        )
        self.volume, self.live = self.folder / "volume", self.folder / "volume" / "data"
        for name in ("volume", "config", "secrets", "sockets", "private", "scratch", "program"):
            (self.folder / name).mkdir(mode=0o700)
        for name in PROGRAM:
            self._copy(ROOT / name, self.folder / "program" / name)
        self._copy(Path(cronsim.__file__).parent, self.folder / "program" / "cronsim")
        self.render()

    def render(self, key: str | None = None, port: int | None = None) -> None:
        """Writes the pod's files; with another key, or for a store on another port."""
        place = postgres.Place(
            mount=str(self.volume),
            data=str(self.live),
            config=str(self.folder / "config"),
            secrets=str(self.folder / "secrets"),
            sockets=str(self.folder / "sockets"),
            private=str(self.folder / "private"),
            address="127.0.0.1",
            port=self.port,
        )
        texts = postgres.files(self.settings.postgres, place, archive.parameters(self.settings))
        for name, text in texts.items():
            self._write(self.folder / "config" / name, self._here(text, User.ARCHIVER))
        for secret in (SecretName.POSTGRES_OWNER_PASSWORD, SecretName.POSTGRES_SERVICE_PASSWORD):
            self._write(self.folder / "secrets" / secret.value, secrets.token_urlsafe(32))
        for user in (User.ARCHIVER, User.PITR):
            login = pitr.Login(user.value, self.store.secrets[user.value])
            text = pitr.config(self.settings, user, key or self.key, login)
            text = text.replace(f"/{NAMED}/", f"/{STACK}/").replace(
                backups.store_host(self.settings), "localhost"
            )
            text = text.replace(f"port={backups.STORE_PORT}", f"port={port or self.store.port}")
            self._write(self.folder / user / archive.CONFIG, self._here(text, user))
            self._write(self.folder / user / pitr.AUTHORITY, self.store.certificate.read_text())
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{USER}:{USER}", str(self.folder)], check=True)

    def command(self) -> list[str]:
        """start.sh, as in the pod."""
        return as_user(["env", f"PGPORT={self.port}", "bash", str(self.folder / "config" / "start.sh")])

    def answers(self) -> bool:
        """Open to the network, which comes after roles and passwords."""
        ready = [*("/usr/lib/postgresql/15/bin/pg_isready", "-q", "-h"), "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def sql(self, *statements: str) -> str:
        """As the superuser over the socket, in the stack's database."""
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder / "sockets")]
        command += ["-p", str(self.port), "-d", self.settings.postgres.database]
        command += [part for statement in statements for part in ("-c", statement)]
        done = subprocess.run(as_user(command), capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def second(self) -> str:
        """The database's own clock, as a person would note it, with parts of a second: tests are quick."""
        noted = datetime.fromisoformat(self.sql("SELECT clock_timestamp()")).astimezone(UTC)
        return noted.isoformat().replace("+00:00", "Z")

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts the pod's program; whoever begins it ends it."""
        variables = pitr.environment(self.settings) | {
            "PITR_CONFIG": str(self.folder / User.PITR / archive.CONFIG),
            "PITR_MOUNT": str(self.volume),
            "PITR_SCRATCH": str(self.folder / "scratch"),
            "PITR_SOCKETS": str(self.folder / "sockets"),
            "PITR_PORT": str(self.port),
        }
        return subprocess.Popen(
            as_user(["/usr/bin/python3", *pitr.PROGRAM[1:], *arguments]),
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder / "program"), **variables},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def program(self, *arguments: str) -> Said:
        """A whole run of the pod's program."""
        return end(self.begin(*arguments))

    def restore(self, moment: str, how: signal.Signals = signal.SIGINT) -> Said:
        """As `slipway restore --to` does it: stop, restore and swap, start."""
        self.stop(how)
        try:
            return self.program("restore", "--to", moment)
        finally:
            self.start()

    def backup(self, kind: str = "full") -> None:
        """A base backup now, by the configuration of the container that makes them.

        Its end is told in whole seconds: the second in which it ended is not after it.
        """
        pgbackrest(self, User.PITR, "stanza-create")
        pgbackrest(self, User.PITR, f"--type={kind}", "backup")
        ended = self.second()[: len("2026-11-20T03:00:05")]
        wait_for(lambda: not self.second().startswith(ended), "the next second", SECONDS)

    def log(self) -> str:
        """What PostgreSQL has said."""
        return (self.folder / "log").read_text(errors="replace")

    def _here(self, text: str, user: User) -> str:
        place = postgres.CONTAINER
        for theirs, ours in {
            archive.FOLDER: self.folder / user,
            pitr.LOCKS: self.folder / f"locks-{user}",
            place.sockets: self.folder / "sockets",
            place.data: self.live,
        }.items():
            text = text.replace(str(theirs), str(ours))
        return text.replace(f"pg1-port={place.port}\n", f"pg1-port={self.port}\n")

    def _write(self, file: Path, text: str) -> None:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(0o600)
        file.write_text(text)

    def _copy(self, source: Path, goal: Path) -> None:
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, goal)


def as_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--", *command]


def pgbackrest(pod: Pod, user: User, *arguments: str) -> str:
    """pgBackRest itself, as one of the two store users."""
    command = ["pgbackrest", f"--config={pod.folder / user / archive.CONFIG}", "--stanza=main", *arguments]
    done = subprocess.run(as_user(command), capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


def end(process: subprocess.Popen[str], sig: signal.Signals | None = None) -> Said:
    """Waits for its end, after a signal where one is given."""
    if sig is not None:
        process.send_signal(sig)
    try:
        output, _ = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return Said(process.returncode, lines, output)


def running_pod(store: ObjectStore, *, backup: bool = True) -> Iterator[Pod]:
    """A pod, with its first base backup, for a fixture."""
    pod = Pod(store, secrets.token_urlsafe(32))
    try:
        pod.start()
        if backup:
            pod.backup()
        yield pod
    finally:
        pod.remove()


def archived(pod: Pod) -> str:
    """The newest segment that the archive holds."""
    return pod.sql("SELECT last_archived_wal FROM pg_stat_archiver")


def all_archived(pod: Pod, seconds: float = SECONDS) -> None:
    """Waits until nothing is left to archive; after failures PostgreSQL tries again once a minute."""
    waiting = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
    wait_for(lambda: pod.sql(waiting) == "0", "every segment is archived", seconds)
