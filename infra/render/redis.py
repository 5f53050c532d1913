"""Redis' files: redis.conf, and the users' file, which holds password hashes and belongs in a Secret."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from infra import limits
from infra.render import validate
from infra.render.environment import render
from infra.settings.redis import Redis

PORT = 6379
CONFIG = "/etc/slipway/redis"
PROBE_USER = "probe"
BACKUP_USER = "backup"
MONITOR_USER = "monitor"
# What the exporter asks; the slow log shows arguments, which may be values, so that it stays closed.
READING_FIGURES = "+info +ping +latency|latest +latency|histogram +slowlog|len"
COPYING = "+sync +psync +replconf +info +flushall +restore"


@dataclass(frozen=True)
class Place:
    """Where things lie and where it listens; by default those of the container."""

    data: str = "/data"
    users: str = "/run/slipway/redis"
    address: str = "* -::*"
    port: int = PORT


CONTAINER = Place()


def files(settings: Redis, place: Place = CONTAINER) -> dict[str, str]:
    """File name → text. Raises validate.RenderError where a file does not read back as meant."""
    wanted = directives(settings, place)
    config = render("redis/redis.conf.j2", directives=wanted)
    validate.same("redis.conf", wanted, validate.assignments(config, " "))
    return {"redis.conf": config}


def directives(settings: Redis, place: Place = CONTAINER) -> dict[str, str]:
    """The directives of redis.conf (redis.io, "Redis configuration", 7.0)."""
    return {
        "bind": place.address,
        "port": str(place.port),
        "protected-mode": "yes",
        "dir": place.data,
        "aclfile": f"{place.users}/users.acl",
        "appendonly": "yes",
        "appendfsync": settings.appendfsync.value,
        "save": '""',  # the append-only file is the one copy on disk
        "maxmemory": f"{limits.memory_bytes(settings.maxmemory)}",
        "maxmemory-policy": settings.maxmemory_policy.value,
        "tcp-keepalive": "60",
        "timeout": "0",
        "shutdown-timeout": str(max(settings.shutdown_seconds - 5, 1)),
        "loglevel": "notice",
    }


def users(password: str, monitor: str | None = None) -> str:
    """The users' file: the default user works with data, not with the server; the probe only pings; the
    backup copies the whole as a replica does, and empties it after a restore. With a password for it there is
    a user who reads figures, and neither keys nor values.

    Redis stores SHA-256 of a password in this file (redis.io, "ACL"); a password has 32 characters or more.
    """
    digest = hashlib.sha256(password.encode()).hexdigest()
    lines = (
        f"user default reset on #{digest} ~* &* +@all -@admin -@dangerous +info\n"
        f"user {PROBE_USER} reset on nopass +ping\n"
        f"user {BACKUP_USER} reset on #{digest} ~* +@connection +@read {COPYING}\n"
    )
    if monitor is None:
        return lines
    own = hashlib.sha256(monitor.encode()).hexdigest()
    return f"{lines}user {MONITOR_USER} reset on #{own} {READING_FIGURES}\n"
