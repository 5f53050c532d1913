"""The policy documents: what each user may do, and that nobody comes without TLS. Pure data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.render.backup_keys import User
from infra.render.backups import statements

VERSION = "2012-10-17"  # of the policy language, the newest
# A multipart upload decrypts its own parts when it is completed.
ON_KEY: Mapping[User, tuple[str, ...]] = {
    User.WRITER: ("kms:Decrypt", "kms:GenerateDataKey"),
    User.KEEPER: ("kms:Decrypt",),
    User.READER: ("kms:Decrypt", "kms:GenerateDataKey"),
    User.ARCHIVER: ("kms:Decrypt", "kms:GenerateDataKey"),
    User.PITR: ("kms:Decrypt", "kms:GenerateDataKey"),
}


def for_user(user: User, bucket_arn: str, stack: str, kms_key: str | None) -> str:
    """What ``user`` may do, and nothing else."""
    allowed = statements(user, bucket_arn, stack)
    if kms_key:
        key = {"Sid": "Key", "Effect": "Allow", "Action": list(ON_KEY[user]), "Resource": kms_key}
        allowed.append(key)
    return _document(allowed)


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


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": VERSION, "Statement": statements})
