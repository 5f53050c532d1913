"""The types that are served, by their tokens: those that infra/components/aws declares, and no other."""

from __future__ import annotations

from collections.abc import Mapping

from infra.errors import UserError
from infra.sandbox.providers.aws.kinds import settings
from infra.sandbox.providers.aws.kinds.base import Kind
from infra.sandbox.providers.aws.kinds.bucket import Bucket
from infra.sandbox.providers.aws.kinds.grants import Attachment, Policy
from infra.sandbox.providers.aws.kinds.users import AccessKey, User
from infra.sandbox.providers.shared.urns import logical_name, type_token

ENCRYPTION = "BucketServerSideEncryptionConfiguration"
SERVED: Mapping[str, Kind] = {
    "aws:s3/bucket:Bucket": Bucket(),
    "aws:s3/bucketVersioning:BucketVersioning": settings.VERSIONING,
    f"aws:s3/{ENCRYPTION[0].lower()}{ENCRYPTION[1:]}:{ENCRYPTION}": settings.ENCRYPTION,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": settings.PUBLIC_ACCESS,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": settings.OWNERSHIP,
    "aws:s3/bucketPolicy:BucketPolicy": settings.POLICY,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": settings.LIFECYCLE,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": settings.LOCK,
    "aws:iam/user:User": User(),
    "aws:iam/accessKey:AccessKey": AccessKey(),
    "aws:iam/policy:Policy": Policy(),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": Attachment("user"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Attachment("role"),
}


def kind_of(urn: str) -> Kind:
    """The kind of a resource. Raises UserError for what this plugin does not do."""
    token = type_token(urn)
    if token not in SERVED:
        remedy = "use the official plugin and an account of AWS, or one of: " + ", ".join(sorted(SERVED))
        raise UserError.of(logical_name(urn), f"the sandbox's plugin does not serve {token}", remedy)
    return SERVED[token]
