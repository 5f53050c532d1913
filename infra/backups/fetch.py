"""A backup's dump, or its copy of the cache, to a file in the scratch folder: hashed, decrypted, unpacked.

pg_restore needs a file to work in parallel. The file gets its name when everything fits, so that a later run
may take it as it is.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.backups import contents, report
from infra.backups.config import IDENTITY, Compression, Config, Encryption
from infra.backups.findings import Finding, damage
from infra.backups.manifest import REMEDY, Manifest, Stored
from infra.backups.store import Store
from infra.errors import UserError

MADE = ("*.dump", "*.rdb", "*.part")  # what is ours in the scratch folder
MIB = 1 << 20
WORDS_OF_FULL = "No space left on device"


def dump(config: Config, store: Store, manifest: Manifest) -> Path:
    """The dump as pg_restore reads it. Raises BackupError for a damaged one, UserError where it has no room
    or the store is away."""
    stored = manifest.object(contents.DATABASE)
    if stored is None:
        raise damage(Finding.DUMP_MISSING, manifest.id, "its manifest names no dump", REMEDY)
    return _fetched(config, store, manifest, stored, config.scratch / f"{manifest.id}.dump")


def cache(config: Config, store: Store, manifest: Manifest) -> Path:
    """The copy of the cache as Redis reads it. Raises as ``dump``; UserError where the backup has none."""
    stored = manifest.object(contents.REDIS)
    if stored is None:
        what = "holds no copy of the cache: Redis was away when it was made, or the stack had none"
        raise UserError.of(manifest.id, what, "take another: slipway backup list STACK")
    return _fetched(config, store, manifest, stored, config.scratch / f"{manifest.id}.rdb")


def _fetched(config: Config, store: Store, manifest: Manifest, stored: Stored, target: Path) -> Path:
    if target.exists():
        return target
    clean(config)
    _room(config, stored)
    part = target.with_suffix(".part")
    try:
        with report.step("fetch", backup=manifest.id, bytes=stored.bytes):
            _Fetch(config, manifest, stored).run(store, part)
            part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def clean(config: Config) -> None:
    """Removes every dump, copy and part of one from the scratch folder."""
    for pattern in MADE:
        for path in config.scratch.glob(pattern):
            path.unlink(missing_ok=True)


def _room(config: Config, stored: Stored) -> None:
    """The dump takes at least what is stored; where it is packed nobody knows how much more."""
    if shutil.disk_usage(config.scratch).free < stored.bytes:
        raise full(config, stored)


def full(config: Config, stored: Stored) -> UserError:
    """The scratch folder has too little room."""
    free = shutil.disk_usage(config.scratch).free
    what = f"has {free // MIB} MiB free, and the dump takes {stored.bytes // MIB + 1} MiB as it is stored"
    if ".zst" in stored.name:
        what += ", several times as much unpacked"
    return UserError.of(
        f"scratch folder {config.scratch}", what, "make the scratch volume larger, then run it again"
    )


@dataclass
class _Fetch:
    """One download through the programs."""

    config: Config
    manifest: Manifest
    stored: Stored

    def run(self, store: Store, part: Path) -> None:
        """Into the part file. Raises as ``dump``."""
        key = store.key(self.manifest.id, self.stored.name)
        with ExitStack() as stack:
            output = stack.enter_context(part.open("wb"))
            errors: list[IO[bytes]] = [
                stack.enter_context(tempfile.TemporaryFile()) for _ in self._commands()
            ]
            processes = _chain(self._commands(), output, errors)
            stack.callback(_end, processes)
            sink = processes[0].stdin if processes else output
            stream, _ = stack.enter_context(store.open(key))
            assert sink is not None  # noqa: S101  (a pipe was asked for)
            digest, count = self._pour(stream, sink)
            codes = [process.wait() for process in processes]
            said = [_said(file) for file in errors]
        self._judge(key, digest, count)
        for command, code, text in zip(self._commands(), codes, said, strict=True):
            if code:
                raise self._failure(key, command[0], text)

    def _commands(self) -> list[list[str]]:
        commands = []
        if self.manifest.encryption == Encryption.AGE:
            commands.append(["age", "--decrypt", "--identity", str(self.config.keys / IDENTITY)])
        if self.manifest.compression == Compression.ZSTD:
            commands.append(["zstd", "--decompress", "--stdout", "--quiet"])
        return commands

    def _pour(self, stream: IO[bytes], sink: IO[bytes]) -> tuple[str, int]:
        """Everything, also where a program gives up early: the hash says more than its error does."""
        digest, counter = hashlib.sha256(), report.Counter("fetch", self.stored.bytes)
        taken = True
        while chunk := stream.read(MIB):
            digest.update(chunk)
            counter.add(len(chunk))
            taken = taken and self._write(sink, chunk)
        if taken:
            self._write(sink, b"", last=True)
        return digest.hexdigest(), counter.done

    def _write(self, sink: IO[bytes], chunk: bytes, *, last: bool = False) -> bool:
        try:
            sink.write(chunk)
            if last:
                sink.close()
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise full(self.config, self.stored) from error
            if error.errno != errno.EPIPE:
                raise
            return False
        return True

    def _judge(self, key: str, digest: str, count: int) -> None:
        if count != self.stored.bytes:
            how = "it is cut off" if count < self.stored.bytes else "something was appended"
            what = f"has {count} bytes, and the manifest says {self.stored.bytes}: {how}"
            raise damage(Finding.DUMP_TRUNCATED, key, what, REMEDY)
        if digest != self.stored.sha256:
            what = "its SHA-256 is not the manifest's: bytes of it were changed in the store"
            raise damage(Finding.DUMP_ALTERED, key, what, REMEDY)

    def _failure(self, key: str, program: str, text: str) -> UserError:
        if WORDS_OF_FULL in text:
            return full(self.config, self.stored)
        if program == "age":
            what = f"cannot be decrypted with this stack's identity: {text}"
            remedy = "set the secret backupKey to the one it was made with"
            return damage(Finding.WRONG_KEY, key, what, remedy)
        return damage(Finding.DUMP_UNREADABLE, key, f"cannot be unpacked: {text}", REMEDY)


def _chain(
    commands: list[list[str]], output: IO[bytes], errors: list[IO[bytes]]
) -> list[subprocess.Popen[bytes]]:
    """The programs, each reading the one before, the last writing to ``output``."""
    processes: list[subprocess.Popen[bytes]] = []
    for place, command in enumerate(commands):
        before = processes[-1].stdout if processes else None
        processes.append(
            subprocess.Popen(
                command,
                stdin=before or subprocess.PIPE,
                stdout=output if place == len(commands) - 1 else subprocess.PIPE,
                stderr=errors[place],
            )
        )
        if before:
            before.close()  # ours; else the program before would not learn that its reader has ended
    return processes


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdin and not process.stdin.closed:
            _forget(process.stdin)


def _forget(pipe: IO[bytes]) -> None:
    """Closes a pipe whose reader may have ended; what it still holds is of no use."""
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _said(file: IO[bytes]) -> str:
    file.seek(0)
    lines = [line.strip() for line in file.read(4096).decode(errors="replace").splitlines()]
    return next((line for line in lines if line), "it says nothing")
