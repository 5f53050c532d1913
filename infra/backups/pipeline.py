"""Programs joined by pipes, whose output is read, counted and hashed on its way to the store.

Nothing of it is ever a file: a slow store holds the first program up, and memory holds one part at a time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO

from infra.backups import report
from infra.errors import UserError

PIPE_BYTES = 1 << 20  # Linux' largest for everybody (fs.pipe-max-size): fewer changes between programs
# Before a command that must not outlive this process.
ENDING_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
SAID_BYTES = 2000  # of what a failing program wrote, its end


@dataclass(frozen=True)
class Stage:
    """One program of a pipeline. ``environment`` is added to this process's own; passwords belong there and
    not into the command, which everybody on the machine can read."""

    command: tuple[str, ...]
    remedy: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Running:
    """A started program; what it writes to stderr is kept in memory, for the message if it fails."""

    def __init__(self, stage: Stage, stdin: int, stdout: int = subprocess.PIPE) -> None:
        self.stage, self.name = stage, stage.command[0]
        if not shutil.which(self.name):
            raise UserError.of(self.name, "the program is not there", "use the image `backups`, which has it")
        self._said = os.memfd_create(self.name)
        self.process = subprocess.Popen(
            stage.command,
            stdin=stdin,
            stdout=stdout,
            stderr=self._said,
            env={**os.environ, **stage.environment},
            bufsize=0,
            pipesize=PIPE_BYTES,
        )

    @property
    def stdin(self) -> IO[bytes]:
        """Its input, where it was started with a pipe for it."""
        return _pipe(self.process.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        """Its output."""
        return _pipe(self.process.stdout)

    def said(self) -> str:
        """The end of its messages."""
        size = os.fstat(self._said).st_size
        return os.pread(self._said, SAID_BYTES, max(0, size - SAID_BYTES)).decode(errors="replace").strip()

    def failure(self, where: str) -> UserError | None:
        """Waits for its end; an error where that was not a good one."""
        code = self.process.wait()
        if code == 0:
            return None
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return UserError.of(
            where, f"{self.name} {how}: {self.said() or 'it said nothing'}", self.stage.remedy
        )

    def end(self) -> None:
        """Kills it where it still runs, and gives back what it held."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        os.close(self._said)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the program was started without this pipe")
    return stream


class Pipeline:
    """The stages' joint output as a stream, as a context manager. The stream ends only where every stage has
    ended well: what comes after the last byte, such as the end of an upload, may rely on that."""

    def __init__(self, where: str, stages: Sequence[Stage]) -> None:
        self.where, self.bytes = where, 0
        self._stages, self._running = stages, list[Running]()
        self._hash, self._counter = hashlib.sha256(), report.Counter(where)

    def __enter__(self) -> Pipeline:
        stdin = subprocess.DEVNULL
        try:
            for stage in self._stages:
                self._running.append(Running(stage, stdin))
                if len(self._running) > 1:  # the pipe between two is theirs: one's end must reach the other
                    self._running[-2].stdout.close()
                stdin = self._running[-1].stdout.fileno()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def sha256(self) -> str:
        """Of what was read so far."""
        return self._hash.hexdigest()

    def readinto(self, buffer: memoryview) -> int:
        """Fills the buffer, or less at the end of the stream. Raises UserError where a stage failed."""
        filled = 0
        while filled < len(buffer):
            count = os.readv(self._running[-1].stdout.fileno(), [buffer[filled:]])
            if not count:
                self._ended()
                break
            self._hash.update(buffer[filled : filled + count])
            filled += count
            self.bytes += count
            self._counter.add(count)
        return filled

    def stop(self) -> None:
        """Lets ``readinto``, under way in another thread, fail at once."""
        for running in self._running:
            running.process.kill()

    def kill(self) -> None:
        """Ends every stage that still runs; the last first, so that none sees its end as the stream's."""
        while self._running:
            self._running.pop().end()

    def _ended(self) -> None:
        """A stage that fails takes those before it along, so the last that failed is the cause."""
        failures = [failure for running in self._running if (failure := running.failure(self.where))]
        if failures:
            raise failures[-1]
