"""The verbs that write, list, check and remove backups, and the exporter of figures about them."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from infra.backups import cache, dump, exporter, listing, report, retention
from infra.backups.config import Config
from infra.backups.manifest import ID, Kind
from infra.backups.retention import Policy, Seen
from infra.backups.store import Store
from infra.errors import UserError


def register(verbs: Any) -> None:
    """Adds them to argparse's subparsers."""
    made = verbs.add_parser("dump", help="make a backup", description=_dump.__doc__)
    made.add_argument("--kind", type=Kind, choices=list(Kind), default=Kind.DATABASE, help="what it holds")
    made.set_defaults(run=_dump)
    made = verbs.add_parser("list", help="list the backups", description=_list.__doc__)
    made.set_defaults(run=_list)
    made = verbs.add_parser("retain", help="remove old backups", description=_retain.__doc__)
    made.add_argument("--dry-run", action="store_true", help="only say what would go, and why")
    made.set_defaults(run=_retain)
    made = verbs.add_parser("exporter", help="serve figures to Prometheus", description=_exporter.__doc__)
    made.add_argument("--address", default="0.0.0.0", help="where it listens (%(default)s)")  # noqa: S104
    made.add_argument("--port", type=int, default=exporter.EXPORTER_PORT, help="its port (%(default)s)")
    made.set_defaults(run=_exporter)
    made = verbs.add_parser("verify", help="check a backup's bytes", description=_verify.__doc__)
    made.add_argument("id", type=identifier, metavar="ID", help="as `list` names it")
    made.set_defaults(run=_verify)
    made = verbs.add_parser("flush", help="empty the cache", description=_flush.__doc__)
    made.set_defaults(run=_flush)


def identifier(text: str) -> str:
    """A backup's id, for argparse."""
    if not ID.match(text):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is no id of a backup, such as 20261128T030000Z-5f3a9c01"
        )
    return text


@contextmanager
def deadline(config: Config) -> Iterator[None]:
    """Ends the block with a UserError after BACKUP_DEADLINE_SECONDS, whatever it waits for."""

    def over(_number: int, _frame: object) -> None:
        what = f"took longer than {config.deadline_seconds} s and was ended"
        remedy = "see what the database and the store are busy with, or raise backups.deadlineMinutes"
        raise UserError.of("backup", what, remedy)

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, config.deadline_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _dump(config: Config, chosen: argparse.Namespace) -> None:
    """Streams the database and the cache, and for a full backup the rendered configuration, to the store, and
    writes the signed manifest last. Needs DATABASE_URL, and the keys signing-key and recipient."""
    with deadline(config):
        made = dump.run(config, chosen.kind)
    report.say(
        "result",
        backup=made.id,
        kind=made.kind.value,
        created=made.created,
        seconds=made.seconds,
        bytes=made.bytes,
        objects=[stored.name for stored in made.objects],
        tables=len(made.tables),
        rows=sum(table.rows for table in made.tables),
        schema_revision=made.schema_revision,
    )


def _list(config: Config, _chosen: argparse.Namespace) -> None:
    """One result line with every backup, the newest first; `problem` says why one cannot be relied on."""
    found = listing.Catalogue(Store(config), config.signing_key).read()
    report.say("result", backups=[backup.line() for backup in found])


def _retain(config: Config, chosen: argparse.Namespace) -> None:
    """Removes backups older than BACKUP_RETENTION_DAYS and what killed runs left behind; never the last of
    BACKUP_KEEP_WEEKLY weeks and BACKUP_KEEP_MONTHLY months, nor the newest verified. Says what and why."""
    store = Store(config)
    now = store.now()
    retention.check_clocks(datetime.now(UTC), now)
    backups = listing.Catalogue(store, config.signing_key).read()
    decisions = retention.decide([Seen.of(backup) for backup in backups], now, Policy.of(config))
    retention.apply(store, backups, decisions, dry_run=chosen.dry_run)
    ended = 0 if chosen.dry_run or not config.endpoint else retention.forget_versions(store, now)
    gone = [decision.id for decision in decisions if not decision.keep]
    kept = [decision.id for decision in decisions if decision.keep]
    report.say("result", removed=gone, kept=kept, objects_ended=ended, dry_run=chosen.dry_run)


def _exporter(config: Config, chosen: argparse.Namespace) -> None:
    """Reads manifests and drills' records from the store every BACKUP_REFRESH_SECONDS and serves /metrics and
    /healthz until it is told to end. While the store is away it serves what it read last."""
    catalogue = listing.Catalogue(Store(config), config.signing_key)
    exporter.serve(catalogue, chosen.address, chosen.port, config.refresh_seconds)


def _verify(config: Config, chosen: argparse.Namespace) -> None:
    """Reads every byte of a backup and compares sizes and SHA-256 with its manifest. Needs no identity."""
    made = listing.verify(Store(config), config.signing_key, chosen.id)
    report.say("result", backup=made.id, bytes=made.bytes, objects=[stored.name for stored in made.objects])


def _flush(config: Config, _chosen: argparse.Namespace) -> None:
    """After a restore of the whole volume the cache holds what is true no more: removes every key of it."""
    report.say("result", flushed=cache.empty(config))
