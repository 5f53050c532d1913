"""What is decided about the backups' bucket, typed and frozen; bucket.py makes it so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from infra.errors import Problem, UserError
from infra.render.backup_keys import User
from infra.render.backups import OF_BACKUPS

# The partition differs by part of the world: aws, aws-cn, aws-us-gov.
KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:[\w+=,.@-]+/)*(?P<name>[\w+=,.@-]{1,64})")
NONCURRENT_DAYS = 30  # as long as backups themselves are kept: a deletion by mistake is noticed in that time
UNFINISHED_DAYS = 7  # no dump takes so long; S3 counts in whole days


class LockMode(StrEnum):
    """Who may delete an object's version before its lock ends?"""

    GOVERNANCE = "GOVERNANCE"  # whoever has the right to bypass it
    COMPLIANCE = "COMPLIANCE"  # nobody, not even the account's root


@dataclass(frozen=True)
class Account:
    """Where at AWS. endpoint: URL of another server for S3 and IAM (for tests: moto's on this machine)."""

    region: str
    endpoint: str | None = None


@dataclass(frozen=True)
class BucketArguments:
    """The bucket. Whole days throughout.

    kms_key: ARN of the key that encrypts; None: S3's own (AES256). noncurrent_days: how long what was deleted
    or overwritten can be had back. expire_days: a ceiling for what the retention does not delete, None for no
    such ceiling: S3 does not know which backup is the last good one, and would take that too.
    lock_days: how long no version can be deleted (object lock); None: no lock, and none later without a new
    bucket. users: who has a policy, and an access key unless ``roles`` has the ARN of an IAM role instead.
    protected: Pulumi deletes nothing of it, not even an empty bucket, until `pulumi state unprotect`.
    """

    bucket: str
    kms_key: str | None = None
    noncurrent_days: int = NONCURRENT_DAYS
    unfinished_days: int = UNFINISHED_DAYS
    expire_days: int | None = None
    lock_days: int | None = None
    lock_mode: LockMode = LockMode.GOVERNANCE
    users: tuple[User, ...] = OF_BACKUPS
    roles: Mapping[User, str] = field(default_factory=dict)
    protected: bool = False

    def __post_init__(self) -> None:
        problems = [
            Problem(f"backups.store.{name}", f"{days} is no number of days", "at least 1")
            for name in ("noncurrent_days", "unfinished_days", "expire_days", "lock_days")
            if (days := getattr(self, name)) is not None and days < 1
        ]
        if self.kms_key is not None and not KEY_ARN.fullmatch(self.kms_key):
            remedy = "its ARN is needed, not an alias: arn:aws:kms:REGION:ACCOUNT:key/ID"
            problems.append(Problem("backups.store.kms_key", f"{self.kms_key!r} is no key's ARN", remedy))
        for user, arn in self.roles.items():
            if not ROLE_ARN.fullmatch(arn):
                where, remedy = (
                    f"backups.store.roles.{user}",
                    "it has the form arn:aws:iam::ACCOUNT:role/NAME",
                )
                problems.append(Problem(where, f"{arn!r} is no role's ARN", remedy))
        if problems:
            raise UserError(problems)


def role_name(arn: str) -> str:
    """The name at the end of a role's ARN."""
    found = ROLE_ARN.fullmatch(arn)
    return found["name"] if found else arn
