"""A backup into a new database beside the live one: made, filled in parallel, compared, masked, ready.

Each step is noted in the new database's comment, so that a run that was killed is simply run again. Nothing
here touches the live database; swap.py does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import psycopg

from infra.backups import choosing, databases, fetch, filling, masking, report, selection, verification
from infra.backups.config import Config
from infra.backups.databases import LONGEST, MAINTENANCE, NAME, Server, State, Step
from infra.backups.findings import Finding, damage
from infra.backups.manifest import Manifest
from infra.backups.store import Store
from infra.errors import UserError

JOBS = 2
ORDER = list(Step)


@dataclass(frozen=True)
class Wanted:
    """What is asked for: which backup (an id, or the last before a moment, or the newest), and where to."""

    backup: str | None = None
    at: datetime | None = None
    into: str | None = None
    tables: tuple[str, ...] = ()
    mask: bool = False
    jobs: int = JOBS


def run(config: Config, wanted: Wanted) -> dict[str, Any]:
    """The result as it is reported. Raises UserError; what was there before is there still."""
    server = Server.of(config)
    target = name_of(server, wanted)
    with databases.only_one(server) as connection:
        store = Store(config)
        manifest = choosing.choose(config, store, wanted.backup, wanted.at)
        refuse_newer(manifest, connection.info.server_version)
        tables = selection.named(manifest, wanted.tables)
        state = State(manifest.id, Step.CREATED, masked=wanted.mask, tables=tables)
        work = Restore(config, store, server, connection, manifest, target, state, wanted.jobs)
        return work.run()


def name_of(server: Server, wanted: Wanted) -> str:
    """The new database's name. Raises UserError for one that may not be used."""
    target = wanted.into or server.restored
    if target == server.database:
        what = f"{target!r} is the live database, which a restore never writes to"
        raise UserError.of(
            "--into", what, "leave --into away: it is restored beside the live one, then swapped"
        )
    if target in {MAINTENANCE, "template0", "template1", server.previous}:
        raise UserError.of("--into", f"{target!r} has another use", "choose another name")
    if not NAME.fullmatch(target):
        what = f"{target!r} is no name: letters a to z, digits and _, at most {LONGEST}"
        raise UserError.of("--into", what, "choose another name")
    if wanted.tables and target == server.restored:
        what = "some tables alone cannot take the live database's place"
        raise UserError.of("--tables", what, "say where to with --into NAME")
    return target


def refuse_newer(manifest: Manifest, server_version: int) -> None:
    """A dump of a newer major version may use what this server does not know."""
    major = int(manifest.server_version.split(".")[0].split()[0])
    if major > server_version // 10_000:
        what = (
            f"was made by PostgreSQL {manifest.server_version}, and this server is {server_version // 10_000}"
        )
        remedy = f"restore it on PostgreSQL {major} or newer, or take an older backup: {choosing.LIST}"
        raise damage(Finding.SERVER_TOO_OLD, manifest.id, what, remedy)


@dataclass
class Restore:
    """One restore. ``connection`` holds the lock of restores and stands in the database ``postgres``."""

    config: Config
    store: Store
    server: Server
    connection: psycopg.Connection[Any]
    manifest: Manifest
    target: str
    state: State
    jobs: int
    left_out: tuple[selection.ForeignKey, ...] = ()
    rows: int = 0
    begun: float = field(default_factory=time.monotonic)

    def run(self) -> dict[str, Any]:
        """Every step that has not been done. Raises UserError."""
        done = self._found()
        for step, work in self._steps():
            if ORDER.index(done) < ORDER.index(step):
                work()
                done = step
        fetch.clean(self.config)
        return self._result()

    def _steps(self) -> list[tuple[Step, Callable[[], None]]]:
        steps = [(Step.RESTORED, self._restore), (Step.VERIFIED, self._verify)]
        if self.state.masked:
            steps.append((Step.MASKED, self._mask))
        return [*steps, (Step.READY, self._ready)]

    def _found(self) -> Step:
        """What an earlier run has done; whatever is of no use is removed, what is somebody's is refused."""
        if not databases.exists(self.connection, self.target):
            return Step.CREATED
        state = databases.state(self.connection, self.target)
        if state is None:
            self._refuse_foreign()
        elif state.step in {Step.UNDONE, Step.LIVE, Step.SWAPPED}:
            what = f"holds what was live until {state.at}, with everything written to it since its restore"
            remedy = "keep it under another name, or drop it: slipway restore --forget"
            raise UserError.of(f"database {self.target}", what, remedy)
        elif state.same(self.state):
            report.say("found", database=self.target, backup=state.backup, step=state.step)
            return state.step
        elif state.step is Step.READY and self.target != self.server.restored:
            what = f"exists: it was restored from {state.backup}"
            raise UserError.of(f"database {self.target}", what, "choose another name, or drop it by hand")
        else:
            report.say("leftover", database=self.target, backup=state.backup, step=state.step)
        databases.drop(self.connection, self.target)
        return Step.CREATED

    def _refuse_foreign(self) -> None:
        """A database without our comment is ours only if it is still empty: the comment comes second."""
        query = "SELECT count(*) FROM pg_class WHERE relnamespace >= 16384 OR oid >= 16384"
        with self.server.connect(self.target) as connection:
            row = connection.execute(query).fetchone()
        if row is None or row[0]:
            what = "exists, and no restore has made it"
            raise UserError.of(f"database {self.target}", what, "rename or drop it, then run it again")

    def _restore(self) -> None:
        dump = fetch.dump(self.config, self.store, self.manifest)
        databases.drop(self.connection, self.target)
        filling.create(self.connection, self.server, self.target, self.config.service_role)
        self._note(Step.CREATED)
        chosen = selection.select(dump, self.state.tables) if self.state.tables else None
        try:
            filling.fill(self.server, self.target, dump, self.manifest, self.jobs, chosen)
        except UserError:
            self._give_back()
            raise
        if chosen:
            filling.remove_others(self.server, self.target, self.state.tables)
            self.left_out = chosen.left_out
        with self.server.connect(self.target) as connection:
            filling.grant(connection, self.server.owner, self.config.service_role)
        filling.analyze(self.server, self.target, self.jobs)
        self._note(Step.RESTORED)

    def _give_back(self) -> None:
        """Half a database is of no use, and its room may be what everybody else lacks."""
        try:
            databases.drop(self.connection, self.target)
        except (UserError, psycopg.Error):
            report.say("leftover", database=self.target, backup=self.manifest.id, step=Step.CREATED)

    def _verify(self) -> None:
        self.rows = verification.check(self.server, self.target, self.manifest, self.state.tables)
        self._note(Step.VERIFIED)

    def _mask(self) -> None:
        with (
            report.step("mask", database=self.target),
            self.server.connect(self.target) as connection,
            connection.transaction(),
        ):
            masking.mask(connection, self.config.signing_key)
            self._note(Step.MASKED, connection)

    def _ready(self) -> None:
        if self.state.masked:  # what was there before masking is not to stay in the files
            with self.server.connect(self.target) as connection, report.step("vacuum", database=self.target):
                connection.execute("VACUUM (ANALYZE)")
        self._note(Step.READY)

    def _note(self, step: Step, connection: psycopg.Connection[Any] | None = None) -> None:
        state = replace(self.state, step=step, at=datetime.now(UTC).isoformat(timespec="seconds"))
        with databases.told(MAINTENANCE):
            databases.note(connection or self.connection, self.target, state)

    def _result(self) -> dict[str, Any]:
        return {
            "database": self.target,
            "backup": self.manifest.id,
            "created": self.manifest.created,
            "schema_revision": self.manifest.schema_revision,
            "masked": self.state.masked,
            "tables": list(self.state.tables),
            "rows": self.rows or sum(table.rows for table in self.manifest.tables),
            "left_out": [
                {"table": key.table, "foreign_key": key.name, "refers_to": key.other} for key in self.left_out
            ],
            "seconds": round(time.monotonic() - self.begun, 3),
        }
