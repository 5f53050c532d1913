"""The policy documents: what each user may do, and that nobody comes without TLS. Pure data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.components.aws.arguments import User

VERSION = "2012-10-17"  # of the policy language, the newest
# Of the bucket as a whole. HeadBucket and ListObjectsV2 are both ListBucket.
LOOK = ("s3:GetBucketLocation", "s3:ListBucket")
ON_BUCKET: Mapping[User, tuple[str, ...]] = {
    User.WRITER: (*LOOK, "s3:ListBucketMultipartUploads"),
    User.KEEPER: (*LOOK, "s3:ListBucketVersions"),
    User.READER: LOOK,
}
# Of the stack's objects. Parts of an upload are put by PutObject too.
ON_OBJECTS: Mapping[User, tuple[str, ...]] = {
    User.WRITER: ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"),
    User.KEEPER: ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion"),
    User.READER: ("s3:GetObject", "s3:GetObjectVersion"),
}
DRILLS = "drills"  # the drill's records, below the stack's prefix
# A multipart upload decrypts its own parts when it is completed.
ON_KEY: Mapping[User, tuple[str, ...]] = {
    User.WRITER: ("kms:Decrypt", "kms:GenerateDataKey"),
    User.KEEPER: ("kms:Decrypt",),
    User.READER: ("kms:Decrypt", "kms:GenerateDataKey"),
}


def for_user(user: User, bucket_arn: str, stack: str, kms_key: str | None) -> str:
    """What ``user`` may do, and nothing else."""
    statements = [
        _allow("Bucket", ON_BUCKET[user], bucket_arn),
        _allow("Objects", ON_OBJECTS[user], f"{bucket_arn}/{stack}/*"),
    ]
    if user is User.READER:
        statements.append(_allow("Drills", ("s3:PutObject",), f"{bucket_arn}/{stack}/{DRILLS}/*"))
    if kms_key:
        statements.append(_allow("Key", ON_KEY[user], kms_key))
    return _document(statements)


def tls_only(bucket_arn: str) -> str:
    """The bucket's own policy: whoever comes without TLS is refused, whatever else they may do."""
    return _document(
        [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, f"{bucket_arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
    )


def _allow(sid: str, actions: tuple[str, ...], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": VERSION, "Statement": statements})
