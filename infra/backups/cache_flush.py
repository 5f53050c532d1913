"""The verb ``flush``: after a restore of the whole volume the cache holds what is true no more."""

from __future__ import annotations

import argparse
import os
import subprocess
from urllib.parse import unquote, urlsplit

from infra.backups import report
from infra.backups.config import Config
from infra.errors import UserError

SECONDS = 30


def run(config: Config, _chosen: argparse.Namespace) -> None:
    """Removes every key of the cache, which is the service's alone. Needs REDIS_URL."""
    if config.redis_url:
        _flush(config.redis_url)
    report.say("result", flushed=bool(config.redis_url))


def _flush(url: str) -> None:
    parts = urlsplit(url)
    command = ["redis-cli", "-e", "-h", parts.hostname or "localhost", "-p", str(parts.port or 6379)]
    command += ["--user", unquote(parts.username)] if parts.username else []
    command += ["--tls"] if parts.scheme == "rediss" else []
    secret = {"REDISCLI_AUTH": unquote(parts.password or "")}
    try:
        done = subprocess.run(
            [*command, "FLUSHALL"],
            env=os.environ | secret,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise _stale("it did not answer") from None
    if done.returncode or done.stdout.strip() != "OK":
        raise _stale((done.stderr.strip() or done.stdout.strip() or "redis-cli failed").splitlines()[0])


def _stale(why: str) -> UserError:
    what = f"was not emptied, and holds what was true before the restore: {why}"
    return UserError.of("cache", what, "see that Redis runs: slipway status STACK; then run it again")
