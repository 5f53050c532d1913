"""What the pods of backups are told: variables, arguments, the bucket's policy, the store's start script.

The variables are those of infra/backups/config.py; a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from infra.render import archive, backup_keys, postgres, redis, service
from infra.render.backup_keys import User
from infra.render.environment import render
from infra.settings.backups import StoreKind
from infra.settings.model import Settings

PROGRAM = ("python3", "-m", "infra.backups")
EXPORTER = "backup-exporter"
EXPORTER_PORT = 9187
METRICS_PATH = "/metrics"
KEYS = "/run/slipway/backups"
AUTHORITY = "store.crt"  # among the keys: the certificate of the store in the cluster
SCRATCH = "/scratch"
CONFIGURATION = "/etc/slipway/configuration"
DATABASE_URL, REDIS_URL = "DATABASE_URL", "REDIS_URL"
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
SECRET_VARIABLES = (DATABASE_URL, REDIS_URL, ACCESS_KEY_ID, SECRET_ACCESS_KEY)
STORE = "object-store"
PITR = "pitr"  # the folder below <stack>/ that is pgBackRest's alone
STORE_REGION = "us-east-1"  # versitygw's own, which signatures name
STORE_PORT = 7070
STORE_DATA, STORE_CONFIG, STORE_SECRETS = "/data", "/etc/slipway/store", "/run/slipway/store"
STORE_HEALTH = "/health"
STORE_WAIT_SECONDS = 60  # the store's own start, before its bucket is prepared
LOCK_MODE = "COMPLIANCE"  # not even the account's owner shortens it (S3, "Object Lock")
_LIST = ("s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation")
_READ = ("s3:GetObject", "s3:ListMultipartUploadParts")

# Who may do what below <stack>/; a drill's record is all that a reader may write.
OBJECT_ACTIONS: Mapping[User, tuple[str, ...]] = MappingProxyType(
    {
        User.WRITER: (*_READ, "s3:PutObject", "s3:AbortMultipartUpload"),
        User.KEEPER: (*_READ, "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"),
        User.READER: _READ,
        User.ARCHIVER: (*_READ, "s3:PutObject", "s3:AbortMultipartUpload"),
        User.PITR: (*_READ, "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"),
    }
)
OF_PITR = frozenset({User.ARCHIVER, User.PITR})
OF_BACKUPS = tuple(user for user in OBJECT_ACTIONS if user not in OF_PITR)
BUCKET_ACTIONS: Mapping[User, tuple[str, ...]] = MappingProxyType(
    {
        User.WRITER: _LIST,
        User.KEEPER: (*_LIST, "s3:ListBucketVersions"),
        User.READER: _LIST,
        User.ARCHIVER: _LIST,
        User.PITR: _LIST,
    }
)


def users(settings: Settings) -> tuple[User, ...]:
    """Who asks the stack's store: the archive's two only where there is one."""
    return tuple(OBJECT_ACTIONS) if archive.wanted(settings) else OF_BACKUPS


def job_name(task: str) -> str:
    """The CronJob of a task, which kubectl makes Jobs of: ``backup-database``."""
    return f"backup-{task}"


def environment(settings: Settings) -> dict[str, str]:
    """Variables without secrets."""
    backups, elsewhere = settings.backups, settings.images.service or settings.released.image
    return {
        "BACKUP_STACK": str(settings.stack),
        "BACKUP_BUCKET": bucket(settings),
        "BACKUP_ENDPOINT": endpoint(settings),
        "BACKUP_CA_FILE": f"{KEYS}/{AUTHORITY}" if _in_the_cluster(settings) else "",
        "AWS_REGION": region(settings),
        "BACKUP_KEYS": KEYS,
        "BACKUP_COMPRESSION": backups.compression.value,
        "BACKUP_ENCRYPTION": backups.encryption.value,
        "BACKUP_SCRATCH": SCRATCH,
        "BACKUP_CONFIGURATION": CONFIGURATION,
        "BACKUP_TIME_ZONE": backups.time_zone,
        "BACKUP_RETENTION_DAYS": str(backups.retention_days),
        "BACKUP_KEEP_WEEKLY": str(backups.keep_weekly),
        "BACKUP_KEEP_MONTHLY": str(backups.keep_monthly),
        "BACKUP_DEADLINE_SECONDS": str(backups.deadline_minutes * 60),
        "BACKUP_REFRESH_SECONDS": str(backups.refresh_seconds),
        "BACKUP_MODULES": ",".join(settings.modules),
        # Of an image that was not built of this tree nobody here knows the migrations.
        "BACKUP_SCHEMA_HEAD": "" if elsewhere else service.schema_head(),
        "DATABASE_SERVICE_ROLE": settings.postgres.service_role,
    }


def bucket(settings: Settings) -> str:
    """The bucket's name; a rule sees to it that there is one."""
    return settings.backups.bucket or ""


def region(settings: Settings) -> str:
    """The bucket's region; a store that is there and names none is asked in the protocol's first one."""
    store = settings.backups.store
    return STORE_REGION if _in_the_cluster(settings) else store.region or STORE_REGION


def store_host(settings: Settings) -> str:
    """The name of the store in the cluster, which its certificate holds."""
    return f"{STORE}.{settings.namespace_name}.svc"


def endpoint(settings: Settings) -> str:
    """The store's address; empty for AWS's own."""
    if _in_the_cluster(settings):
        return f"https://{store_host(settings)}:{STORE_PORT}"
    return settings.backups.store.endpoint or ""


def _in_the_cluster(settings: Settings) -> bool:
    return settings.backups.store.kind is StoreKind.CLUSTER


def configuration(settings: Settings, version: str) -> dict[str, str]:
    """What a full backup keeps beside the data, without a secret: file name → text."""
    plain = service.environment(settings, version)
    return {
        **postgres.files(
            settings.postgres,
            more=archive.parameters(settings),
            monitored=settings.monitoring.enabled,
        ),
        **redis.files(settings.redis),
        "service.env": "".join(f"{key}={value}\n" for key, value in plain.items()),
        "settings.json": settings.model_dump_json(indent=1) + "\n",
    }


def key_files(settings: Settings, *, read: bool) -> dict[str, Callable[[str], str]]:
    """The files of BACKUP_KEYS, each made of the secret ``backupKey``. ``read``: with the identity, for
    those pods that read dumps."""
    host = store_host(settings)
    return {
        "signing-key": backup_keys.signing_key,
        "recipient": backup_keys.recipient,
        **({"identity": backup_keys.identity} if read else {}),
        **(
            {AUTHORITY: lambda key: backup_keys.store_certificate(key, host).certificate}
            if _in_the_cluster(settings)
            else {}
        ),
    }


def statements(user: User, bucket_arn: str, stack: str) -> list[dict[str, Any]]:
    """What ``user`` may do, as the statements of a policy (IAM, version 2012-10-17) without a principal."""
    folder = f"{stack}/{PITR}" if user in OF_PITR else stack
    rows = [
        ("Bucket", BUCKET_ACTIONS[user], bucket_arn),
        ("Objects", OBJECT_ACTIONS[user], f"{bucket_arn}/{folder}/*"),
    ]
    if user is User.READER:
        rows.append(("Drills", ("s3:PutObject",), f"{bucket_arn}/{stack}/drills/*"))
    return [
        {"Sid": f"{user.title()}{sid}", "Effect": "Allow", "Action": list(actions), "Resource": resource}
        for sid, actions, resource in rows
    ]


def policy(bucket: str, stack: str, principals: Mapping[User, Iterable[str]]) -> str:
    """The bucket's policy as JSON: each user's statements for its principals."""
    rows = [
        {**statement, "Principal": {"AWS": list(names)}}
        for user, names in principals.items()
        for statement in statements(user, f"arn:aws:s3:::{bucket}", stack)
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": rows}, indent=1) + "\n"


def files(settings: Settings) -> dict[str, str]:
    """Everything without a secret, as the golden files show it."""
    variables = "".join(f"{key}={value}\n" for key, value in environment(settings).items())
    return {"environment": variables, **store_files(settings)}


def store_files(settings: Settings) -> dict[str, str]:
    """The files of the store in the cluster: its start script and its bucket's policy."""
    users: dict[User, list[str]] = {user: [user.value] for user in OBJECT_ACTIONS}
    return {
        "start.sh": render(
            "backups/store.sh.j2",
            data=STORE_DATA,
            config=STORE_CONFIG,
            secrets=STORE_SECRETS,
            port=STORE_PORT,
            health=STORE_HEALTH,
            root=User.ROOT.value,
            region=STORE_REGION,
            bucket=bucket(settings),
            lock_days=settings.backups.store.object_lock_days,
            lock_mode=LOCK_MODE,
            wait_seconds=STORE_WAIT_SECONDS,
        ),
        "policy.json": policy(bucket(settings), str(settings.stack), users),
    }


def store_secrets(settings: Settings) -> dict[str, Callable[[str], str]]:
    """Its secret files, each made of the secret ``backupKey``."""
    host = store_host(settings)
    return {
        "tls.crt": lambda key: backup_keys.store_certificate(key, host).certificate,
        "tls.key": lambda key: backup_keys.store_certificate(key, host).key,
        "root-secret": lambda key: backup_keys.user_secret(key, User.ROOT),
        "users.json": _accounts,
    }


def _accounts(key: str) -> str:
    """The users as versitygw keeps them (its auth/iam.go, version 1.8)."""
    accounts = {
        user.value: {
            "access": user.value,
            "secret": backup_keys.user_secret(key, user),
            "role": "user",
            "userID": 0,
            "groupID": 0,
            "projectID": 0,
        }
        for user in OBJECT_ACTIONS
    }
    return json.dumps({"accessAccounts": accounts})
