"""The object store over the S3 protocol: streams in and out, lists, and what an answer means to people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, BinaryIO

import boto3
from botocore.config import Config as Botocore
from botocore.exceptions import BotoCoreError, ClientError

from infra.backups import multipart
from infra.backups.config import Config
from infra.errors import UserError

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 10, 60, 5
REMEDIES = {
    "NoSuchBucket": "the bucket is missing: slipway up makes it again, without what it held",
    "AccessDenied": "this key may not do that: slipway up sets the store's policy right",
    "InvalidAccessKeyId": "the store does not know this key: slipway up sets it right",
    "SignatureDoesNotMatch": "the store has another key: slipway up sets it right",
    "404": "the bucket is missing: slipway up makes it again, without what it held",
    "403": "this key may not do that: slipway up sets the store's policy right",
    "RequestTimeTooSkewed": "this pod's and the store's clocks differ: set both right (NTP); run it again",
    "NoSuchKey": "it is not there (any more): slipway backup list",
    "InternalError": "the store itself has failed: see its log, then run it again",
    "InsufficientStorage": "the store's disk is full: make it larger, or keep backups for fewer days",
    "QuotaExceeded": "the store is full: make it larger, or keep backups for fewer days",
}


@dataclass(frozen=True)
class Listed:
    """An object as a listing tells it."""

    key: str
    bytes: int
    modified: datetime


@dataclass(frozen=True)
class Deleted:
    """An object that was deleted then, and what keeps it: versions first, markers of deletion last."""

    key: str
    moment: datetime
    versions: tuple[str, ...]


class Store:
    """One stack's part of the bucket: every key begins with the stack's name. Raises UserError throughout."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @cached_property
    def _client(self) -> Any:
        authority = self.config.ca_file
        if authority and not authority.is_file():
            raise UserError.of(
                "BACKUP_CA_FILE", f"{authority} is not there", "slipway up gives it to this pod"
            )
        return boto3.Session().client(
            "s3",
            endpoint_url=self.config.endpoint,
            region_name=self.config.region,
            verify=str(authority) if authority else None,
            config=Botocore(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"max_attempts": ATTEMPTS, "mode": "standard"},
                s3={"addressing_style": "path" if self.config.endpoint else "auto"},
                max_pool_connections=multipart.PARTS_AT_ONCE + 2,
            ),
        )

    def key(self, *parts: str) -> str:
        """``<stack>/<part>/…``."""
        return "/".join((self.config.stack, *parts))

    def list(self, *parts: str) -> Iterator[Listed]:
        """Every object below the parts, in the order of their keys."""
        prefix = self.key(*parts) + "/"
        with self._told(prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.config.bucket, Prefix=prefix
            ):
                for found in page.get("Contents", ()):
                    yield Listed(found["Key"], found["Size"], found["LastModified"])

    def get(self, key: str, most: int) -> bytes:
        """A small object, whole. Raises UserError where it has more than ``most`` bytes."""
        with self.open(key) as (stream, length):
            if length > most:
                raise UserError.of(key, f"has {length} bytes; at most {most} make sense", "remove it by hand")
            return stream.read()

    @contextmanager
    def open(self, key: str) -> Iterator[tuple[BinaryIO, int]]:
        """An object as a stream, and its length."""
        with self._told(key):
            answer = self._client.get_object(Bucket=self.config.bucket, Key=key)
            body = answer["Body"]
            try:
                yield body, answer["ContentLength"]
            finally:
                body.close()

    def put(self, key: str, data: bytes) -> None:
        """A small object in one request: there whole, or not at all."""
        with self._told(key):
            self._client.put_object(Bucket=self.config.bucket, Key=key, Body=data)

    def upload(self, key: str, source: multipart.Source) -> None:
        """A stream of any length: there whole, or not at all. Raises the stream's own errors too."""
        with self._told(key):
            multipart.send(self._client, self.config.bucket, key, source)

    def delete(self, key: str) -> None:
        """One object; it is no error where it is gone already."""
        with self._told(key):
            self._client.delete_object(Bucket=self.config.bucket, Key=key)

    def deleted(self) -> Iterator[Deleted]:
        """What is gone from a versioned bucket's listing and still takes room in it."""
        versions: dict[str, list[str]] = {}
        markers: dict[str, list[str]] = {}
        gone: dict[str, datetime] = {}
        prefix = self.key("")
        with self._told(prefix):
            pages = self._client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self.config.bucket, Prefix=prefix):
                for found in page.get("Versions", ()):
                    versions.setdefault(found["Key"], []).append(found["VersionId"])
                for found in page.get("DeleteMarkers", ()):
                    markers.setdefault(found["Key"], []).append(found["VersionId"])
                    if found["IsLatest"]:
                        gone[found["Key"]] = found["LastModified"]
        for key, moment in gone.items():
            yield Deleted(key, moment, (*versions.get(key, ()), *markers[key]))

    def delete_version(self, key: str, version: str) -> None:
        """One version for good."""
        with self._told(key):
            self._client.delete_object(Bucket=self.config.bucket, Key=key, VersionId=version)

    def unfinished(self) -> Iterator[tuple[str, str, datetime]]:
        """Uploads that were begun and never finished: key, upload's id, begin."""
        prefix = self.key("")
        with self._told(prefix):
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.config.bucket, Prefix=prefix):
                for found in page.get("Uploads", ()):
                    yield found["Key"], found["UploadId"], found["Initiated"]

    def abort(self, key: str, upload: str) -> None:
        """Forget an unfinished upload and its parts."""
        with self._told(key):
            self._client.abort_multipart_upload(Bucket=self.config.bucket, Key=key, UploadId=upload)

    def now(self) -> datetime:
        """The store's own clock, by the Date of its answer (RFC 9110, 6.6.1)."""
        with self._told(f"bucket {self.config.bucket}"):
            answer = self._client.head_bucket(Bucket=self.config.bucket)
            return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    @contextmanager
    def _told(self, where: str) -> Iterator[None]:
        """The library's errors in our words; a key's id or secret is in none of them."""
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            said = error.response.get("Error", {}).get("Message", "")
            remedy = REMEDIES.get(code, "see the store's own log, then run it again")
            what = f"the store refuses {error.operation_name}: {code} {said}".rstrip()
            raise UserError.of(where, what, remedy) from error
        except BotoCoreError as error:
            what = f"the store cannot be asked: {error}"
            raise UserError.of(where, what, "see that it runs: slipway status; then run it again") from error
