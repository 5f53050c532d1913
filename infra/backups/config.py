"""What the program is told: environment variables, and files for keys. infra/render/backups.py has them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.errors import Problem, UserError

# Name → what it holds. Those of AWS are boto3's own.
VARIABLES: Mapping[str, str] = {
    "BACKUP_STACK": "the stack, which is the first part of every object's key",
    "BACKUP_BUCKET": "the bucket",
    "BACKUP_ENDPOINT": "URL of the object store; empty for AWS",
    "BACKUP_CA_FILE": "the authority of the endpoint's certificate, PEM; empty for the public ones",
    "AWS_REGION": "region of the bucket",
    "AWS_ACCESS_KEY_ID": "who asks the store",
    "AWS_SECRET_ACCESS_KEY": "and its key",
    "BACKUP_KEYS": "folder with the files signing-key, recipient and, to read backups, identity",
    "BACKUP_COMPRESSION": "gzip, zstd or none",
    "BACKUP_ENCRYPTION": "age or none",
    "BACKUP_SCRATCH": "folder for what must be a file, such as a dump that is restored in parallel",
    "BACKUP_CONFIGURATION": "folder with the rendered configuration; empty where there is none",
    "BACKUP_TIME_ZONE": "time zone of days, weeks and months",
    "BACKUP_RETENTION_DAYS": "days a backup is kept",
    "BACKUP_KEEP_WEEKLY": "weeks of which the last backup stays longer",
    "BACKUP_KEEP_MONTHLY": "months of which the last backup stays longer",
    "BACKUP_DEADLINE_SECONDS": "seconds a backup may take; older remains are nobody's",
    "BACKUP_REFRESH_SECONDS": "seconds between two readings of the store by the exporter",
    "BACKUP_MODULES": "the service's modules, separated by commas",
    "DATABASE_URL": "the database as its owner",
    "DATABASE_SERVICE_ROLE": "the role that the service connects with",
    "REDIS_URL": "the cache; empty where it is not backed up",
}
KEY_REMEDY = "slipway up gives this pod its keys; they come from the secret backupKey"
SIGNING_KEY, RECIPIENT, IDENTITY = "signing-key", "recipient", "identity"


class Compression(StrEnum):
    """How is a dump compressed before it leaves the pod?"""

    GZIP = "gzip"
    ZSTD = "zstd"
    NONE = "none"


class Encryption(StrEnum):
    """How is a dump encrypted before it leaves the pod?"""

    AGE = "age"
    NONE = "none"


@dataclass(frozen=True)
class Config:
    """The variables, typed. Paths and URLs are None where they are empty."""

    stack: str
    bucket: str
    endpoint: str | None
    ca_file: Path | None
    region: str
    keys: Path
    compression: Compression
    encryption: Encryption
    scratch: Path
    configuration: Path | None
    time_zone: ZoneInfo
    retention_days: int
    keep_weekly: int
    keep_monthly: int
    deadline_seconds: int
    refresh_seconds: int
    modules: tuple[str, ...]
    database_url: str | None
    service_role: str
    redis_url: str | None

    @property
    def signing_key(self) -> bytes:
        """The key of the manifests' signatures. Raises UserError where there is none."""
        return self.key_file(SIGNING_KEY).read_bytes().strip()

    def key_file(self, name: str) -> Path:
        """One file of the keys' folder. Raises UserError where it is missing, empty or not to be read."""
        path = self.keys / name
        try:
            there = bool(path.read_bytes().strip())
        except OSError as error:
            raise UserError.of(str(path), f"cannot be read: {error.strerror}", KEY_REMEDY) from None
        if not there:
            raise UserError.of(str(path), "is empty", KEY_REMEDY)
        return path


DEFAULTS: Mapping[str, str] = {
    "BACKUP_KEYS": "/run/slipway/backups",
    "BACKUP_COMPRESSION": Compression.ZSTD.value,
    "BACKUP_ENCRYPTION": Encryption.AGE.value,
    "BACKUP_SCRATCH": "/scratch",
    "BACKUP_TIME_ZONE": "UTC",
    "BACKUP_RETENTION_DAYS": "30",
    "BACKUP_KEEP_WEEKLY": "0",
    "BACKUP_KEEP_MONTHLY": "0",
    "BACKUP_DEADLINE_SECONDS": "7200",
    "BACKUP_REFRESH_SECONDS": "60",
    "DATABASE_SERVICE_ROLE": "service",
    "AWS_REGION": "us-east-1",
}
REQUIRED = ("BACKUP_STACK", "BACKUP_BUCKET")


NUMBERS = (
    "BACKUP_RETENTION_DAYS",
    "BACKUP_KEEP_WEEKLY",
    "BACKUP_KEEP_MONTHLY",
    "BACKUP_DEADLINE_SECONDS",
    "BACKUP_REFRESH_SECONDS",
)
WORDS = {"BACKUP_COMPRESSION": Compression, "BACKUP_ENCRYPTION": Encryption}


def secrets(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The values that no line may ever show."""
    yield environment.get("AWS_SECRET_ACCESS_KEY", "")
    for name in ("DATABASE_URL", "REDIS_URL"):
        try:
            password = urlsplit(environment.get(name, "")).password or ""
        except ValueError:  # the address itself is the next step's problem
            password = ""
        yield from {password, unquote(password)}


def load(environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of this process. Raises UserError with every variable that is missing or wrong."""
    found = {name: environment.get(name) or DEFAULTS.get(name, "") for name in VARIABLES}
    problems = list(_problems(found))
    if problems:
        raise UserError(problems)
    return Config(
        stack=found["BACKUP_STACK"],
        bucket=found["BACKUP_BUCKET"],
        endpoint=found["BACKUP_ENDPOINT"] or None,
        ca_file=_path(found["BACKUP_CA_FILE"]),
        region=found["AWS_REGION"],
        keys=Path(found["BACKUP_KEYS"]),
        compression=Compression(found["BACKUP_COMPRESSION"]),
        encryption=Encryption(found["BACKUP_ENCRYPTION"]),
        scratch=Path(found["BACKUP_SCRATCH"]),
        configuration=_path(found["BACKUP_CONFIGURATION"]),
        time_zone=ZoneInfo(found["BACKUP_TIME_ZONE"]),
        retention_days=int(found["BACKUP_RETENTION_DAYS"]),
        keep_weekly=int(found["BACKUP_KEEP_WEEKLY"]),
        keep_monthly=int(found["BACKUP_KEEP_MONTHLY"]),
        deadline_seconds=int(found["BACKUP_DEADLINE_SECONDS"]),
        refresh_seconds=int(found["BACKUP_REFRESH_SECONDS"]),
        modules=tuple(filter(None, found["BACKUP_MODULES"].split(","))),
        database_url=found["DATABASE_URL"] or None,
        service_role=found["DATABASE_SERVICE_ROLE"],
        redis_url=found["REDIS_URL"] or None,
    )


def _problems(found: Mapping[str, str]) -> Iterator[Problem]:
    for name in REQUIRED:
        if not found[name]:
            yield Problem(name, "is not set", f"it is {VARIABLES[name]}")
    for name in NUMBERS:
        if not (found[name].isascii() and found[name].isdigit()):
            yield Problem(name, f"{found[name]!r} is no whole number", f"it is {VARIABLES[name]}")
    for name, words in WORDS.items():
        if found[name] not in set(words):
            yield Problem(name, f"{found[name]!r} is unknown", f"one of: {', '.join(words)}")
    try:
        ZoneInfo(found["BACKUP_TIME_ZONE"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        what = f"{found['BACKUP_TIME_ZONE']!r} is no time zone"
        yield Problem("BACKUP_TIME_ZONE", what, "a name as Asia/Seoul or UTC")


def _path(text: str) -> Path | None:
    return Path(text) if text else None
