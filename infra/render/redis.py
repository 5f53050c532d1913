"""Redis' files: redis.conf, and the users' file, which holds password hashes and belongs in a Secret."""

from __future__ import annotations

import hashlib

from infra import limits
from infra.render import validate
from infra.render.environment import render
from infra.settings.redis import Redis

PORT = 6379
CONFIG = "/etc/slipway/redis"
USERS = "/run/slipway/redis"
DATA = "/data"
PROBE_USER = "probe"


def files(settings: Redis) -> dict[str, str]:
    """File name → text. Raises validate.RenderError where a file does not read back as meant."""
    wanted = directives(settings)
    config = render("redis/redis.conf.j2", directives=wanted)
    validate.same("redis.conf", wanted, validate.assignments(config, " "))
    return {"redis.conf": config}


def directives(settings: Redis) -> dict[str, str]:
    """The directives of redis.conf (redis.io, "Redis configuration", 7.0)."""
    return {
        "bind": "* -::*",
        "port": str(PORT),
        "protected-mode": "yes",
        "dir": DATA,
        "aclfile": f"{USERS}/users.acl",
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


def users(password: str) -> str:
    """The users' file: the default user works with data, not with the server; the probe only pings.

    Redis stores SHA-256 of a password in this file (redis.io, "ACL"); a password has 32 characters or more.
    """
    digest = hashlib.sha256(password.encode()).hexdigest()
    return (
        f"user default reset on #{digest} ~* &* +@all -@admin -@dangerous +info\n"
        f"user {PROBE_USER} reset on nopass +ping\n"
    )
