"""What `slipway dev` keeps on disk: data, secrets made once, logs, who runs; and who may run at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra import private
from infra.engine.sealing import new_value
from infra.errors import UserError
from infra.sandbox import processes
from infra.settings.secrets import SecretName

POSTGRES_USER = "postgres"  # of Debian's package: PostgreSQL refuses to run as root
SECRETS = (
    SecretName.POSTGRES_OWNER_PASSWORD,
    SecretName.POSTGRES_SERVICE_PASSWORD,
    SecretName.REDIS_PASSWORD,
    SecretName.SECRET_KEY,
    SecretName.DEV_TOKEN,
)
LEFTOVER_SECONDS = 10.0
PATH_LENGTH = 80  # PostgreSQL's sockets below it must fit into 107 characters (unix(7))


@dataclass(frozen=True)
class Folder:
    """``root`` may be entered by anybody and read by its owner; ``postgres`` belongs to PostgreSQL's user."""

    root: Path

    @property
    def postgres(self) -> Path:
        """Everything that PostgreSQL's own user reads and writes."""
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        """The append-only file, redis.conf and the users' file."""
        return self.root / "redis"

    @property
    def run(self) -> Path:
        """One record for each process that runs."""
        return self.root / "run"

    def log(self, name: str) -> Path:
        """What a server says."""
        return self.root / "logs" / f"{name}.log"

    def secret(self, name: SecretName) -> str:
        """A secret's value. Raises UserError where `slipway dev` never ran."""
        try:
            return self._secret_file(name).read_text()
        except FileNotFoundError:
            raise UserError.of(f"{self.root}", "holds no secrets yet", "run first: slipway dev") from None

    def prepare(self) -> None:
        """Make the folders, and the secrets that are not there. Raises UserError where it cannot be used."""
        text = str(self.root)
        if len(text) > PATH_LENGTH or any(sign in text for sign in " '\"\\"):
            what = f"is longer than {PATH_LENGTH} characters, or holds a space or a quote"
            raise UserError.of(
                text, what, "choose another folder: XDG_STATE_HOME=/tmp/slipway-dev slipway dev"
            )
        self.root.mkdir(parents=True, exist_ok=True, mode=0o711)
        for folder in (self.redis, self.run, self.log("").parent, self._secret_file(SECRETS[0]).parent):
            folder.mkdir(exist_ok=True, mode=0o700)
        for name in SECRETS:
            if not self._secret_file(name).exists():
                private.write(self._secret_file(name), new_value())
        self.postgres.mkdir(exist_ok=True, mode=0o700)
        self.give_to_postgres(self.postgres)

    def forget(self) -> None:
        """Delete the data of both servers; the secrets stay."""
        for data in (self.postgres, self.redis):
            shutil.rmtree(data, ignore_errors=True)

    def give_to_postgres(self, path: Path) -> None:
        """Make the file or folder PostgreSQL's own, where that is another user."""
        if os.geteuid() == 0:
            shutil.chown(path, POSTGRES_USER, POSTGRES_USER)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """One `slipway dev` at a time; the kernel frees the lock. Raises UserError with the other's pid."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o711)
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode().strip()
            os.close(descriptor)
            remedy = f"use that one, or end it: kill {holder}"
            raise UserError.of("slipway dev", f"runs already: process {holder}", remedy) from None
        try:
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def end_leftovers(self) -> None:
        """End whatever a killed `slipway dev` left, and wait for it."""
        records = {file: processes.load(file) for file in self.run.glob("*.json")}
        left = [found for record in records.values() if record for found in _session(record)]
        postmaster = self._postmaster()
        processes.end([*left, postmaster] if postmaster else left, patience=LEFTOVER_SECONDS)
        if not self._postmaster():  # PostgreSQL takes a pid for alive that only waits for its parent's word
            self._postmaster_file.unlink(missing_ok=True)
        for file in records:
            file.unlink()

    @property
    def _postmaster_file(self) -> Path:
        return self.postgres / "volume" / "data" / "postmaster.pid"

    def _postmaster(self) -> processes.Identity | None:
        """This folder's PostgreSQL, also one that start.sh left as it prepared the roles; or None."""
        try:
            pid = int(self._postmaster_file.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        mine = str(self.postgres) in processes.command_line(pid)
        return processes.identity(pid) if mine else None

    def _secret_file(self, name: SecretName) -> Path:
        return self.root / "secrets" / name.value


def _session(record: processes.Record) -> list[processes.Identity]:
    """The recorded process and those of its session: the service outlives its watcher by some moments."""
    if record.boot != processes.boot_id():
        return []
    found = [record.identity] if record.identity.alive() else []
    for pid in (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()):
        with contextlib.suppress(ProcessLookupError):
            known = processes.identity(pid) if os.getsid(pid) == record.pid else None
            if known and known.started >= record.started and known not in found:
                found.append(known)
    return found


def postgres_user() -> str:
    """The system user that PostgreSQL runs as."""
    return POSTGRES_USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
