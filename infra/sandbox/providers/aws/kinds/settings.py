"""The settings of a bucket, each a resource of its own: put whole, got whole, known by the bucket."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import ClientError

from infra.sandbox.providers.aws import documents
from infra.sandbox.providers.aws.casing import from_api, to_api
from infra.sandbox.providers.aws.clients import Clients
from infra.sandbox.providers.aws.kinds.base import Call, Kind, absent
from infra.sandbox.providers.aws.kinds.bucket import NO_BUCKET
from infra.sandbox.providers.shared.values import Object

BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
LOCKED = {"ObjectLockEnabled": "Enabled"}


class Setting(Kind):
    """One setting. Its id is the bucket's name."""

    fixed = ("bucket",)
    place = ("bucket",)

    def __init__(self, call: Call, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
        self.call = call
        self.required, self.optional = ("bucket", *required), optional

    def create(self, clients: Clients, inputs: Object) -> tuple[str, Object]:
        self._put(clients, inputs["bucket"], inputs)
        return inputs["bucket"], {}

    def read(self, clients: Clients, identity: str, known: Object) -> Object | None:
        try:
            answer = getattr(clients.s3, self.call.get)(Bucket=identity)
        except ClientError as error:
            if absent(error, self.call.none, *NO_BUCKET):
                return None
            raise
        body = {k: v for k, v in answer.items() if k != "ResponseMetadata"}
        found = self.call.take(body if self.call.flat else body.get(self.call.body, {}))
        if found is None:
            return None
        if "policy" in found:
            found["policy"] = documents.kept(found["policy"], known.get("policy"))
        return {"bucket": identity, **found}

    def update(self, clients: Clients, identity: str, old: Object, new: Object) -> None:
        self._put(clients, identity, new)

    def delete(self, clients: Clients, identity: str, known: Object) -> None:
        try:
            self._remove(clients, identity)
        except ClientError as error:
            if not absent(error, self.call.none, *NO_BUCKET):
                raise

    def _remove(self, clients: Clients, bucket: str) -> None:
        getattr(clients.s3, self.call.delete)(Bucket=bucket)

    def _put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        getattr(clients.s3, self.call.put)(Bucket=bucket, **{self.call.body: self.call.write(inputs)})


class Lasting(Setting):
    """A setting that S3 has no deletion for: it is put back to what comes nearest to none."""

    def __init__(
        self, call: Call, rest: Object, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> None:
        super().__init__(call, required, optional)
        self.rest = rest

    def _remove(self, clients: Clients, bucket: str) -> None:
        getattr(clients.s3, self.call.put)(Bucket=bucket, **{self.call.body: self.rest})


def _members(*names: str) -> tuple[Callable[[Object], object], Callable[[Object], Object | None]]:
    """Inputs whose names are members of the body."""
    return (
        lambda inputs: to_api({name: inputs[name] for name in names if name in inputs}),
        lambda body: {k: v for k, v in from_api(body).items() if k in names} or None,
    )


def _versioning(body: Object) -> Object | None:
    found = {k: v for k, v in from_api(body).items() if k in {"status", "mfaDelete"}}
    return {"versioningConfiguration": found} if found.get("status") else None


def _lock(body: Object) -> Object | None:
    retention = from_api(body.get("Rule", {}).get("DefaultRetention", {}))
    told = {k: v for k, v in retention.items() if v}  # years: 0 beside days is how some servers say none
    return {"objectLockEnabled": "Enabled", "rule": {"defaultRetention": told}} if told else None


VERSIONING = Lasting(
    Call(
        put="put_bucket_versioning",
        get="get_bucket_versioning",
        delete="",
        body="VersioningConfiguration",
        none="",
        write=lambda inputs: to_api(inputs["versioningConfiguration"]),
        take=_versioning,
        flat=True,
    ),
    {"Status": "Suspended"},
    ("versioningConfiguration",),
)
ENCRYPTION = Setting(
    Call(
        "put_bucket_encryption",
        "get_bucket_encryption",
        "delete_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        *_members("rules"),
    ),
    ("rules",),
)
PUBLIC_ACCESS = Setting(
    Call(
        "put_public_access_block",
        "get_public_access_block",
        "delete_public_access_block",
        "PublicAccessBlockConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        *_members(*BLOCKS),
    ),
    (),
    BLOCKS,
)
OWNERSHIP = Setting(
    Call(
        "put_bucket_ownership_controls",
        "get_bucket_ownership_controls",
        "delete_bucket_ownership_controls",
        "OwnershipControls",
        "OwnershipControlsNotFoundError",
        lambda inputs: {"Rules": [to_api(inputs["rule"])]},
        lambda body: {"rule": from_api(body["Rules"][0])} if body.get("Rules") else None,
    ),
    ("rule",),
)
POLICY = Setting(
    Call(
        "put_bucket_policy",
        "get_bucket_policy",
        "delete_bucket_policy",
        "Policy",
        "NoSuchBucketPolicy",
        lambda inputs: documents.text_of(inputs["policy"]),
        lambda body: {"policy": body["Policy"]},
        flat=True,
    ),
    ("policy",),
)
LIFECYCLE = Setting(
    Call(
        "put_bucket_lifecycle_configuration",
        "get_bucket_lifecycle_configuration",
        "delete_bucket_lifecycle",
        "LifecycleConfiguration",
        "NoSuchLifecycleConfiguration",
        *_members("rules"),
        flat=True,
    ),
    ("rules",),
)
LOCK = Lasting(
    Call(
        put="put_object_lock_configuration",
        get="get_object_lock_configuration",
        delete="",
        body="ObjectLockConfiguration",
        none="ObjectLockConfigurationNotFoundError",
        write=lambda inputs: {**LOCKED, **to_api({"rule": inputs["rule"]})},
        take=_lock,
    ),
    dict(LOCKED),
    ("rule",),
    ("objectLockEnabled",),
)
