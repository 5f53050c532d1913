"""The backups' bucket at AWS: encrypted, versioned, closed, and users with one task each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra import names
from infra.components.aws import documents
from infra.components.aws.arguments import BucketArguments, role_name
from infra.components.base import Component, Context
from infra.render.backup_keys import User

PATH = f"/{names.PROJECT}/"


@dataclass(frozen=True)
class AccessKey:
    """How a user signs its requests; the secret is marked secret."""

    id: pulumi.Output[str]
    secret: pulumi.Output[str]


class BackupBucket(Component):
    """Outputs: ``bucket`` (its name, known once all its settings are in force) and ``keys``.

    A user that a role stands for has no key. Deletion is refused while anything is in the bucket; its
    settings outlive a refused deletion, because they go with the bucket and not before it.
    """

    bucket: pulumi.Output[str]
    keys: Mapping[User, AccessKey]

    def __init__(
        self,
        name: str,
        context: Context,
        arguments: BucketArguments,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        protected = pulumi.ResourceOptions(protect=arguments.protected)  # of the children too
        super().__init__(name, context, pulumi.ResourceOptions.merge(opts, protected))
        self._tags = names.labels(name, context.stack)
        self._bucket = aws.s3.Bucket(
            name,
            bucket=arguments.bucket,
            force_destroy=False,
            object_lock_enabled=arguments.lock_days is not None,
            tags=self._tags,
            opts=self.options(),
        )
        settings = [*self._access(), self._encryption(arguments), *self._keeping(arguments)]
        self.bucket = pulumi.Output.all(self._bucket.bucket, *(part.id for part in settings)).apply(
            lambda known: str(known[0])
        )
        self.keys = {
            user: key
            for user in arguments.users
            if (key := self._grant(user, arguments.roles.get(user), arguments))
        }
        self.register_outputs({"bucket": self.bucket})

    def _setting(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return self.options(deleted_with=self._bucket, depends_on=list(after))

    def _access(self) -> list[pulumi.CustomResource]:
        """Who may come at all. One after the other: S3 refuses two such changes at the same time."""
        closed = aws.s3.BucketPublicAccessBlock(
            self.child("public-access"),
            bucket=self._bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._setting(),
        )
        owned = aws.s3.BucketOwnershipControls(
            self.child("ownership"),
            bucket=self._bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._setting(closed),
        )
        policy = aws.s3.BucketPolicy(
            self.child("policy"),
            bucket=self._bucket.bucket,
            policy=self._bucket.arn.apply(documents.tls_only),
            opts=self._setting(owned),
        )
        return [closed, owned, policy]

    def _encryption(self, arguments: BucketArguments) -> pulumi.CustomResource:
        chosen: dict[str, Any] = {"sse_algorithm": "AES256"}
        if arguments.kms_key:
            chosen = {"sse_algorithm": "aws:kms", "kms_master_key_id": arguments.kms_key}
        rule = {
            "apply_server_side_encryption_by_default": chosen,
            "bucket_key_enabled": bool(arguments.kms_key),  # one request to KMS for many objects
        }
        made: pulumi.CustomResource = aws.s3.BucketServerSideEncryptionConfiguration(
            self.child("encryption"), bucket=self._bucket.bucket, rules=[rule], opts=self._setting()
        )
        return made

    def _keeping(self, arguments: BucketArguments) -> list[pulumi.CustomResource]:
        """Versions, when S3 removes what, and what nobody may remove before its time."""
        versioning = aws.s3.BucketVersioning(
            self.child("versioning"),
            bucket=self._bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._setting(),
        )
        lifecycle = aws.s3.BucketLifecycleConfiguration(
            self.child("lifecycle"),
            bucket=self._bucket.bucket,
            rules=_rules(arguments),
            opts=self._setting(versioning),
        )
        if arguments.lock_days is None:
            return [versioning, lifecycle]
        lock = aws.s3.BucketObjectLockConfiguration(
            self.child("lock"),
            bucket=self._bucket.bucket,
            object_lock_enabled="Enabled",
            rule={"default_retention": {"mode": arguments.lock_mode.value, "days": arguments.lock_days}},
            opts=self._setting(versioning),
        )
        return [versioning, lifecycle, lock]

    def _grant(self, user: User, role: str | None, arguments: BucketArguments) -> AccessKey | None:
        """The user's rights, given to the role if there is one, else to an IAM user with an access key."""
        part, stack, kms_key = self.child(user.value), self.context.stack, arguments.kms_key
        iam_name = f"{stack}-backup-{user.value}"  # 64 characters at most; a stack's name has 38
        policy = aws.iam.Policy(
            part,
            name=iam_name,
            path=PATH,
            policy=self._bucket.arn.apply(lambda arn: documents.for_user(user, arn, stack, kms_key)),
            tags=self._tags,
            opts=self.options(),
        )
        if role:
            aws.iam.RolePolicyAttachment(
                part, role=role_name(role), policy_arn=policy.arn, opts=self.options()
            )
            return None
        made = aws.iam.User(part, name=iam_name, path=PATH, tags=self._tags, opts=self.options())
        attached = aws.iam.UserPolicyAttachment(
            part, user=made.name, policy_arn=policy.arn, opts=self.options()
        )
        key = aws.iam.AccessKey(part, user=made.name, opts=self.options(depends_on=[attached]))
        return AccessKey(key.id, pulumi.Output.secret(key.secret))


def _rules(arguments: BucketArguments) -> list[dict[str, Any]]:
    """What S3 removes by itself. The retention job decides about backups; this takes care of the remains."""
    remains: dict[str, Any] = {
        "id": "remains",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "noncurrent_version_expiration": {"noncurrent_days": arguments.noncurrent_days},
        "abort_incomplete_multipart_upload": {"days_after_initiation": arguments.unfinished_days},
        "expiration": {"expired_object_delete_marker": True},
    }
    if arguments.expire_days is None:
        return [remains]
    ceiling = {
        "id": "ceiling",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"days": arguments.expire_days},
    }
    return [remains, ceiling]
