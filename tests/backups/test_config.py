"""The variables of a pod: each that is wrong is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.backups import config, contents, database
from infra.errors import UserError

pytestmark = pytest.mark.unit

GOOD = {
    "BACKUP_STACK": "coupang-cs-prod",
    "BACKUP_BUCKET": "backups",
    "DATABASE_URL": "postgresql://ledger_owner:s%2Fcret-value@db:5432/ledger?sslmode=require",
    "REDIS_URL": "rediss://saver:p%40ssword@cache:6380/0",
}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "BACKUP_STACK",
            "",
            "is not set\n  → it is the stack, which is the first part of every object's key",
        ),
        ("BACKUP_BUCKET", "", "is not set\n  → it is the bucket"),
        ("BACKUP_COMPRESSION", "lzma", "'lzma' is unknown\n  → one of: gzip, zstd, none"),
        ("BACKUP_ENCRYPTION", "rot13", "'rot13' is unknown\n  → one of: age, none"),
        ("BACKUP_RETENTION_DAYS", "-1", "'-1' is no whole number\n  → it is days a backup is kept"),
        ("BACKUP_TIME_ZONE", "Mars/X", "'Mars/X' is no time zone\n  → a name as Asia/Seoul or UTC"),
    ],
)
def test_a_wrong_variable_is_named_with_its_remedy(name: str, value: str, message: str) -> None:
    with pytest.raises(UserError) as told:
        config.load(GOOD | {name: value})
    assert str(told.value) == f"{name}: {message}"


def test_every_wrong_variable_is_named_at_once() -> None:
    with pytest.raises(UserError) as told:
        config.load({"BACKUP_COMPRESSION": "x"})
    assert [found.where for found in told.value.problems] == [
        "BACKUP_STACK",
        "BACKUP_BUCKET",
        "BACKUP_COMPRESSION",
    ]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "DATABASE_URL: is not set\n  → it is the database as its owner"),
        ("mysql:/x", "DATABASE_URL: is no address of PostgreSQL\n  → postgresql://…"),
    ],
)
def test_an_address_that_is_none_is_refused_without_showing_it(url: str, message: str) -> None:
    with pytest.raises(UserError) as told:
        database.url(config.load(GOOD | {"DATABASE_URL": url}))
    assert str(told.value) == message


def test_a_key_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    found = config.load(GOOD | {"BACKUP_KEYS": str(tmp_path)})
    for what in ("cannot be read: No such file or directory", "is empty"):
        with pytest.raises(UserError) as told:
            assert found.signing_key
        assert str(told.value).startswith(f"{tmp_path}/signing-key: {what}\n  → slipway up gives")
        (tmp_path / "signing-key").touch()


def test_passwords_are_in_the_programs_environment_and_not_in_their_commands() -> None:
    found = config.load(GOOD | {"BACKUP_ENCRYPTION": "none"})
    dump, redis = contents.dump(found, "0-1").stages[0], contents.redis(found).stages[0]
    assert dump.environment["PGPASSWORD"] == "s/cret-value"
    assert (dump.environment["PGHOST"], dump.environment["PGSSLMODE"]) == ("db", "require")
    assert redis.environment == {"REDISCLI_AUTH": "p@ssword"}
    assert redis.command[:5] == ("redis-cli", "-h", "cache", "-p", "6380")
    assert "--tls" in redis.command and "saver" in redis.command
    assert not [word for word in (*dump.command, *redis.command) if "p@ss" in word or "cret" in word]


def test_the_values_that_no_line_may_show_are_known_in_both_spellings() -> None:
    secrets = set(config.secrets(GOOD | {"AWS_SECRET_ACCESS_KEY": "key-of-aws"}))
    assert secrets == {"key-of-aws", "s%2Fcret-value", "s/cret-value", "p%40ssword", "p@ssword"}
