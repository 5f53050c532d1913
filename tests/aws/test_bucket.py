"""What `pulumi up` makes at AWS, asked of AWS itself; a second run, drift, and what the state tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.render.backup_keys import User
from tests.aws.conftest import EVERYBODY, REGION, STACK, World, readable

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def s3(world: World) -> Any:
    return world.moto.client("s3")


@pytest.fixture(scope="module")
def iam(world: World) -> Any:
    return world.moto.client("iam")


def test_the_bucket_is_where_it_shall_be_and_tells_whose_it_is(world: World, s3: Any) -> None:
    assert s3.get_bucket_location(Bucket=world.bucket)["LocationConstraint"] == REGION
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=world.bucket)["TagSet"]}
    assert tags["app.kubernetes.io/instance"] == STACK
    assert tags["app.kubernetes.io/managed-by"] == "pulumi"


def test_everything_in_it_is_encrypted_and_versioned(world: World, s3: Any) -> None:
    rules = s3.get_bucket_encryption(Bucket=world.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert [rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules] == ["AES256"]
    assert s3.get_bucket_versioning(Bucket=world.bucket)["Status"] == "Enabled"


def test_no_access_is_public_and_acls_are_off(world: World, s3: Any) -> None:
    block = s3.get_public_access_block(Bucket=world.bucket)["PublicAccessBlockConfiguration"]
    assert block == dict.fromkeys(
        ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"], True
    )
    owner = s3.get_bucket_ownership_controls(Bucket=world.bucket)["OwnershipControls"]["Rules"]
    assert owner == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_whoever_comes_without_tls_is_denied(world: World, s3: Any) -> None:
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=world.bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    arn = f"arn:aws:s3:::{world.bucket}"
    assert statement["Resource"] == [arn, f"{arn}/*"]


def test_s3_removes_old_versions_and_unfinished_uploads_and_no_backup(world: World, s3: Any) -> None:
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=world.bucket)["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
    assert rule["Expiration"] == {"ExpiredObjectDeleteMarker": True}


@pytest.mark.parametrize("user", EVERYBODY)
def test_each_user_has_one_policy_and_one_key(world: World, iam: Any, user: User) -> None:
    name = f"{STACK}-backup-{user}"
    (attached,) = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    assert attached["PolicyName"] == name
    (key,) = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert (key["Status"], key["AccessKeyId"]) == ("Active", world.keys()[user]["id"])


def test_a_second_preview_has_no_changes_even_after_a_look_at_aws(world: World) -> None:
    for flags in (["--expect-no-changes"], ["--refresh", "--expect-no-changes"]):
        again = world.preview(*flags)
        assert again.ok, again.text


def test_a_policy_removed_by_hand_is_seen_and_made_again(world: World, s3: Any) -> None:
    before = json.loads(s3.get_bucket_policy(Bucket=world.bucket)["Policy"])
    s3.delete_bucket_policy(Bucket=world.bucket)
    seen = world.engine.refresh()
    assert seen.ok, seen.text
    assert not world.engine.recorded("backups-policy")
    mended = world.up()
    assert (mended.ok, mended.op("backups-policy")) == (True, "create"), mended.text
    assert json.loads(s3.get_bucket_policy(Bucket=world.bucket)["Policy"]) == before


def test_a_rule_that_would_expire_backups_is_seen_and_taken_away(world: World, s3: Any) -> None:
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=world.bucket)["Rules"]
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(
        Bucket=world.bucket, LifecycleConfiguration={"Rules": [rule, theirs]}
    )
    seen = world.preview("--refresh")
    assert seen.op("backups-lifecycle") == "update", seen.text
    mended = world.up("--refresh")
    assert mended.ok, mended.text
    assert len(s3.get_bucket_lifecycle_configuration(Bucket=world.bucket)["Rules"]) == 1


def test_protection_weakened_by_hand_is_put_back(world: World, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_public_access_block(
        Bucket=world.bucket,
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True},
    )
    mended = world.up("--refresh")
    assert mended.ok, mended.text
    assert {mended.op("backups-versioning"), mended.op("backups-public-access")} == {"update"}
    assert s3.get_bucket_versioning(Bucket=world.bucket)["Status"] == "Enabled"
    block = s3.get_public_access_block(Bucket=world.bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values())


def test_a_right_that_somebody_added_is_taken_back(world: World, iam: Any) -> None:
    arn = world.engine.recorded("backups-writer")["outputs"].get("policyArn") or next(
        policy["Arn"]
        for policy in iam.list_policies(Scope="Local")["Policies"]
        if policy["PolicyName"] == f"{STACK}-backup-writer"
    )
    wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(wide), SetAsDefault=True)
    mended = world.up("--refresh")
    assert mended.ok, mended.text
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    live = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert "s3:*" not in json.dumps(live)


def test_a_changed_setting_changes_that_setting_alone(world: World, s3: Any) -> None:
    changed = world.up(noncurrent_days=60)
    assert changed.changed("backups-lifecycle") == {"rules[0].noncurrentVersionExpiration.noncurrentDays"}, (
        changed.text
    )
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=world.bucket)["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 60
    assert world.up().ok


@pytest.mark.parametrize("change", [{"bucket": "elsewhere-1"}, {"lock_days": 7}])
def test_another_name_or_a_lock_means_another_bucket(world: World, change: dict[str, Any]) -> None:
    foretold = world.preview(**change)
    assert foretold.op("backups") == "replace", foretold.text


def test_no_secret_can_be_read_in_the_state_or_in_any_output(world: World) -> None:
    secrets = [key["secret"] for key in world.keys().values()]
    assert len(set(secrets)) == len(EVERYBODY)
    shown = [world.preview("--diff", "--refresh"), world.preview("--json"), world.up("--diff")]
    assert all(outcome.ok for outcome in shown)
    assert not [secret for secret in secrets if any(secret in outcome.text for outcome in shown)]
    backend = Path(world.engine.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    assert readable(backend, world.bucket), "the state was looked for in the wrong place"
    assert readable(backend, *secrets) == []
