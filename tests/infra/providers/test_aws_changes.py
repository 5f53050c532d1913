"""The aws plugin's judgement: what is checked, what a change means, what counts as drift, errors in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pulumi.runtime.proto import provider_pb2 as messages

from infra.errors import UserError
from infra.sandbox.providers.aws import casing, documents, operations
from infra.sandbox.providers.aws.drift import drifted
from infra.sandbox.providers.aws.errors import in_words
from infra.sandbox.providers.shared.values import UNKNOWN, Properties, decode

pytestmark = pytest.mark.unit
BUCKET, POLICY = "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy"


def urn(token: str) -> str:
    return f"urn:pulumi:ledger-prod::slipway::{token}::x"


def checked(token: str, **inputs: Any) -> dict[str, str]:
    answer = operations.check(messages.CheckRequest(urn=urn(token)), Properties(inputs))
    return {failure.property: failure.reason for failure in answer.failures}


def compared(token: str, old: dict[str, Any], new: dict[str, Any]) -> messages.DiffResponse:
    return operations.compare(messages.DiffRequest(urn=urn(token)), Properties(old), Properties(new))


def test_what_is_missing_and_what_is_not_served_is_named_before_anything_is_made() -> None:
    found = checked(BUCKET, acl="private")
    assert found["acl"] == "the sandbox's plugin does not serve it; leave it out"
    assert found["bucket"].startswith("is missing; the sandbox's plugin makes up no names")
    assert checked(BUCKET, bucket=UNKNOWN) == {}


def test_a_type_that_is_not_served_is_refused_with_those_that_are() -> None:
    with pytest.raises(UserError, match=r"does not serve aws:ec2/vpc:Vpc(.|\n)*aws:s3/bucket:Bucket"):
        checked("aws:ec2/vpc:Vpc")


def test_a_bucket_of_another_name_is_made_before_the_old_one_goes_and_one_with_a_lock_after() -> None:
    old = {"bucket": "a", "objectLockEnabled": False}
    renamed = compared(BUCKET, old, {**old, "bucket": "b"})
    assert (list(renamed.replaces), renamed.deleteBeforeReplace) == (["bucket"], False)
    locked = compared(BUCKET, old, {**old, "objectLockEnabled": True})
    assert (list(locked.replaces), locked.deleteBeforeReplace) == (["objectLockEnabled"], True)


def test_tags_change_in_place() -> None:
    changed = compared(BUCKET, {"bucket": "a"}, {"bucket": "a", "tags": {"b": "c"}})
    assert (list(changed.diffs), list(changed.replaces)) == (["tags"], [])


ONE = '{"Statement": [{"Action": ["s3:B", "s3:A"], "Resource": ["x"], "Effect": "Deny"}]}'


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ('{"Statement":[{"Effect":"Deny","Action":["s3:A","s3:B"],"Resource":"x"}]}', True),
        (ONE.replace("Deny", "Allow"), False),
        (ONE.replace("s3:A", "s3:*"), False),
        ("no JSON", False),
        (UNKNOWN, False),
    ],
)
def test_documents_are_compared_by_what_they_say(other: str, same: bool) -> None:
    assert documents.same(ONE, other) is same
    assert documents.same(json.loads(ONE), other) is same
    changed = compared(POLICY, {"bucket": "a", "policy": ONE}, {"bucket": "a", "policy": other})
    assert (changed.changes == messages.DiffResponse.DIFF_NONE) is same


def test_names_of_members_survive_the_way_to_the_api_and_back() -> None:
    ours = {"rules": [{"id": "a", "applyX": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "k"}}]}
    theirs = {"Rules": [{"ID": "a", "ApplyX": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}]}
    assert casing.to_api(ours) == theirs
    assert casing.from_api(theirs) == ours


RULES = {"rules": [{"id": "a", "days": 1}]}
SEEN = {"rules": [{"id": "a", "days": 1, "default": True}]}


@pytest.mark.parametrize(
    ("now", "today"),
    [
        (SEEN, RULES),
        ({"rules": [{"id": "a", "days": 2, "default": True}]}, {"rules": [{"id": "a", "days": 2}]}),
        ({"rules": [{"id": "a", "default": True}]}, {"rules": [{"id": "a"}]}),
        ({"rules": [{**SEEN["rules"][0], "new": 3}]}, {"rules": [{"id": "a", "days": 1, "new": 3}]}),
        ({"rules": [*SEEN["rules"], {"id": "b"}]}, {"rules": [*SEEN["rules"], {"id": "b"}]}),
        ({**SEEN, "tags": {"b": "c"}}, {**RULES, "tags": {"b": "c"}}),
    ],
)
def test_drift_is_what_changed_since_it_was_seen_last(now: dict[str, Any], today: dict[str, Any]) -> None:
    assert drifted(RULES, SEEN, now) == today


def test_what_aws_decides_is_unknown_in_a_preview_and_a_keys_secret_stays_secret() -> None:
    request = messages.CreateRequest(urn=urn("aws:iam/accessKey:AccessKey"), preview=True)
    nothing: Any = None
    foretold = decode(operations.create(nothing, request, Properties({"user": "u"})).properties)
    assert foretold.value == {"user": "u", "secret": UNKNOWN, "createDate": UNKNOWN}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "said"}}, "PutBucketPolicy")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            refused("AccessDenied"),
            ["AWS refuses PutBucketPolicy: AccessDenied: said", "the right that it names"],
        ),
        (refused("NoSuchBucket"), ["NoSuchBucket", "declare the bucket before it"]),
        (refused("Odd"), ["Odd: said", "mend it in the program"]),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), ["no server answers", "start the moto"]),
        (KeyError("x"), ["KeyError", "a defect of the sandbox's plugin"]),
    ],
)
def test_an_error_says_what_and_what_to_do(error: Exception, words: list[str]) -> None:
    text = str(in_words(error, "backups"))
    assert text.startswith("backups: ")
    assert all(word in text for word in words), text
