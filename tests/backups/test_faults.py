"""What goes wrong while a backup is made: each time the message, and that nothing half done counts."""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from infra.backups import facts
from tests.app.servers import Postgres, children, wait_for
from tests.backups.conftest import DATABASE, Environ
from tests.backups.running import Said, begin, end, here, run
from tests.backups.servers import ObjectStore, Proxy

pytestmark = pytest.mark.integration

MIB = 1 << 20
UNDER_WAY = 20 * MIB  # sent to the store: the first part is there, and pg_dump waits for the next to go
SLOW = 24 * MIB  # bytes a second
MOMENTS = 10
WRONG_PASSWORD = "postgresql://127.0.0.1:{port}/ledger?user=ledger_owner&password=no"
BUSY = "backup: another run is under way, and this one has changed nothing"
Large = Callable[..., dict[str, str]]


@pytest.fixture
def large(environment: Environ, large_server: Postgres) -> Large:
    """``large("writer", …)``: as ``environment``, with a database of several parts."""

    def make(**changed: str) -> dict[str, str]:
        settings = {"DATABASE_URL": large_server.address("owner", DATABASE), "BACKUP_COMPRESSION": "none"}
        return environment("writer", **settings | changed)

    return make


@pytest.fixture
def proxy(store_server: ObjectStore) -> Iterator[Proxy]:
    """The store at the end of a slow line."""
    made = Proxy(store_server.port, SLOW)
    yield made
    made.cut()


def through(proxy: Proxy) -> dict[str, str]:
    return {"BACKUP_ENDPOINT": f"https://127.0.0.1:{proxy.port}"}


def begun(environment: dict[str, str], proxy: Proxy) -> subprocess.Popen[str]:
    """A run in the middle of its upload."""
    process = begin(environment, "dump")
    wait_for(lambda: proxy.passed > UNDER_WAY or process.poll() is not None, "the upload is under way")
    assert process.poll() is None, process.communicate()[0]
    return process


def good(environment: dict[str, str]) -> list[str]:
    """The backups that a list calls good."""
    backups = here(environment, "list").result["backups"]
    return [each["id"] for each in backups if each["problem"] is None]


def check_nothing(said: Said, store: ObjectStore, message: str) -> None:
    """The run has failed with this message alone, and left nothing in the store."""
    assert said.code == 1, said.output
    assert len(said.problems) == 1 and message in said.problems[0], said.problems
    assert (store.keys(), store.uploads()) == ({}, [])


def end_backends(server: Postgres, name: str) -> None:
    ended = server.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"  # noqa: S608
        f" WHERE application_name = '{name}' AND usename = '{DATABASE}_owner'"
    )
    assert ended == "1"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "another-key"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "→ the store does not know this key: slipway up sets it right"),
        ({"BACKUP_BUCKET": "no-such-bucket"}, "→ the bucket is missing: slipway up makes it again"),
        ({"BACKUP_CA_FILE": ""}, "certificate verify failed"),
        ({"BACKUP_CA_FILE": "/nowhere"}, "BACKUP_CA_FILE: /nowhere is not there → slipway up gives it"),
        ({"DATABASE_URL": "postgresql://x:y@127.0.0.1:1/x"}, "database: it cannot be asked: connection"),
        ({"DATABASE_URL": WRONG_PASSWORD}, "password authentication failed"),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "redis-cli ended with code 1: Could not connect to Redis"),
        ({"BACKUP_CONFIGURATION": "/nowhere"}, "tar ended with code 2: tar: /nowhere: Cannot open"),
    ],
)
def test_what_is_away_or_refuses_is_named_with_a_remedy(
    environment: Environ,
    store_server: ObjectStore,
    postgres_server: Postgres,
    changed: dict[str, str],
    message: str,
) -> None:
    changed = {name: value.replace("{port}", str(postgres_server.port)) for name, value in changed.items()}
    variables = environment("writer", **changed)
    said = run(variables, "dump", "--kind", "full")
    assert said.code == 1
    assert len(said.problems) == 1 and message in said.problems[0], said.problems
    assert [key for key in store_server.keys() if key.endswith("manifest.json")] == []  # noqa: SIM118


def test_a_key_that_may_not_write_is_told_so(environment: Environ, store_server: ObjectStore) -> None:
    check_nothing(run(environment("keeper"), "dump"), store_server, "→ this key may not do that")


def test_a_store_that_nobody_may_write_to_is_told(large: Large, store_server: ObjectStore) -> None:
    store_server.allow(writing=False)
    try:
        check_nothing(run(large(), "dump"), store_server, "AccessDenied")
    finally:
        store_server.allow()


def test_a_store_whose_disk_fills_up_keeps_nothing_of_it(large: Large) -> None:
    small = ObjectStore(megabytes=40)
    try:
        small.start()
        where = {
            "BACKUP_ENDPOINT": small.url,
            "BACKUP_CA_FILE": str(small.certificate),
            "AWS_SECRET_ACCESS_KEY": small.secrets["writer"],
        }
        check_nothing(
            run(large(**where), "dump"),
            small,
            "InsufficientStorage No space left on device. → the store's disk is full: make it larger",
        )
    finally:
        small.remove()


def test_the_database_ends_the_dumps_session(
    large: Large, large_server: Postgres, store_server: ObjectStore, proxy: Proxy
) -> None:
    process = begun(large(**through(proxy)), proxy)
    end_backends(large_server, "pg_dump")
    proxy.rate = None
    check_nothing(end(process), store_server, "save database.dump.age: pg_dump ended with code 1: ")


def test_the_database_ends_the_session_that_reads_keys(
    large: Large,
    large_server: Postgres,
    store_server: ObjectStore,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def reading() -> str:
        return large_server.sql("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%pg_sleep(60)%'")

    def end_it() -> None:
        wait_for(lambda: proxy.passed > MIB and reading(), "keys are read")
        end_backends(large_server, "psql")

    slow = facts.Source("slow", "(SELECT pg_sleep(60)) s", ())
    monkeypatch.setattr(facts, "sources", lambda _connection: [slow])
    ender = Thread(target=end_it)
    ender.start()
    said = here(large(**through(proxy)), "dump")
    ender.join()
    check_nothing(said, store_server, "rows and keys: psql ended with code ")
    assert "terminating connection due to administrator command" in said.problems[0]


def test_the_database_server_dies(
    large: Large, large_server: Postgres, store_server: ObjectStore, proxy: Proxy
) -> None:
    process = begun(large(**through(proxy)), proxy)
    large_server.stop(signal.SIGQUIT)
    large_server.start()
    proxy.rate = None
    check_nothing(end(process), store_server, "save database.dump.age: pg_dump ended with code 1: ")


def test_the_store_goes_away_and_the_next_run_removes_what_was_left(
    large: Large, store_server: ObjectStore, proxy: Proxy
) -> None:
    process = begun(large(**through(proxy)), proxy)
    proxy.cut()
    said = end(process)
    assert said.code == 1
    assert "the store cannot be asked: " in said.problems[0]
    assert "→ see that it runs: slipway status; then run it again" in said.problems[0]
    assert any("its parts stay until the next run" in line.get("what", "") for line in said.lines)
    assert store_server.keys() == {}
    assert len(store_server.uploads()) == 1
    assert run(large(), "dump").code == 0
    assert store_server.uploads() == []


def test_a_slow_store_gets_a_whole_backup_and_the_job_stays_small(
    large: Large, store_server: ObjectStore, proxy: Proxy
) -> None:
    process = begun(large(**through(proxy)), proxy)
    pids = [process.pid, *children(process.pid)]
    peaks = [
        line
        for pid in pids
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if "VmHWM" in line
    ]
    said = end(process)
    assert [said.result["backup"]] == good(large())
    assert sum(int(line.split()[1]) for line in peaks) / 1024 < 256


def test_of_two_runs_at_once_the_second_changes_nothing(
    large: Large, store_server: ObjectStore, proxy: Proxy
) -> None:
    first = begun(large(**through(proxy)), proxy)
    second = run(large(), "dump")
    assert (second.code, second.problems) == (
        3,
        [f"{BUSY} → wait for its end: slipway backup status"],
    )
    proxy.rate = None
    assert [end(first).result["backup"]] == good(large())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_its_programs_and_its_upload(
    large: Large, store_server: ObjectStore, proxy: Proxy, number: signal.Signals
) -> None:
    process = begun(large(**through(proxy)), proxy)
    programs = children(process.pid)
    process.send_signal(number)
    proxy.rate = None
    said = end(process)
    assert said.code == 128 + number
    assert said.problems == [
        f"backup: was ended by {number.name}; what it had begun does not count → run it again"
    ]
    assert len(programs) == 3
    assert [pid for pid in programs if Path(f"/proc/{pid}").exists()] == []
    assert (store_server.keys(), store_server.uploads()) == ({}, [])


def test_a_run_that_takes_too_long_ends_itself(large: Large, store_server: ObjectStore, proxy: Proxy) -> None:
    proxy.rate = 2 * MIB
    process = begin(large(**through(proxy), BACKUP_DEADLINE_SECONDS="2"), "dump")
    said = end(process)
    proxy.rate = None
    assert said.code == 1
    assert said.problems[0].startswith("backup: took longer than 2 s and was ended → see what")
    assert store_server.keys() == {}


@pytest.mark.slow
def test_a_run_killed_at_any_moment_leaves_a_good_backup_or_none_and_the_next_cleans_up(
    large: Large, store_server: ObjectStore
) -> None:
    variables, chance = large(), random.Random(6)
    whole = run(variables, "dump").result
    made = {whole["backup"]}
    for _ in range(MOMENTS):
        process = begin(variables, "dump")
        try:
            process.communicate(timeout=chance.uniform(0.3, whole["seconds"] + 1.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
    found = set(good(variables))
    assert made <= found
    last = run(variables, "dump").result["backup"]
    assert set(good(variables)) == found | {last}
    assert store_server.uploads() == []
    for name in found | {last}:
        assert here(variables, "verify", name).code == 0
    backups = here(
        variables | {"BACKUP_RETENTION_DAYS": "1", "BACKUP_DEADLINE_SECONDS": "0"} | keeper(store_server),
        "retain",
    ).result
    assert set(backups["kept"]) == found | {last}
    assert {key.split("/")[1] for key in store_server.keys()} == found | {last}  # noqa: SIM118


def keeper(store: ObjectStore) -> dict[str, str]:
    """The variables of the user that may delete."""
    return {"AWS_ACCESS_KEY_ID": "keeper", "AWS_SECRET_ACCESS_KEY": store.secrets["keeper"]}
