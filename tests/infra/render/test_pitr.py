"""pgBackRest's file, PostgreSQL's part of it, and what the program of the pods is told."""

from __future__ import annotations

from typing import Any

import pytest

from infra.backups.pitr import place, schedule
from infra.render import archive, backup_keys, backups, pitr, postgres, validate
from infra.render.backup_keys import User
from infra.settings.model import Settings
from tests.infra.mocks import settings

pytestmark = pytest.mark.unit
KEY, OTHER = "k" * 43, "o" * 43
LOGIN = pitr.Login("somebody", "word")


def kept(**changed: Any) -> Settings:
    return settings("sandbox", backups={"pitr": {"enabled": True}} | changed)


def options(user: User, found: Settings, key: str = KEY, login: pitr.Login | None = LOGIN) -> dict[str, str]:
    lines = [line for line in pitr.config(found, user, key, login).splitlines() if line[0] != "["]
    return validate.assignments("\n".join(lines), "=")


def test_without_the_setting_postgresql_conf_knows_nothing_of_an_archive() -> None:
    assert archive.parameters(settings("sandbox")) == {}
    text = postgres.files(settings("sandbox").postgres)["postgresql.conf"]
    assert "archive" not in text


def test_with_the_setting_each_segment_goes_to_pgbackrest_half_a_minute_after_its_begin_at_the_latest() -> (
    None
):
    found = kept()
    text = postgres.files(found.postgres, more=archive.parameters(found))["postgresql.conf"]
    read = validate.assignments(text, "=")
    assert (read["archive_mode"], read["archive_timeout"]) == ("on", "30s")
    assert validate.postgres_accepts(text, "archive_timeout").strip() == "30"
    assert read["archive_command"] == (
        "'pgbackrest --config=/run/slipway/pitr/pgbackrest.conf --stanza=main archive-push %p'"
    )


def test_a_full_backup_s_configuration_holds_what_is_rendered_for_the_archive() -> None:
    assert "archive_mode = on" in backups.configuration(kept(), "1")["postgresql.conf"]


def test_the_archive_is_never_asynchronous() -> None:
    for user in (User.ARCHIVER, User.PITR):
        assert options(user, kept())["archive-async"] == "n"


def test_the_store_in_the_cluster_is_asked_by_its_name_and_its_own_authority() -> None:
    found = options(User.PITR, kept())
    assert found["repo1-s3-endpoint"] == "object-store.sandbox.svc"
    assert found["repo1-storage-port"] == "7070"
    assert found["repo1-storage-ca-file"] == "/run/slipway/pitr/store.crt"
    assert found["repo1-s3-uri-style"] == "path"
    assert set(pitr.files(kept(), User.PITR)) == {"pgbackrest.conf", "store.crt"}


def test_a_store_that_is_there_is_asked_at_its_own_address_with_public_authorities() -> None:
    store = {"kind": "s3", "endpoint": "https://s3.example.com:9000", "region": "r-1"}
    found = options(User.PITR, kept(store=store))
    assert found["repo1-s3-endpoint"] == "s3.example.com"
    assert (found["repo1-storage-port"], found["repo1-s3-region"]) == ("9000", "r-1")
    assert found["repo1-storage-ca-file"] == "/opt/site/botocore/cacert.pem"
    assert set(pitr.files(kept(store=store), User.PITR)) == {"pgbackrest.conf"}


def test_aws_s3_itself_needs_no_more_than_its_region() -> None:
    found = options(User.PITR, kept(store={"kind": "s3", "region": "ap-northeast-2"}))
    assert found["repo1-s3-endpoint"] == "s3.ap-northeast-2.amazonaws.com"
    assert found["repo1-storage-port"] == "443"


def test_another_key_begins_another_repository_with_another_cipher() -> None:
    first, second = options(User.PITR, kept()), options(User.PITR, kept(), OTHER)
    assert first["repo1-path"].startswith("/sandbox/pitr/")
    assert first["repo1-path"] != second["repo1-path"]
    assert first["repo1-cipher-pass"] != second["repo1-cipher-pass"]
    assert len({backup_keys.pitr_id(KEY), backup_keys.pitr_pass(KEY), backup_keys.signing_key(KEY)}) == 3


def test_the_program_is_told_every_variable_it_knows() -> None:
    assert set(pitr.environment(kept())) == {*place.VARIABLES, *schedule.VARIABLES}
    assert place.load({}) == place.load(pitr.environment(kept()))
    assert place.STANZA == archive.STANZA
    found = place.load(pitr.environment(kept()))
    assert str(found.live) == postgres.CONTAINER.data


def test_the_users_of_the_archive_reach_its_folder_alone_and_one_of_them_removes_nothing() -> None:
    for user in backups.OF_PITR:
        _, objects = backups.statements(user, "arn:aws:s3:::b", "team-dev")
        assert objects["Resource"] == "arn:aws:s3:::b/team-dev/pitr/*"
    assert not [action for action in backups.OBJECT_ACTIONS[User.ARCHIVER] if "Delete" in action]
