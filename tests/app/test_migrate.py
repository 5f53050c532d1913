"""``python -m app.migrate`` of this version and of one with more revisions, on a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from app.core.health import KNOWN_REVISIONS, REVISIONS
from app.migrate import main
from app.migrations import phases, running
from tests.app.conftest import run_migrations
from tests.app.image import Image
from tests.app.replicas import Service
from tests.app.servers import Postgres, RedisServer

pytestmark = pytest.mark.integration
HEAD = KNOWN_REVISIONS[-1]
NEEDED = phases.needed(REVISIONS)
FIRST, SECOND, THIRD = (f"{int(HEAD) + step:04}" for step in (1, 2, 3))
ADD = 'op.add_column("users", sa.Column("nickname", sa.Text()))'
DROP = 'op.drop_column("users", "provider_at")'
COLUMNS = "SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE table_name = 'users'"


class Done(NamedTuple):
    """As of a process; ``events`` are its log's."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Migrate = Callable[[str], Done]


class Place:
    """One database, at the head of this version's revisions unless it is empty."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.postgres, self.name = postgres, name
        self.owner = postgres.address("owner", name)

    @property
    def revision(self) -> str:
        return self.postgres.sql("TABLE alembic_version", database=self.name)

    @property
    def columns(self) -> set[str]:
        return set(self.postgres.sql(COLUMNS, database=self.name).split())


@pytest.fixture
def place(postgres: Postgres, fresh_database: str) -> Place:
    made = Place(postgres, fresh_database)
    run_migrations(made.owner)
    return made


@pytest.fixture
def migrate(fresh_database: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Migrate:
    """This version's command in this process."""

    def start(command: str) -> Done:
        capsys.readouterr()
        return Done(main([command]), *capsys.readouterr())

    monkeypatch.setenv("DATABASE_URL", postgres.address("owner", fresh_database))
    return start


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """The next version: one revision that expands, then two that contract."""
    made = Image(tmp_path)
    made.add(FIRST, "expand", ADD)
    made.add(SECOND, "contract", DROP)
    made.add(THIRD, "contract", 'op.drop_column("users", "disabled_at")')
    return made


def test_a_new_database_gets_all_that_this_version_needs(
    migrate: Migrate, postgres: Postgres, fresh_database: str
) -> None:
    assert json.loads(migrate("status").out) == {"current": None, "needed": NEEDED, "head": HEAD}
    done = migrate("expand")
    assert (done.code, done.err) == (0, "")
    assert (done.events[-1]["event"], done.events[-1]["revision"]) == ("migrations done", NEEDED)
    again = migrate("expand")
    assert (again.code, [line["event"] for line in again.events]) == (0, ["migrations done"])
    assert json.loads(migrate("status").out) == {"current": NEEDED, "needed": NEEDED, "head": HEAD}
    rights = (
        f"SELECT has_table_privilege('{fresh_database}_service', 'alembic_version', 'INSERT, UPDATE, DELETE')"
    )
    assert postgres.sql(rights, database=fresh_database) == "f"


def test_contract_revisions_wait_until_they_are_asked_for(place: Place, image: Image) -> None:
    assert image.migrate(place.owner, "expand").returncode == 0
    assert place.revision == FIRST
    assert {"nickname", "provider_at", "disabled_at"} <= place.columns
    said = json.loads(image.migrate(place.owner, "status").stdout)
    assert said == {"current": FIRST, "needed": FIRST, "head": THIRD}
    assert image.migrate(place.owner, "contract").returncode == 0
    assert place.revision == THIRD
    assert not {"provider_at", "disabled_at"} & place.columns
    assert image.migrate(place.owner, "expand").returncode == 0
    assert place.revision == THIRD


def test_alembics_own_command_goes_to_the_end(place: Place, image: Image) -> None:
    assert image.run(place.owner, "-m", "alembic", "-c", "app/alembic.ini", "upgrade", "head").returncode == 0
    assert place.revision == THIRD


@pytest.mark.parametrize("command", ["expand", "contract"])
def test_a_database_that_is_newer_is_left_alone(
    place: Place, image: Image, migrate: Migrate, command: str
) -> None:
    assert image.migrate(place.owner, "contract").returncode == 0
    before = place.columns
    done = migrate(command)
    assert (done.code, done.err) == (0, "")
    (line,) = done.events
    assert line["event"] == "the database is newer than this version; nothing to do"
    assert (line["level"], line["revision"]) == ("info", THIRD)
    assert (place.revision, place.columns) == (THIRD, before)
    assert json.loads(migrate("status").out) == {"current": THIRD, "needed": NEEDED, "head": HEAD}


def test_a_replica_of_the_new_version_serves_before_the_contract_and_not_before_the_expand(
    postgres: Postgres, redis: RedisServer, place: Place, image: Image, serving: Callable[..., Service]
) -> None:
    service = serving(image)
    assert service.readiness() == 503
    assert image.migrate(place.owner, "expand").returncode == 0
    assert service.readiness() == 200
    assert service.get("/categories").status_code == 200


@pytest.fixture
def serving(postgres: Postgres, redis: RedisServer, fresh_database: str) -> Iterator[Callable[..., Service]]:
    """A replica of a version's image."""
    made: list[Service] = []

    def start(image: Image) -> Service:
        made.append(Service(postgres, redis, database=fresh_database))
        made[-1].code = image.folder
        made[-1].start()
        return made[-1]

    yield start
    for service in made:
        service.remove()


def test_a_revision_that_fails_leaves_the_database_as_before_it_and_a_second_run_goes_on(
    place: Place, image: Image
) -> None:
    image.add(SECOND, "expand", f'{ADD.replace("nickname", "half")}\nop.execute("SELECT 1 / 0")')
    failed = image.migrate(place.owner, "expand")
    assert failed.returncode == 1
    assert failed.stderr == (
        f"revision {SECOND} failed, the database is at {FIRST} as before it: division by zero;"
        " when that is mended, run this again\n"
    )
    line = json.loads(failed.stdout.splitlines()[-1])
    assert (line["event"], line["level"]) == ("migration failed", "critical")
    assert (line["revision"], line["database"], line["reason"]) == (SECOND, FIRST, "division by zero")
    assert place.revision == FIRST
    assert "nickname" in place.columns
    assert "half" not in place.columns
    image.add(SECOND, "expand", ADD.replace("nickname", "half"))
    again = image.migrate(place.owner, "expand")
    assert (again.returncode, place.revision) == (0, SECOND), again.stderr
    assert "half" in place.columns


def test_a_mistake_in_a_file_is_one_line_for_people_and_a_trace_in_the_log(
    place: Place, image: Image
) -> None:
    image.add(FIRST, "expand", "raise NotImplementedError")
    failed = image.migrate(place.owner, "expand")
    assert failed.returncode == 1
    assert failed.stderr.startswith(
        f"revision {FIRST} failed, the database is at {HEAD} as before it: NotImpl"
    )
    assert failed.stderr.count("\n") == 1
    assert "of_a_test.py" in json.loads(failed.stdout.splitlines()[-1])["exception"]
    assert place.revision == HEAD


def test_values_that_the_database_complains_of_are_not_told(place: Place, image: Image) -> None:
    sql = "INSERT INTO users (clerk_user_id, email) VALUES ('kim', 'kim@example.org')"
    again = f'op.execute("{sql}")\nop.execute("{sql}")'
    image.add(FIRST, "expand", again)
    failed = image.migrate(place.owner, "expand")
    assert failed.returncode == 1
    assert "duplicate key value violates unique constraint" in failed.stderr
    assert "kim" not in failed.stderr


def test_contract_revisions_that_stand_before_an_expand_one_are_run_with_a_warning(
    place: Place, image: Image, migrate: Migrate
) -> None:
    image.add(THIRD, "expand", ADD.replace("nickname", "late"))
    done = image.migrate(place.owner, "expand")
    assert (done.returncode, place.revision) == (0, THIRD)
    warnings = [line for line in map(json.loads, done.stdout.splitlines()) if line["level"] == "warning"]
    assert [line["revisions"] for line in warnings] == [[SECOND]]


def test_two_versions_at_once_leave_what_the_newer_needs(place: Place, image: Image, tmp_path: Path) -> None:
    older = Image(tmp_path / "older")
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda version: version.migrate(place.owner, "expand"), (image, older) * 2))
    assert [run.returncode for run in runs] == [0] * 4, [run.stderr for run in runs]
    assert place.revision == FIRST


def test_a_run_waits_for_another_one_and_not_for_ever(
    place: Place, migrate: Migrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "RUN_LOCK_SECONDS", 0.1)
    with psycopg.connect(place.owner) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [running.RUN_LOCK])
        done = migrate("expand")
        assert migrate("status").code == 0  # which changes nothing and waits for nobody
    assert (done.code, done.err) == (1, "another migration has been running for 0 seconds\n")
    assert migrate("expand").code == 0


def test_the_service_may_ask_and_may_not_migrate(
    place: Place, image: Image, postgres: Postgres, fresh_database: str
) -> None:
    service = postgres.address("service", fresh_database)
    assert json.loads(image.migrate(service, "status").stdout)["current"] == HEAD
    refused = image.migrate(service, "expand")
    assert refused.returncode == 1
    assert "must be owner of table users" in refused.stderr
    assert place.revision == HEAD


@pytest.mark.parametrize("command", ["expand", "contract", "status"])
@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        (lambda _: "", 2, "DATABASE_URL: is not set\n  → set postgresql://user:"),
        (lambda _: "mysql://hunter22@x/y", 2, "DATABASE_URL: is no address of the form postgresql://"),
        (lambda _: "postgresql://h:hunter22/d", 2, "DATABASE_URL: is no address"),
        (lambda address: address.replace("_owner:", "_owner:wrong"), 1, "password authentication failed"),
        (lambda address: address + "_not", 1, "does not exist"),
        (lambda _: "postgresql://u:hunter22hunter22@127.0.0.1:1/d", 1, "Connect call failed"),
    ],
)
def test_a_run_that_cannot_begin_says_why(
    migrate: Migrate,
    postgres: Postgres,
    fresh_database: str,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    fault: Callable[[str], str],
    code: int,
    reason: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", fault(postgres.address("owner", fresh_database)))
    monkeypatch.setattr(running, "AWAY_SECONDS", 0.1)
    done = migrate(command)
    assert done.code == code
    assert reason in done.err
    assert "hunter" not in done.out + done.err
    assert postgres.password not in done.out + done.err
    assert done.out == "" or done.events[-1]["event"] == "migration failed"


def test_a_database_that_is_not_there_yet_is_waited_for(place: Place, migrate: Migrate) -> None:
    place.postgres.stop()
    with ThreadPoolExecutor(1) as pool:
        try:
            run = pool.submit(migrate, "expand")
            assert wait([run], 1).done == set()
        finally:
            place.postgres.start()
        assert run.result().code == 0


def test_an_unknown_command_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["upgrade"])
    assert caught.value.code == 2
    assert "choose from" in capsys.readouterr().err
