"""``python -m app.accounts``: the first admin of a production, and the end of an account."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from typing import NamedTuple

import pytest

from app.accounts import main
from tests.app.conftest import DATABASE, SECRET_KEY
from tests.app.servers import Postgres, RedisServer

pytestmark = pytest.mark.integration
Run = Callable[..., "Done"]
PASSWORD = "a long enough sentence"


@pytest.fixture
def address() -> str:
    return f"admin-{uuid.uuid4().hex}@example.org"


class Done(NamedTuple):
    """As of a process."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(
    postgres: Postgres,
    redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """The command in this process, in an environment as a pod of production has it."""
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("DATABASE_URL", postgres.address("service", DATABASE))
    monkeypatch.setenv("REDIS_URL", redis.address)

    def start(*arguments: str, password: str = PASSWORD) -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
        return Done(main(list(arguments)), *capsys.readouterr())

    return start


def test_it_makes_an_admin(run: Run, postgres: Postgres, address: str) -> None:
    done = run(address, "--role", "admin")
    assert done.returncode == 0, done.stderr
    row = postgres.sql(f"SELECT id, role FROM users WHERE email = '{address}'", database=DATABASE)  # noqa: S608
    assert f"account {row.split('|')[0]} made, role admin" in done.stdout
    assert row.endswith("|admin")
    assert PASSWORD not in done.stdout + done.stderr
    assert address not in done.stdout + done.stderr


def test_a_second_one_is_refused(run: Run, address: str) -> None:
    assert run(address).returncode == 0
    again = run(address)
    assert (again.returncode, again.stderr.strip()) == (1, "An account with this e-mail exists")


@pytest.mark.parametrize(
    ("email", "password", "complaint"),
    [
        ("", "short", "must have at least 12 characters"),
        ("", "", "must have at least 12 characters"),
        ("nobody", PASSWORD, "must be an e-mail address"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    run: Run, address: str, email: str, password: str, complaint: str
) -> None:
    done = run(email or address, password=password)
    assert (done.returncode, done.stderr.strip()) == (1, complaint)


def test_it_ends_an_account_once(run: Run, postgres: Postgres, address: str) -> None:
    assert run(address).returncode == 0
    assert "account disabled" in run(address, "--disable").stdout
    disabled = f"SELECT disabled_at IS NOT NULL FROM users WHERE email = '{address}'"  # noqa: S608
    assert postgres.sql(disabled, database=DATABASE) == "t"


def test_an_account_that_is_not_there_cannot_be_ended(run: Run, address: str) -> None:
    done = run(address, "--disable")
    assert (done.returncode, done.stderr.strip()) == (1, "there is no such account")


def test_a_wrong_environment_is_told_with_its_remedy(address: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.accounts", address],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("SECRET_KEY: is not set\n  → make one:")
    assert "Traceback" not in done.stderr


def test_a_missing_variable_ends_with_2(run: Run, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL")
    done = run(address)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "REDIS_URL: is not set")


def test_an_unknown_role_is_refused_by_name(
    run: Run, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(address, "--role", "root")
    assert caught.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_a_database_that_is_away_is_told_without_a_stack_trace(
    run: Run, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter22hunter22@127.0.0.1:1/d")
    done = run(address)
    assert (done.returncode, done.stderr.strip()) == (1, "The database is not available; try again shortly")
    assert "hunter" not in done.stdout
