"""The cache after another database took the live one's place: what it holds belongs to the one before."""

from __future__ import annotations

import os
import subprocess
from urllib.parse import unquote, urlsplit

from infra.backups.config import Config
from infra.backups.databases import first_line
from infra.errors import UserError

SECONDS = 30
AGAIN = "see that Redis runs: slipway status; then run the same command again, only this is left"


def empty(config: Config) -> bool:
    """Removes every key: Redis is the service's alone. False where there is no cache. Raises UserError."""
    if config.redis_url is None:
        return False
    parts = urlsplit(config.redis_url)
    command = ["redis-cli", "-e", "-h", parts.hostname or "localhost", "-p", str(parts.port or 6379)]
    if parts.username:
        command += ["--user", unquote(parts.username)]
    if parts.scheme == "rediss":
        command.append("--tls")
    environment = {**os.environ, "REDISCLI_AUTH": unquote(parts.password or "")}
    try:
        done = subprocess.run(
            [*command, "FLUSHALL"],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=environment,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise _stale(first_line(error)) from None
    if done.returncode or done.stdout.strip() != "OK":
        raise _stale(first_line(done.stderr.strip() or done.stdout.strip() or "redis-cli failed"))
    return True


def _stale(why: str) -> UserError:
    what = f"could not be emptied and holds what the database before said: {why}"
    return UserError.of("cache", what, AGAIN)
