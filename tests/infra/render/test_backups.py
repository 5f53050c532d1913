"""What the pods of backups are told, and every key that follows from the one secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from alembic.script import ScriptDirectory
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from infra.backups import config
from infra.images import PUBLIC, Image
from infra.paths import ROOT
from infra.render import backup_keys, backups, validate
from infra.render.backup_keys import User
from infra.render.service import schema_head
from infra.settings import backups as section
from tests.infra.mocks import settings

pytestmark = pytest.mark.unit
KEY, OTHER = "k" * 43, "o" * 43
HOST = "object-store.ledger.svc"
PRIVATE: tuple[Callable[[str], str], ...] = (
    backup_keys.signing_key,
    backup_keys.identity,
    lambda key: backup_keys.store_certificate(key, HOST).key,
    *(partial(backup_keys.user_secret, user=user) for user in User),
)


def test_the_program_knows_every_variable_that_is_rendered_and_gets_all_it_has() -> None:
    plain = backups.environment(settings("sandbox"))
    rendered = {*plain, *backups.SECRET_VARIABLES}
    assert rendered <= set(config.VARIABLES)
    assert set(config.VARIABLES) - rendered <= set(config.DEFAULTS), "what is left has its default"


def test_the_schema_that_a_drill_expects_is_the_one_that_alembic_makes() -> None:
    scripts = ScriptDirectory(str(ROOT / "app" / "migrations"))
    assert scripts.get_current_head() == schema_head()
    assert backups.environment(settings("sandbox"))["BACKUP_SCHEMA_HEAD"] == schema_head()


def test_the_words_of_the_stack_file_are_those_of_the_program() -> None:
    assert {word.value for word in section.Compression} == {word.value for word in config.Compression}
    assert {word.value for word in section.Encryption} == {word.value for word in config.Encryption}


def test_the_rendered_variables_are_a_configuration_that_the_program_takes() -> None:
    found = config.load(backups.environment(settings("sandbox", backups={"keep_weekly": 8})))
    assert (found.stack, found.bucket, found.keep_weekly) == ("sandbox", "backups", 8)
    assert str(found.ca_file) == "/run/slipway/backups/store.crt"
    assert found.endpoint == "https://object-store.sandbox.svc:7070"


def test_the_files_of_keys_are_those_that_the_program_reads() -> None:
    names = {config.SIGNING_KEY, config.RECIPIENT, backups.AUTHORITY}
    assert set(backups.key_files(settings("sandbox"), read=False)) == names
    assert set(backups.key_files(settings("sandbox"), read=True)) == {*names, config.IDENTITY}


def test_a_store_of_aws_has_no_endpoint_and_no_authority_of_its_own() -> None:
    store = {"kind": "aws", "region": "eu-central-1"}
    plain = backups.environment(settings("ledger-prod", backups={"store": store}))
    assert (plain["BACKUP_ENDPOINT"], plain["BACKUP_CA_FILE"]) == ("", "")
    assert plain["AWS_REGION"] == "eu-central-1"


def test_the_same_secret_gives_the_same_keys_and_another_gives_others() -> None:
    first, again, other = ([make(key) for make in PRIVATE] for key in (KEY, KEY, OTHER))
    assert first == again
    assert len({*first, *other}) == 2 * len(PRIVATE)
    assert [made for made in first if KEY in made] == []


def test_openssh_reads_the_identity_and_its_public_half_is_the_recipient() -> None:
    private = load_ssh_private_key(backup_keys.identity(KEY).encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert backup_keys.recipient(KEY) == f"{public} slipway-backups\n"


def test_the_store_has_a_certificate_for_its_name_that_clients_take_as_authority() -> None:
    made = backup_keys.store_certificate(KEY, HOST)
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOST]
    certificate.verify_directly_issued_by(certificate)
    key = load_pem_private_key(made.key.encode(), None)
    assert isinstance(key, Ed25519PrivateKey)
    assert key.public_key() == certificate.public_key()
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc
    assert made == backup_keys.store_certificate(KEY, HOST)


def actions(user: User, resource: str) -> set[str]:
    return {
        action
        for statement in backups.statements(user, "arn:aws:s3:::bucket", "ledger-prod")
        for action in statement["Action"]
        if statement["Resource"] == f"arn:aws:s3:::bucket{resource}"
    }


def test_the_writer_deletes_nothing_and_the_keeper_writes_nothing() -> None:
    assert "s3:PutObject" in actions(User.WRITER, "/ledger-prod/*")
    assert [action for action in actions(User.WRITER, "/ledger-prod/*") if "Delete" in action] == []
    assert "s3:DeleteObject" in actions(User.KEEPER, "/ledger-prod/*")
    assert [action for action in actions(User.KEEPER, "/ledger-prod/*") if "Put" in action] == []


def test_the_reader_writes_records_of_drills_and_nothing_else() -> None:
    assert actions(User.READER, "/ledger-prod/drills/*") == {"s3:PutObject"}
    assert actions(User.READER, "/ledger-prod/*") == {"s3:GetObject", "s3:ListMultipartUploadParts"}


def test_nobody_may_change_the_policy_the_versions_or_the_lock() -> None:
    allowed = {action for user in backups.OBJECT_ACTIONS for action in actions(user, "")}
    assert allowed == {
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
        "s3:GetBucketLocation",
    }
    policy = json.loads(backups.store_files(settings("sandbox"))["policy.json"])
    assert "s3:*" not in json.dumps(policy)
    assert {row["Effect"] for row in policy["Statement"]} == {"Allow"}


def test_the_store_s_start_script_is_bash() -> None:
    validate.bash_accepts(backups.store_files(settings("sandbox"))["start.sh"])


def test_the_store_knows_its_five_users_and_no_root_among_them() -> None:
    accounts = json.loads(backups.store_secrets(settings("sandbox"))["users.json"](KEY))["accessAccounts"]
    assert set(accounts) == {"writer", "keeper", "reader", "archiver", "pitr"}
    assert {account["role"] for account in accounts.values()} == {"user"}
    assert accounts["writer"]["secret"] == backup_keys.user_secret(KEY, User.WRITER)


def test_the_image_s_public_bases_are_those_of_the_catalogue() -> None:
    text = (ROOT / "infra" / "backups" / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG BASE={PUBLIC[Image.POSTGRES].tag}\n" in text
    assert f"ARG STORE={PUBLIC[Image.VERSITYGW].tag}\n" in text
