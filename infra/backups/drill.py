"""The rehearsal: the newest backup into a throw-away PostgreSQL, compared, questioned, recorded.

The record beside the backups is signed; the exporter turns it into figures, and alerts look at these.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import psycopg

from infra.backups import (
    choosing,
    facts,
    fetch,
    filling,
    manifest,
    records,
    report,
    restore,
    throwaway,
    verification,
)
from infra.backups.config import Config
from infra.backups.databases import Server, first_line
from infra.backups.findings import Finding, damage, of
from infra.backups.manifest import REMEDY, Manifest
from infra.backups.modules import MODULES, Check
from infra.backups.records import Drill, Result
from infra.backups.store import Store
from infra.errors import Problem, UserError

T = TypeVar("T")
JOBS = 2
OWNER = "owner"  # where no DATABASE_URL says its name; nothing in a dump depends on it


def run(config: Config, backup: str | None = None) -> Drill:
    """Rehearses one restore and records it, good or bad. Raises UserError where there is no backup at all, or
    the record cannot be written."""
    store = Store(config)
    chosen = backup or newest(config, store)
    work = _Rehearsal(config, store, chosen)
    with report.step("drill", backup=chosen):
        try:
            work.everything()
        except UserError as error:
            work.found += of(error)
        finally:
            fetch.clean(config)
    for _, problem in work.found:
        report.problem(problem)
    return work.record()


def newest(config: Config, store: Store) -> str:
    """The newest backup's id. One without a manifest counts as soon as nobody can still be working on it."""
    there = choosing.ids(store)
    over = datetime.now(UTC) - timedelta(seconds=config.deadline_seconds)
    for name, names in reversed(there.items()):
        if manifest.NAME in names or choosing.begun(name) < over:
            return name
    what = f"the bucket {config.bucket} holds no backup of {config.stack}"
    raise damage(Finding.NO_BACKUP, "backups", what, "make one: slipway backup now")


@dataclass
class _Rehearsal:
    """One drill. ``found``: everything that is wrong; ``seconds``: of the restore."""

    config: Config
    store: Store
    backup: str
    found: list[tuple[Finding, Problem]] = field(default_factory=list)
    seconds: float = 0.0

    def everything(self) -> None:
        """Raises UserError where it cannot go on; what it has found by then counts too."""
        made = choosing.choose(self.config, self.store, self.backup)
        dump = self._timed(lambda: fetch.dump(self.config, self.store, made))
        owner = Server.of(self.config).owner if self.config.database_url else OWNER
        with throwaway.server(self.config.scratch, owner, self.config.service_role) as server:
            with server.connect() as connection:
                restore.refuse_newer(made, connection.info.server_version)
                filling.create(connection, server, server.database, self.config.service_role)
            self._timed(lambda: filling.fill(server, server.database, dump, made, JOBS))
            self._compare(server, made)

    def _timed(self, work: Callable[[], T]) -> T:
        begun = time.monotonic()
        try:
            return work()
        finally:
            self.seconds += time.monotonic() - begun

    def _compare(self, server: Server, made: Manifest) -> None:
        try:
            verification.check(server, server.database, made)
        except UserError as error:
            self.found += of(error)
        with server.connect(server.database) as connection:
            self._schema(connection, made)
            with report.step("questions"):
                self.found += violations(connection, self.config.modules)

    def _schema(self, connection: psycopg.Connection[tuple[object, ...]], made: Manifest) -> None:
        """The dump's revision is the manifest's; the service's own head may be newer, and its migrations run
        after a restore: that is worth a word, not an alarm."""
        revision = facts.revision(connection)
        if revision != made.schema_revision:
            what = (
                f"the dump has the schema {revision or 'none'}, and the manifest says {made.schema_revision}"
            )
            self.found.append((Finding.SCHEMA_DIFFERS, Problem(self.backup, what, REMEDY)))
        if self.config.schema_head and revision != self.config.schema_head:
            what = f"the backup has the schema {revision}, the service {self.config.schema_head}"
            report.say("warning", what=f"{what}: its migrations run after a restore")

    def record(self) -> Drill:
        """Writes the record. Raises UserError where that fails."""
        key = self.config.signing_key
        made = Drill(
            backup=self.backup,
            stack=self.config.stack,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            result=Result.FAILED if self.found else Result.OK,
            seconds=round(self.seconds, 3),
            findings=tuple(f"{finding}: {problem.where}: {problem.what}" for finding, problem in self.found),
            key=manifest.key_id(key),
        )
        self.store.put(self.store.key(*made.parts), records.write(made, key))
        return made


def violations(
    connection: psycopg.Connection[tuple[object, ...]], modules: tuple[str, ...]
) -> list[tuple[Finding, Problem]]:
    """Every question of the core and of these modules whose answer is not 0."""
    found = []
    for name in ("core", *modules):
        for check in MODULES[name].checks if name in MODULES else ():
            problem = _asked(connection, name, check)
            if problem:
                found.append((Finding.INSANE, problem))
    return found


def _asked(connection: psycopg.Connection[tuple[object, ...]], module: str, check: Check) -> Problem | None:
    where = f"module {module}"
    try:
        row = connection.execute(check.query).fetchone()
    except psycopg.Error as error:
        return Problem(where, f"{check.name!r} cannot be asked: {first_line(error)}", REMEDY)
    count = row[0] if row else None
    if count == 0:
        return None
    remedy = (
        "look for what wrote these rows: a backup before them is good, and the live database has them too"
    )
    return Problem(where, f"{check.name!r} does not hold, {count} times", remedy)
