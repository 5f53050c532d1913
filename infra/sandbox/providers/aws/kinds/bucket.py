"""``aws:s3/bucket:Bucket``: made with its tags, deleted only when it is empty."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from infra.errors import UserError
from infra.sandbox.providers.aws.clients import Clients
from infra.sandbox.providers.aws.kinds.base import Kind, absent
from infra.sandbox.providers.shared.values import Object

NO_BUCKET = ("404", "NoSuchBucket", "NotFound")
NO_LOCATION_REGION = "us-east-1"  # the one region that a LocationConstraint must not name
COUNTED = 1000  # objects that a message counts, one page of a listing


class Bucket(Kind):
    """Tags, object lock and force_destroy; everything else is a resource of its own."""

    required = ("bucket",)
    optional = ("forceDestroy", "objectLockEnabled", "tags")
    fixed = ("bucket", "objectLockEnabled")
    place = ("bucket",)
    computed = ("arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName")

    def create(self, clients: Clients, inputs: Object) -> tuple[str, Object]:
        name = inputs["bucket"]
        if _exists(clients, name):  # S3 answers 200 to its owner in us-east-1: it would be taken over unseen
            raise _taken(name)
        wanted: Object = {"Bucket": name}
        if clients.settings.region != NO_LOCATION_REGION:
            wanted["CreateBucketConfiguration"] = {"LocationConstraint": clients.settings.region}
        if inputs.get("objectLockEnabled"):
            wanted["ObjectLockEnabledForBucket"] = True
        clients.s3.create_bucket(**wanted)
        try:
            _tag(clients, name, inputs)
        except ClientError:
            clients.s3.delete_bucket(Bucket=name)  # or the next run would find it and not know it
            raise
        return name, {}

    def read(self, clients: Clients, identity: str, known: Object) -> Object | None:
        if not _exists(clients, identity):
            return None
        region = clients.s3.get_bucket_location(Bucket=identity).get("LocationConstraint")
        region = region or NO_LOCATION_REGION
        found: Object = {
            "bucket": identity,
            "arn": f"arn:aws:s3:::{identity}",
            "bucketDomainName": f"{identity}.s3.amazonaws.com",
            "bucketRegion": region,
            "bucketRegionalDomainName": f"{identity}.s3.{region}.amazonaws.com",
            "objectLockEnabled": _locks(clients, identity),
            "forceDestroy": bool(known.get("forceDestroy")),
        }
        tags = _tags(clients, identity)
        return {**found, "tags": tags} if tags else found

    def update(self, clients: Clients, identity: str, old: Object, new: Object) -> None:
        if old.get("tags") != new.get("tags"):
            _tag(clients, identity, new)

    def delete(self, clients: Clients, identity: str, known: Object) -> None:
        if known.get("forceDestroy"):
            _empty(clients, identity)
        try:
            clients.s3.delete_bucket(Bucket=identity)
        except ClientError as error:
            if absent(error, "BucketNotEmpty"):
                raise _full(clients, identity) from error
            if not absent(error, *NO_BUCKET):
                raise


def _exists(clients: Clients, name: str) -> bool:
    try:
        clients.s3.head_bucket(Bucket=name)
    except ClientError as error:
        if absent(error, *NO_BUCKET):
            return False
        raise
    return True


def _tag(clients: Clients, name: str, inputs: Object) -> None:
    tags = inputs.get("tags")
    if tags:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        clients.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs})
    else:
        clients.s3.delete_bucket_tagging(Bucket=name)


def _tags(clients: Clients, name: str) -> Object:
    try:
        answer = clients.s3.get_bucket_tagging(Bucket=name)
    except ClientError as error:
        if absent(error, "NoSuchTagSet"):
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def _locks(clients: Clients, name: str) -> bool:
    try:
        answer = clients.s3.get_object_lock_configuration(Bucket=name)
    except ClientError as error:
        if absent(error, "ObjectLockConfigurationNotFoundError"):
            return False
        raise
    return bool(answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")


def _versions(answer: Object) -> list[Any]:
    return [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]


def _empty(clients: Clients, name: str) -> None:
    for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=name):
        doomed = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in _versions(page)]
        if doomed:
            clients.s3.delete_objects(Bucket=name, Delete={"Objects": doomed, "Quiet": True})


def _taken(name: str) -> UserError:
    return UserError.of(
        f"bucket {name}",
        "exists already and was not made by this resource",
        f"choose another name, or take it over: pulumi import aws:s3/bucket:Bucket NAME {name}",
    )


def _full(clients: Clients, name: str) -> UserError:
    answer = clients.s3.list_object_versions(Bucket=name, MaxKeys=COUNTED)
    count = len(_versions(answer))
    several = f"{'more than ' if answer.get('IsTruncated') else ''}{count} object versions"
    return UserError.of(
        f"bucket {name}",
        f"is not empty: it holds {several}, and backups are never deleted along with their stack",
        "to lose the backups too, empty it with all versions (S3 console: Empty) and destroy again; to keep "
        "them, take the bucket out of the stack (pulumi state delete URN) and destroy again; "
        "pulumi up makes again what went before this",
    )
