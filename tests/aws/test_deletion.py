"""Backups outlive their stack: destroy is refused while anything is in the bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.conftest import EVERYBODY, STACK, World, emptied

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_destroy_is_refused_while_backups_exist_and_succeeds_afterwards(world: World) -> None:
    s3 = world.moto.client("s3")
    policy = s3.get_bucket_policy(Bucket=world.bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=world.bucket)  # moto heeds no condition: it would refuse us too
    s3.put_object(Bucket=world.bucket, Key=f"{STACK}/1/database.dump", Body=b"1")
    s3.delete_object(Bucket=world.bucket, Key=f"{STACK}/1/database.dump")  # its version is still there
    s3.put_bucket_policy(Bucket=world.bucket, Policy=policy)

    refused = world.engine.destroy()
    assert not refused.ok
    said = refused.said("backups")
    assert f"bucket {world.bucket}: is not empty: it holds 2 object versions" in said
    assert "pulumi state delete URN" in said

    assert s3.get_public_access_block(Bucket=world.bucket), "what protects the backups stays with them"
    assert s3.get_bucket_policy(Bucket=world.bucket)["Policy"] == policy
    assert s3.get_bucket_versioning(Bucket=world.bucket)["Status"] == "Enabled"
    assert world.engine.recorded("backups")

    again = world.up()
    assert again.ok, "a stack whose destroy was refused comes back:\n" + again.text

    s3.delete_bucket_policy(Bucket=world.bucket)
    emptied(s3, world.bucket)
    gone = world.engine.destroy()
    assert gone.ok, gone.text
    assert world.bucket not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    iam = world.moto.client("iam")
    assert iam.list_users()["Users"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_a_protected_bucket_keeps_everything_of_its_stack(world: World) -> None:
    assert world.up(protected=True).ok
    foretold = world.engine.run("destroy", lambda: None, "--preview-only")
    assert not foretold.ok, "a preview says so before anything is touched"
    refused = world.engine.destroy()
    assert not refused.ok
    assert "pulumi state unprotect" in refused.text
    assert len(world.moto.client("iam").list_users()["Users"]) == len(EVERYBODY)
    assert world.up(protected=False).ok
    assert world.engine.destroy().ok


def test_a_bucket_of_somebody_else_is_neither_taken_nor_changed(world: World) -> None:
    s3 = world.moto.client("s3")
    where = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket="theirs", CreateBucketConfiguration=where)
    refused = world.up(bucket="theirs")
    assert not refused.ok
    assert "bucket theirs: exists already and was not made by this resource" in refused.said("backups")
    assert world.engine.destroy().ok
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["theirs"]


def test_a_locked_bucket_encrypted_with_a_key_of_ones_own(world: World) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    made = world.up(bucket="locked", lock_days=7, kms_key=key, expire_days=400)
    assert made.ok, made.text
    s3 = world.moto.client("s3")
    lock = s3.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"].items() >= {"Mode": "GOVERNANCE", "Days": 7}.items()
    (rule,) = s3.get_bucket_encryption(Bucket="locked")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    again = world.preview(
        "--refresh", "--expect-no-changes", bucket="locked", lock_days=7, kms_key=key, expire_days=400
    )
    assert again.ok, again.text
    assert world.engine.destroy().ok


def test_a_preview_of_a_new_stack_makes_nothing(world: World, stack: Callable[[], Any]) -> None:
    fresh = World(stack(), world.moto, world.arguments)
    foretold = fresh.preview()
    assert foretold.ok, foretold.text
    assert foretold.op("backups") == "create"
    assert world.bucket not in [b["Name"] for b in world.moto.client("s3").list_buckets()["Buckets"]]
