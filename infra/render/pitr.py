"""Point-in-time recovery: pgBackRest's configuration and the variables of its pods.

The program is infra/backups/pitr; a test compares paths and variables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.render import backup_keys, backups, postgres
from infra.render.archive import CONFIG, FOLDER, STANZA
from infra.render.backup_keys import User
from infra.settings.backups import StoreKind
from infra.settings.model import Settings

TASK = "pitr"
JOB = backups.job_name(TASK)  # the CronJob whose Jobs restore the volume
CONTAINER = "pitr"
SET, POD = "postgres", "postgres-0"
PROGRAM = ("python3", "-m", "infra.backups.pitr")
AUTHORITY = "store.crt"
LOCKS = "/tmp/pgbackrest"  # noqa: S108  each container has its own
HTTPS_PORT = 443
PUBLIC_AUTHORITIES = "/opt/site/botocore/cacert.pem"  # the image has no others (infra/backups/Dockerfile)
# For each answer of the store; where it is away an attempt takes eight times that. PostgreSQL makes three
# before it stops: without the store a stop lasts as long as the pod's grace, and crash recovery follows.
ARCHIVER_TIMEOUT_SECONDS = 5
KEEPER_TIMEOUT_SECONDS = 60
PARALLEL = 2  # files of a base backup, or of a restore, at the same time


@dataclass(frozen=True)
class Login:
    """An access key of the store and its secret; None where the cloud knows the pod by itself."""

    access_key_id: str
    secret_access_key: str


def environment(settings: Settings) -> dict[str, str]:
    """Variables of the program; none is secret."""
    place, pitr = postgres.CONTAINER, settings.backups.pitr
    return {
        "PITR_CONFIG": f"{FOLDER}/{CONFIG}",
        "PITR_MOUNT": place.mount,
        "PITR_SCRATCH": place.private,
        "PITR_SOCKETS": place.sockets,
        "PITR_PORT": str(place.port),
        "PITR_BIN": place.bin,
        "PITR_FULL_SCHEDULE": pitr.full_schedule,
        "PITR_DIFF_SCHEDULE": pitr.diff_schedule,
        "PITR_TIME_ZONE": settings.backups.time_zone,
    }


def config(settings: Settings, user: User, key: str, login: Login | None) -> str:
    """pgBackRest's file for one store user. ``key`` is the secret ``backupKey``; the file is as secret."""
    place = postgres.CONTAINER
    options = {
        **_repository(settings, key, login),
        "repo1-retention-full": str(settings.backups.pitr.retention_full),
        "repo1-bundle": "y",
        "compress-type": "zst",
        "compress-level": "3",
        "process-max": "1" if user is User.ARCHIVER else str(PARALLEL),
        "start-fast": "y",
        "archive-async": "n",
        "io-timeout": str(ARCHIVER_TIMEOUT_SECONDS if user is User.ARCHIVER else KEEPER_TIMEOUT_SECONDS),
        "lock-path": LOCKS,
        "log-level-file": "off",
        "log-level-console": "off",
        "log-level-stderr": "warn",
    }
    stanza = {"pg1-path": place.data, "pg1-socket-path": place.sockets, "pg1-port": str(place.port)}
    sections = {"global": options, STANZA: stanza}
    return "".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
        for name, values in sections.items()
    )


def files(settings: Settings, user: User) -> dict[str, Callable[[str, Login | None], str]]:
    """The files of FOLDER, each made of the secret ``backupKey`` and the user's login."""
    made: dict[str, Callable[[str, Login | None], str]] = {
        CONFIG: lambda key, login: config(settings, user, key, login)
    }
    if settings.backups.store.kind is StoreKind.CLUSTER:
        host = backups.store_host(settings)
        made[AUTHORITY] = lambda key, _login: backup_keys.store_certificate(key, host).certificate
    return made


def _repository(settings: Settings, key: str, login: Login | None) -> dict[str, str]:
    """Where it is. A new key begins a new repository: the old one stays readable with the old key."""
    kind = settings.backups.store.kind
    region = backups.region(settings)
    address = urlsplit(backups.endpoint(settings) or f"https://s3.{region}.amazonaws.com")
    authority = f"{FOLDER}/{AUTHORITY}" if kind is StoreKind.CLUSTER else PUBLIC_AUTHORITIES
    credentials = (
        {"repo1-s3-key": login.access_key_id, "repo1-s3-key-secret": login.secret_access_key}
        if login
        else {"repo1-s3-key-type": "web-id"}  # the role of the pod's service account (EKS)
    )
    return {
        "repo1-type": "s3",
        "repo1-path": f"/{settings.stack}/{backups.PITR}/{backup_keys.pitr_id(key)}",
        "repo1-s3-bucket": backups.bucket(settings),
        "repo1-s3-endpoint": address.hostname or "",
        "repo1-storage-port": str(address.port or HTTPS_PORT),
        "repo1-s3-region": region,
        "repo1-s3-uri-style": "host" if kind is StoreKind.AWS else "path",
        "repo1-storage-ca-file": authority,
        **credentials,
        "repo1-cipher-type": "aes-256-cbc",
        "repo1-cipher-pass": backup_keys.pitr_pass(key),
    }
