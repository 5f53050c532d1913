"""PostgreSQL's part of point-in-time recovery: parameters that archive each closed segment."""

from __future__ import annotations

from infra.settings.model import Settings

FOLDER = "/run/slipway/pitr"
CONFIG = "pgbackrest.conf"
STANZA = "main"


def wanted(settings: Settings) -> bool:
    """Whether the stack keeps an archive."""
    return settings.backups.enabled and settings.backups.pitr.enabled


def parameters(settings: Settings) -> dict[str, str]:
    """What postgresql.conf gets; nothing where the archive is off.

    Not asynchronous: pgBackRest's own background process would become PostgreSQL's child, which is the pod's
    first process, and its death would restart the whole server (ADR 0018).
    """
    if not wanted(settings):
        return {}
    return {
        "archive_mode": "on",
        "archive_command": f"'pgbackrest --config={FOLDER}/{CONFIG} --stanza={STANZA} archive-push %p'",
        "archive_timeout": f"{settings.backups.pitr.archive_timeout_seconds}s",
    }
