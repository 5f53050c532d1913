"""A backup from begin to end: one run at a time, one snapshot for dump and figures, the manifest last."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from infra.backups import contents, database, facts, manifest, report
from infra.backups.config import Config
from infra.backups.contents import Content
from infra.backups.manifest import Kind, Manifest, Stored, Table
from infra.backups.pipeline import Pipeline
from infra.backups.store import Store
from infra.errors import UserError

LOCK = 0x51_19_BA_C4  # any number, the same in every run: pg_try_advisory_lock's key
EXIT_BUSY = 3
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
ABOUT = "SELECT pg_export_snapshot(), now(), current_database(), current_setting('server_version')"


@dataclass(frozen=True)
class Snapshot:
    """What all parts of a backup of a database agree on; it exists while its session does."""

    id: str
    moment: datetime
    database: str
    server_version: str
    schema_revision: str
    tables: tuple[facts.Source, ...]


def run(config: Config, kind: Kind) -> Manifest:
    """Makes one backup. Raises UserError: nothing of it counts then, and EXIT_BUSY is its code where another
    run is under way."""
    begun, key, store = time.monotonic(), config.signing_key, Store(config)
    with only_run(config) as connection:
        clean(store)
        snapshot = take(connection)
        work = _Run(config, store, manifest.new_id(snapshot.moment, os.urandom(4)))
        tables, objects = work.everything(snapshot, kind)
        made = Manifest(
            id=work.id,
            stack=config.stack,
            kind=kind,
            created=snapshot.moment.astimezone(UTC).isoformat(),
            seconds=round(time.monotonic() - begun, 3),
            database=snapshot.database,
            server_version=snapshot.server_version,
            schema_revision=snapshot.schema_revision,
            compression=config.compression.value,
            encryption=config.encryption.value,
            key=manifest.key_id(key),
            objects=objects,
            tables=tables,
        )
        work.compare(objects)
        store.put(store.key(work.id, manifest.NAME), manifest.write(made, key))
    return made


@contextmanager
def only_run(config: Config) -> Iterator[psycopg.Connection]:
    """A session that holds the database's lock for backups; the lock ends with the session, however the pod
    ends. Raises UserError where another run holds it."""
    connection = database.connect(database.url(config))
    try:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if not row or not row[0]:
            what = "another run is under way, and this one has changed nothing"
            raise UserError.of("backup", what, "wait for its end: slipway backup status", exit_code=EXIT_BUSY)
        yield connection
    except psycopg.Error as error:
        raise database.told(error) from None
    finally:
        connection.close()


def clean(store: Store) -> None:
    """Forgets what a killed run has half uploaded: no other run is under way."""
    for key, upload, begun in list(store.unfinished()):
        store.abort(key, upload)
        report.say("done", step="clean", key=key, begun=begun.isoformat())


def take(connection: psycopg.Connection) -> Snapshot:
    """Begins the transaction whose snapshot everything reads; it lasts as long as the connection."""
    connection.execute(SNAPSHOT)
    identifier, moment, name, version = connection.execute(ABOUT).fetchall()[0]
    tables = tuple(facts.sources(connection))
    return Snapshot(identifier, moment, name, version, facts.revision(connection), tables)


class _Run:
    """The objects of one backup."""

    def __init__(self, config: Config, store: Store, identifier: str) -> None:
        self.config, self.store, self.id = config, store, identifier

    def everything(self, snapshot: Snapshot, kind: Kind) -> tuple[tuple[Table, ...], tuple[Stored, ...]]:
        """Tables and objects; the configuration is for a full backup. A cache that is away holds up a full
        backup alone: a day without its copy loses less than a day without a dump."""
        tables, stored = self._database(snapshot)
        objects = [stored]
        if self.config.redis_url:
            try:
                objects.append(self._save(contents.redis(self.config)))
            except UserError as error:
                if kind is Kind.FULL:
                    raise
                report.say("warning", what=f"no copy of the cache: {error.problems[0].what}")
        if kind is Kind.FULL and self.config.configuration:
            objects.append(self._save(contents.configuration(self.config, self.config.configuration)))
        return tables, tuple(objects)

    def compare(self, objects: tuple[Stored, ...]) -> None:
        """Raises UserError where the store does not have what was sent."""
        there = {found.key: found.bytes for found in self.store.list(self.id)}
        for stored in objects:
            key = self.store.key(self.id, stored.name)
            if there.get(key) != stored.bytes:
                what = f"{stored.bytes} bytes were sent, and the store has {there.get(key, 'none')}"
                raise UserError.of(key, what, "look at the store's log and its disk, then run it again")

    def _database(self, snapshot: Snapshot) -> tuple[tuple[Table, ...], Stored]:
        content = contents.dump(self.config, snapshot.id)
        with _beside(database.url(self.config), snapshot) as figures:
            stored = self._save(content, figures)
            with report.step("rows and keys", tables=len(snapshot.tables)):
                return figures.result(), stored

    def _save(self, content: Content, beside: Future[tuple[Table, ...]] | None = None) -> Stored:
        """One object. Where the work beside it fails, it does too, at once and with that error."""
        with (
            report.step("save", object=content.name),
            Pipeline(f"save {content.name}", content.stages) as stream,
        ):
            if beside:
                beside.add_done_callback(_stopping(stream.stop))
            try:
                self.store.upload(self.store.key(self.id, content.name), stream)
            except UserError:
                if beside and beside.done():
                    beside.result()
                raise
            return Stored(content.name, stream.bytes, stream.sha256)


def _stopping(stop: Callable[[], None]) -> Callable[[Future[tuple[Table, ...]]], None]:
    """Calls ``stop`` where the work has failed."""

    def when_done(work: Future[tuple[Table, ...]]) -> None:
        if work.exception():
            stop()

    return when_done


@contextmanager
def _beside(address: str, snapshot: Snapshot) -> Iterator[Future[tuple[Table, ...]]]:
    """Reads rows and keys in the same snapshot, in a thread, while the block runs."""
    with facts.reader(address, snapshot.id) as psql, ThreadPoolExecutor(1) as pool:
        figures = pool.submit(lambda: tuple(psql.read(source) for source in snapshot.tables))
        try:
            yield figures
        except BaseException:
            psql.stop()
            raise
