"""Every served type by the plugin's own requests: made, read, imported, changed, removed; no engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2 as messages

from infra.sandbox.providers.aws.kinds import SERVED
from infra.sandbox.providers.aws.servicer import Servicer
from infra.sandbox.providers.shared.values import Properties, decode, encode
from tests.aws.conftest import REGION, Moto

pytestmark = pytest.mark.integration
BUCKET, USER, ROLE = "kinds", "writer", "keeper"
READONLY = "arn:aws:iam::123456789012:policy/slipway/readonly"


def allow(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", "Principal": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def grant(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def rule(days: int) -> dict[str, Any]:
    expiry = {"noncurrentDays": days}
    return {"id": "a", "status": "Enabled", "filter": {"prefix": ""}, "noncurrentVersionExpiration": expiry}


def encryption(**by_default: str) -> dict[str, Any]:
    return {"rules": [{"applyServerSideEncryptionByDefault": by_default, "bucketKeyEnabled": False}]}


def retention(days: int) -> dict[str, Any]:
    return {
        "objectLockEnabled": "Enabled",
        "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": days}},
    }


AT, BY = {"bucket": BUCKET}, {"user": USER}
ALL = dict.fromkeys(
    ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"], True
)
NAMED = {"name": USER, "path": "/slipway/"}
# Type → inputs, and what of them changes in place.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "aws:s3/bucket:Bucket": (
        {**AT, "objectLockEnabled": True, "forceDestroy": False, "tags": {"a/b": "c"}},
        {"tags": {"d": "e"}},
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        {**AT, "versioningConfiguration": {"status": "Enabled"}},
        {},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        {**AT, **encryption(sseAlgorithm="AES256")},
        encryption(sseAlgorithm="aws:kms", kmsMasterKeyId="arn:aws:kms:eu-central-1:1:key/1"),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ({**AT, **ALL}, {"blockPublicAcls": False}),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        {**AT, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        {**AT, "policy": allow("s3:GetObject")},
        {"policy": allow("s3:ListBucket")},
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        {**AT, "rules": [rule(30)]},
        {"rules": [rule(60)]},
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": (
        {**AT, **retention(7)},
        retention(8),
    ),
    "aws:iam/user:User": (
        {**NAMED, "forceDestroy": False, "tags": {"a": "b"}},
        {"path": "/elsewhere/", "tags": {"a": "c", "d": "e"}},
    ),
    "aws:iam/accessKey:AccessKey": ({**BY, "status": "Active"}, {"status": "Inactive"}),
    "aws:iam/policy:Policy": (
        {**NAMED, "policy": grant("s3:GetObject"), "tags": {"a": "b"}},
        {"policy": grant("s3:ListBucket"), "tags": {"d": "e"}},
    ),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ({**BY, "policyArn": READONLY}, {}),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ({"role": ROLE, "policyArn": READONLY}, {}),
}


class Context:
    """A gRPC call as the servicer sees it."""

    def abort(self, _code: Any, message: str) -> None:
        raise AssertionError(message)


@pytest.fixture
def plugin(moto: Moto) -> Iterator[Servicer]:
    """The plugin, on a server that has what the cases need beside themselves."""
    moto.reset()
    moto.allow_all()
    s3, iam = moto.client("s3"), moto.client("iam")
    where = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
    iam.create_user(UserName=USER)
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=grant("sts:AssumeRole"))
    iam.create_policy(PolicyName="readonly", Path="/slipway/", PolicyDocument=grant("s3:GetObject"))
    made = Servicer()
    endpoints = json.dumps([{"s3": moto.url, "iam": moto.url}])
    made.Configure(
        messages.ConfigureRequest(args=encode({"endpoints": endpoints, "region": REGION})), Context()
    )
    yield made
    moto.reset()


def urn(token: str) -> str:
    return f"urn:pulumi:ledger-prod::slipway::{token}::x"


def seen(
    plugin: Servicer, token: str, identity: str, inputs: Any = None, state: Any = None
) -> Properties | None:
    request = messages.ReadRequest(urn=urn(token), id=identity, inputs=inputs, properties=state)
    answer = plugin.Read(request, Context())
    return decode(answer.inputs) if answer.id else None


def test_every_served_type_has_its_case() -> None:
    assert set(CASES) == set(SERVED)


@pytest.mark.parametrize("token", CASES)
def test_a_resource_is_made_read_imported_changed_and_removed(
    plugin: Servicer, moto: Moto, token: str
) -> None:
    inputs, change = CASES[token]
    if token == "aws:s3/bucket:Bucket":
        moto.client("s3").delete_bucket(Bucket=BUCKET)
    if token == "aws:iam/user:User":
        moto.client("iam").delete_user(UserName=USER)
    made = plugin.Create(messages.CreateRequest(urn=urn(token), properties=encode(inputs)), Context())
    unchanged = seen(plugin, token, made.id, encode(inputs), made.properties)
    assert unchanged is not None
    assert unchanged.value == inputs
    imported = seen(plugin, token, made.id)
    assert imported is not None
    assert {key: imported.value[key] for key in inputs} == inputs
    state, wanted = made.properties, {**inputs, **change}
    if change:
        request = messages.UpdateRequest(
            urn=urn(token), id=made.id, olds=state, old_inputs=encode(inputs), news=encode(wanted)
        )
        state = plugin.Update(request, Context()).properties
        changed = seen(plugin, token, made.id)
        assert changed is not None
        assert {key: changed.value[key] for key in wanted} == wanted
    for _ in range(2):  # the second time it is gone already
        plugin.Delete(messages.DeleteRequest(urn=urn(token), id=made.id, properties=state), Context())
    if token != "aws:s3/bucketVersioning:BucketVersioning":  # what was versioned once is suspended, never off
        assert seen(plugin, token, made.id) is None


def test_the_secret_of_a_key_is_marked_and_survives_a_refresh(plugin: Servicer) -> None:
    token = "aws:iam/accessKey:AccessKey"
    made = plugin.Create(messages.CreateRequest(urn=urn(token), properties=encode(BY)), Context())
    request = messages.ReadRequest(urn=urn(token), id=made.id, inputs=encode(BY), properties=made.properties)
    refreshed = decode(plugin.Read(request, Context()).properties)
    assert refreshed.secrets == {("secret",)}
    assert refreshed.value["secret"] == decode(made.properties).value["secret"]


def test_a_policy_may_change_more_often_than_aws_keeps_versions(plugin: Servicer, moto: Moto) -> None:
    token, inputs = "aws:iam/policy:Policy", CASES["aws:iam/policy:Policy"][0]
    made = plugin.Create(messages.CreateRequest(urn=urn(token), properties=encode(inputs)), Context())
    old = inputs
    for number in range(7):
        new = {**inputs, "policy": grant(f"s3:GetObject{number}")}
        request = messages.UpdateRequest(
            urn=urn(token), id=made.id, olds=made.properties, old_inputs=encode(old), news=encode(new)
        )
        plugin.Update(request, Context())
        old = new
    versions = moto.client("iam").list_policy_versions(PolicyArn=made.id)["Versions"]
    assert len(versions) <= 5
