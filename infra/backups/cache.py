"""The cache: emptied after another database took the live one's place, and filled again from a backup.

A copy (RDB) is read by a Redis of our own, and its keys go to the live one with what is left of their time.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import RedisError

from infra.backups import fetch, report
from infra.backups.config import Config
from infra.backups.databases import first_line
from infra.backups.findings import Finding, damage
from infra.backups.manifest import REMEDY, Manifest
from infra.backups.pipeline import ENDING_WITH_US
from infra.backups.store import Store
from infra.errors import UserError

SECONDS = 30
POLL_SECONDS = 0.1
LOAD_SECONDS = 600.0  # of a copy; Redis reads 100 MB and more in a second
BATCH = 500  # keys of one round trip
AGAIN = "see that Redis runs: slipway status; then run the same command again, only this is left"


def empty(config: Config) -> bool:
    """Removes every key: Redis is the service's alone. False where there is no cache. Raises UserError."""
    if config.redis_url is None:
        return False
    try:
        with _client(config.redis_url) as live:
            live.flushall()
    except RedisError as error:
        what = f"could not be emptied and holds what the database before said: {first_line(error)}"
        raise UserError.of("cache", what, AGAIN) from None
    return True


def fill(config: Config, store: Store, manifest: Manifest) -> int:
    """Puts the copy's keys into the live cache, over those of the same name; others stay. Says how many:
    keys whose time has ended are not among them. Run again after a kill, it does the same once more. Raises
    BackupError for a damaged copy, UserError where Redis refuses."""
    if config.redis_url is None:
        raise UserError.of("REDIS_URL", "is not set: there is no cache to fill", "give the job its address")
    copy = fetch.cache(config, store, manifest)
    with report.step("fill", backup=manifest.id), _server(copy, manifest) as own:
        try:
            with _client(config.redis_url) as live:
                return _copied(own, live)
        except RedisError as error:
            what = f"did not take the keys: {first_line(error)}"
            raise UserError.of("cache", what, "see that Redis runs and has room: slipway status") from None
        finally:
            fetch.clean(config)


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)


def _copied(own: redis.Redis, live: redis.Redis) -> int:
    found, count = iter(own.scan_iter(count=BATCH)), 0
    while batch := list(islice(found, BATCH)):
        count += _batch(own, live, batch)
    return count


def _batch(own: redis.Redis, live: redis.Redis, keys: Sequence[bytes]) -> int:
    """Reads values and the moments at which they end (ms since 1970, 0: never) and writes them."""
    asked, told = own.pipeline(transaction=False), live.pipeline(transaction=False)
    for key in keys:
        asked.dump(key)
        asked.execute_command("PEXPIRETIME", key)  # type: ignore[no-untyped-call]  # its own method takes text
    found, written = _answers(asked), 0
    for key, value, end in zip(keys, found[::2], found[1::2], strict=True):
        if value is not None:
            told.restore(key, max(end, 0), value, replace=True, absttl=True)
            written += 1
    _answers(told)
    return written


def _answers(pipeline: Any) -> list[Any]:
    """Raises the first error as Redis said it: the pipeline's own would quote keys and values."""
    found: list[Any] = pipeline.execute(raise_on_error=False)
    for answer in found:
        if isinstance(answer, RedisError):
            raise answer
    return found


@contextmanager
def _server(copy: Path, manifest: Manifest) -> Iterator[redis.Redis]:
    """A Redis that nobody else reaches, with the copy loaded."""
    with tempfile.TemporaryDirectory() as folder:
        socket, log = Path(folder) / "redis.sock", Path(folder) / "log"
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "dir": str(copy.parent),
            "dbfilename": copy.name,
            "save": "",
            "appendonly": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with log.open("w") as out:
            process = subprocess.Popen([*ENDING_WITH_US, "redis-server", *words], stdout=out, stderr=out)
        try:
            own = redis.Redis(unix_socket_path=str(socket), socket_timeout=SECONDS)
            _loaded(own, process, log, manifest)
            yield own
            own.close()
        finally:
            process.kill()
            process.wait()


def _loaded(own: redis.Redis, process: subprocess.Popen[bytes], log: Path, manifest: Manifest) -> None:
    end = time.monotonic() + LOAD_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            own.ping()
        except RedisError:  # it has no socket yet, or is still loading
            time.sleep(POLL_SECONDS)
        else:
            return
    lines = [
        line.rpartition("# ")[2] for line in log.read_text(errors="replace").splitlines() if "# " in line
    ]
    said = lines[-1] if lines else f"it did not load within {LOAD_SECONDS:.0f} s"
    what = f"its copy of the cache cannot be read: {said}"
    raise damage(Finding.CACHE_UNREADABLE, manifest.id, what, REMEDY)
