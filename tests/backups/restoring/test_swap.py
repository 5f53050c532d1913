"""The restored database in the live one's place: for clients, for a cache, and killed at any moment."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
import pytest

from infra.backups.databases import State, Step
from tests.app.servers import Postgres, wait_for
from tests.backups.restoring.conftest import LIVE, Place, redis
from tests.backups.running import end

pytestmark = pytest.mark.integration
RESTORED, PREVIOUS = f"{LIVE}_restored", f"{LIVE}_previous"
RESTORE = "slipway restore"
OLD, NEW = "the one before", "the restored one"


@pytest.fixture
def ready(place: Place) -> Place:
    """A live database that can be told from the restored one beside it. Copies stand for restores: making one
    is test_restore.py's business."""
    place.spoiled = True
    state = State(place.backup, Step.READY)
    place.server.sql(
        f"CREATE DATABASE {RESTORED} OWNER {LIVE}_owner",
        f"COMMENT ON DATABASE {RESTORED} IS '{state.text()}'",
    )
    for name, text in ((LIVE, OLD), (RESTORED, NEW)):
        place.server.sql(
            f"CREATE TABLE which AS SELECT '{text}'::text AS one",
            "CREATE TABLE written (id int PRIMARY KEY)",
            f"GRANT ALL ON which, written TO {LIVE}_service",
            database=name,
        )
    return place


def live(place: Place) -> str:
    """Which of the two is live, read as the service."""
    with psycopg.connect(place.server.address("service", LIVE)) as connection:
        row = connection.execute("SELECT one FROM which").fetchone()
    assert row is not None
    return str(row[0])


def test_a_swap_puts_the_restored_database_in_place_and_keeps_the_one_before(ready: Place) -> None:
    with redis() as cache:
        subprocess.run(
            ["redis-cli", "-p", str(cache.port), "SET", "stale", "1"],
            env={"REDISCLI_AUTH": cache.password, "PATH": "/usr/bin"},
            check=True,
            capture_output=True,
        )
        said = ready.run("swap", REDIS_URL=cache.address)
        size = subprocess.run(
            ["redis-cli", "-p", str(cache.port), "DBSIZE"],
            env={"REDISCLI_AUTH": cache.password, "PATH": "/usr/bin"},
            check=True,
            capture_output=True,
            text=True,
        )
        assert size.stdout.strip() == "0"
        assert cache.password not in said.output
    assert said.result["cache_emptied"] is True
    assert said.result["unavailable_seconds"] < 2
    assert live(ready) == NEW
    assert ready.databases() == {LIVE, PREVIOUS}
    assert ready.run("swap").result["already"] is True


def test_an_undo_takes_the_swap_back_and_a_swap_the_undo(ready: Place) -> None:
    ready.run("swap")
    assert ready.run("undo").code == 0
    assert live(ready) == OLD
    assert ready.databases() == {LIVE, RESTORED}
    assert ready.run("undo").result["already"] is True
    said = ready.run("restore")
    assert said.problems[0].startswith(f"database {RESTORED}: holds what was live until ")
    assert ready.run("swap").code == 0
    assert live(ready) == NEW


def test_forgetting_drops_what_was_taken_out_and_then_there_is_no_way_back(ready: Place) -> None:
    ready.run("swap")
    assert ready.run("forget").result["dropped"] == [PREVIOUS]
    assert ready.run("forget").result["dropped"] == []
    assert ready.run("undo").problems == [
        f"database {LIVE}: there is nothing to take back → slipway backup list names those that there are"
    ]
    assert live(ready) == NEW


SLOW_VACUUM = """
ALTER TABLE vacuumed SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)
"""


@contextmanager
def vacuuming(server: Postgres, database: str) -> Iterator[None]:
    """A worker of autovacuum is at work in the database, and would be for many seconds more."""
    server.sql("ALTER SYSTEM SET autovacuum_naptime = '1s'", "SELECT pg_reload_conf()")
    try:
        server.sql(
            "CREATE TABLE vacuumed AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)",
            SLOW_VACUUM,
            "DELETE FROM vacuumed",
            database=database,
        )
        at_work = f"""SELECT count(*) FROM pg_stat_activity
            WHERE datname = '{database}' AND backend_type = 'autovacuum worker'"""  # noqa: S608
        wait_for(lambda: server.sql(at_work) != "0", "a worker of autovacuum is in the database", 60)
        yield
    finally:
        server.sql("ALTER SYSTEM RESET autovacuum_naptime", "SELECT pg_reload_conf()")


def test_forgetting_drops_what_is_being_vacuumed_or_has_a_session_of_the_service(ready: Place) -> None:
    ready.run("swap")
    with (
        psycopg.connect(ready.server.address("service", LIVE), dbname=PREVIOUS) as session,
        vacuuming(ready.server, PREVIOUS),
    ):
        session.execute("SELECT one FROM which")
        assert ready.run("forget").result["dropped"] == [PREVIOUS]
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            session.execute("SELECT one FROM which")
    assert ready.databases() == {LIVE}


def test_forgetting_names_the_sessions_that_the_owner_may_not_end(ready: Place) -> None:
    ready.run("swap")
    address = ready.server.url("postgres", PREVIOUS)
    with psycopg.connect(address, password=ready.server.password, application_name="psql"):
        assert ready.run("forget").problems == [
            f"database {PREVIOUS}: is in use by postgres (psql), whom its owner may not disconnect"
            " → end these sessions, then run it again"
        ]
    assert ready.databases() == {LIVE, PREVIOUS}


def test_a_live_database_that_was_dropped_by_hand_comes_back(ready: Place) -> None:
    ready.server.sql(f"DROP DATABASE {LIVE}")
    refused = ready.run("forget")
    assert refused.problems[0].startswith(f"database {LIVE}: is not there, so what would be dropped may be")
    assert ready.run("swap").code == 0
    assert live(ready) == NEW
    assert ready.databases() == {LIVE}


def test_a_swap_refuses_what_is_not_complete_and_what_would_be_overwritten(place: Place) -> None:
    assert place.run("swap").problems == [
        f"database {LIVE}: there is no restored database → restore one: {RESTORE}"
    ]
    place.run("restore")
    place.spoiled = True
    state = place.server.sql(
        f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{RESTORED}'"  # noqa: S608
    )
    half = state.replace('"ready"', '"restored"')
    place.server.sql(f"COMMENT ON DATABASE {RESTORED} IS '{half}'")
    assert place.run("swap").problems == [
        f"database {RESTORED}: is not complete: its last step is restored"
        " → run the same restore again, it goes on from there"
    ]
    place.server.sql(f"COMMENT ON DATABASE {RESTORED} IS '{state}'", f"CREATE DATABASE {PREVIOUS}")
    assert place.run("swap").problems == [
        f"database {PREVIOUS}: is still there: it was live before the last swap"
        f" → drop it when it is not needed: {RESTORE} --forget"
    ]


def test_a_session_that_the_owner_may_not_end_stops_the_swap_and_nothing_has_changed(ready: Place) -> None:
    with psycopg.connect(
        ready.server.url("postgres", LIVE), password=ready.server.password, application_name="psql"
    ):
        assert ready.run("swap").problems == [
            f"database {LIVE}: is in use by postgres (psql), whom its owner may not disconnect; nothing was"
            " changed → end these sessions, then run it again"
        ]
    assert live(ready) == OLD
    assert ready.databases() == {LIVE, RESTORED}


def test_a_transaction_under_way_may_end_and_one_that_does_not_is_ended(ready: Place) -> None:
    with psycopg.connect(ready.server.address("service", LIVE)) as short:
        short.execute("INSERT INTO written VALUES (1)")
        swapping = ready.begin("swap")
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND mode = 'AccessExclusiveLock'"
        wait_for(lambda: ready.server.sql(waiting) != "0", "the swap waits")
        short.commit()
    assert end(swapping).code == 0
    assert ready.server.sql("SELECT id FROM written", database=PREVIOUS) == "1"
    with psycopg.connect(ready.server.address("service", LIVE)) as endless:
        endless.execute("INSERT INTO written VALUES (2)")
        said = ready.run("undo")
        assert 1 <= said.result["unavailable_seconds"] < 2
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            endless.commit()


def test_a_cache_that_is_away_is_emptied_by_the_next_run(ready: Place) -> None:
    said = ready.run("swap", REDIS_URL="redis://:secret-of-the-cache@127.0.0.1:1/0")
    assert said.code == 1
    assert said.problems[0].startswith(
        "cache: could not be emptied and holds what the database before said: "
    )
    assert "secret-of-the-cache" not in said.output
    assert live(ready) == NEW
    with redis() as cache:
        assert ready.run("swap", REDIS_URL=cache.address).result["cache_emptied"] is True
    assert ready.run("swap").result["already"] is True


def test_killed_at_ten_moments_a_swap_has_happened_or_it_has_not(ready: Place) -> None:
    chance = random.Random(20261128)
    expected = {OLD: {LIVE, RESTORED}, NEW: {LIVE, PREVIOUS}}
    verb = "swap"
    for _ in range(10):
        process = ready.begin(verb)
        begun = process.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.1))
        process.kill()
        process.communicate()
        assert '"step"' in begun
        assert ready.databases() == expected[live(ready)]
        assert ready.run(verb).code == 0
        assert live(ready) == (NEW if verb == "swap" else OLD)
        verb = "undo" if verb == "swap" else "swap"


@dataclass
class Client:
    """Reads and writes without a pause, and connects anew whenever it must."""

    place: Place
    acknowledged: list[tuple[str, int]] = field(default_factory=list)
    longest: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Until it is stopped; ``longest``: seconds between two answers."""
        number, answered = 0, time.monotonic()
        while not self.stopped.is_set():
            with suppress(psycopg.Error):
                address = self.place.server.address("service", LIVE)
                with psycopg.connect(address, autocommit=True, connect_timeout=3) as connection:
                    while not self.stopped.is_set():
                        number += 1
                        query = "INSERT INTO written VALUES (%s) RETURNING (SELECT one FROM which)"
                        row = connection.execute(query, [number]).fetchone()
                        assert row is not None
                        self.acknowledged.append((row[0], number))
                        self.longest = max(self.longest, time.monotonic() - answered)
                        answered = time.monotonic()


@contextmanager
def clients(place: Place, count: int) -> Iterator[list[Client]]:
    """Clients with ids of their own."""
    made = [Client(place) for _ in range(count)]
    threads = [threading.Thread(target=client.work) for client in made]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        for client in made:
            client.stopped.set()
        for thread in threads:
            thread.join()


def test_no_write_that_the_new_database_acknowledged_is_lost(
    ready: Place, record_property: Callable[[str, object], None]
) -> None:
    with clients(ready, 1) as made:
        (client,) = made
        wait_for(lambda: len(client.acknowledged) > 50, "the client is at work")
        said = ready.run("swap")
        wait_for(lambda: client.acknowledged[-1][0] == NEW, "the client is at work again")
    record_property("unavailable_seconds", client.longest)
    print(
        f"unavailable: {client.longest:.3f} s for a client, {said.result['unavailable_seconds']} s by report"
    )
    for which, name in ((OLD, PREVIOUS), (NEW, LIVE)):
        there = set(ready.server.sql("SELECT id FROM written", database=name).split())
        assert {str(number) for one, number in client.acknowledged if one == which} <= there
