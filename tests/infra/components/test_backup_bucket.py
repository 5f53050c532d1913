"""The backups' bucket under Pulumi's mocks: what is declared, with which options, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from pulumi.runtime import mocks as pulumi_mocks

from infra.components.aws import documents
from infra.components.aws.arguments import BucketArguments, role_name
from infra.components.aws.bucket import BackupBucket
from infra.components.base import Context
from infra.errors import UserError
from infra.paths import ROOT
from infra.render.backup_keys import User
from infra.render.backups import OF_BACKUPS
from tests.infra.mocks import Recorder, running

pytestmark = pytest.mark.unit
STACK, BUCKET = "uvis-prod", "uvis-backups"
ARN = f"arn:aws:s3:::{BUCKET}"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0af1"
ROLE = "arn:aws:iam::123456789012:role/eks/backup-writer"


class Aws(Recorder):
    """Adds what AWS tells of a resource."""

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        identity, state = super().new_resource(args)
        return identity, {**state, "arn": ARN if args.typ.startswith("aws:s3") else f"arn:{args.name}",
                          "secret": f"secret-of-{args.name}"}  # fmt: skip


def declared(**arguments: Any) -> tuple[dict[str, dict[str, Any]], BackupBucket, dict[str, bool]]:
    """``type name → inputs``, the component, and whether each key's secret is marked secret."""
    recorder, made = Aws(), []

    async def program() -> dict[str, bool]:
        made.append(BackupBucket("backups", Context(STACK, "x"), BucketArguments(BUCKET, **arguments)))
        assert await made[0].bucket.future() == BUCKET
        return {user: await key.secret.is_secret() for user, key in made[0].keys.items()}

    secret = running(program, recorder, STACK)
    by_name = {f"{item.typ.rpartition(':')[2]} {item.name}": item.inputs for item in recorder.resources}
    return by_name, made[0], secret


def test_a_bucket_has_every_protection_without_being_asked() -> None:
    found, _, _ = declared()
    assert found["Bucket backups"]["bucket"] == BUCKET
    assert not found["Bucket backups"]["forceDestroy"]
    assert not found["Bucket backups"]["objectLockEnabled"]
    names = {name for name in found if name.startswith("Bucket")} - {"Bucket backups"}
    assert names == {
        "BucketPublicAccessBlock backups-public-access",
        "BucketOwnershipControls backups-ownership",
        "BucketPolicy backups-policy",
        "BucketServerSideEncryptionConfiguration backups-encryption",
        "BucketVersioning backups-versioning",
        "BucketLifecycleConfiguration backups-lifecycle",
    }


def test_the_keys_of_the_users_are_secret_outputs() -> None:
    _, _, secret = declared()
    assert secret == dict.fromkeys(OF_BACKUPS, True)


def test_a_role_takes_the_place_of_a_user_and_its_key() -> None:
    found, made, _ = declared(roles={User.WRITER: ROLE})
    assert set(made.keys) == {User.KEEPER, User.READER}
    assert found["RolePolicyAttachment backups-writer"]["role"] == "backup-writer"
    assert "User backups-writer" not in found


def test_a_lock_and_a_key_are_settings() -> None:
    found, _, _ = declared(lock_days=7, kms_key=KEY, expire_days=400)
    assert found["Bucket backups"]["objectLockEnabled"]
    lock = found["BucketObjectLockConfiguration backups-lock"]
    assert lock["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}}
    (rule,) = found["BucketServerSideEncryptionConfiguration backups-encryption"]["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert [r["id"] for r in found["BucketLifecycleConfiguration backups-lifecycle"]["rules"]] == [
        "remains",
        "ceiling",
    ]


def actions(user: User, kms_key: str | None = None) -> dict[str, set[str]]:
    policy = json.loads(documents.for_user(user, ARN, STACK, kms_key))
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}
    return {statement["Resource"]: set(statement["Action"]) for statement in policy["Statement"]}


@pytest.mark.parametrize(
    ("user", "never"),
    [(User.WRITER, "Delete"), (User.KEEPER, "Put"), (User.READER, "Delete"), (User.READER, "Abort")],
)
def test_no_user_has_a_right_that_is_anothers_task(user: User, never: str) -> None:
    assert not [action for granted in actions(user).values() for action in granted if never in action]


@pytest.mark.parametrize("user", list(OF_BACKUPS))
def test_no_right_reaches_beyond_the_stacks_own_objects(user: User) -> None:
    granted = actions(user, KEY)
    assert all(re.fullmatch(rf"{ARN}(/{STACK}/.+)?|{KEY}", resource) for resource in granted)
    assert not [action for right in granted.values() for action in right if "*" in action]


def test_the_reader_puts_nothing_but_the_drills_records() -> None:
    puts = [resource for resource, granted in actions(User.READER).items() if "s3:PutObject" in granted]
    assert puts == [f"{ARN}/{STACK}/drills/*"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kms_key": "alias/backups"}, "backups.store.kms_key: 'alias/backups' is no key's ARN"),
        ({"roles": {User.READER: "reader"}}, "backups.store.roles.reader: 'reader' is no role's ARN"),
        ({"lock_days": 0}, "backups.store.lock_days: 0 is no number of days"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as refused:
        BucketArguments(BUCKET, **arguments)
    assert message in str(refused.value)


def test_a_roles_name_is_the_end_of_its_arn() -> None:
    assert role_name(ROLE) == "backup-writer"


def test_a_program_without_aws_does_not_import_its_sdk() -> None:
    code = "import infra.program, sys; sys.exit('pulumi_aws' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
