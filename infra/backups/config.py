"""What the program is told: environment variables, and files for keys. infra/render/backups.py writes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

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
    "BACKUP_MODULES": "the service's modules, separated by commas",
    "DATABASE_URL": "the database as its owner",
    "DATABASE_SERVICE_ROLE": "the role that the service connects with",
    "REDIS_URL": "the cache; empty where it is not backed up",
}
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
    modules: tuple[str, ...]
    database_url: str | None
    service_role: str
    redis_url: str | None

    @property
    def signing_key(self) -> bytes:
        """The key of the manifests' signatures."""
        return (self.keys / SIGNING_KEY).read_bytes().strip()


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
    "DATABASE_SERVICE_ROLE": "service",
    "AWS_REGION": "us-east-1",
}
REQUIRED = ("BACKUP_STACK", "BACKUP_BUCKET")


def load(environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of this process. Raises UserError with every variable that is missing or wrong."""
    found = {name: environment.get(name) or DEFAULTS.get(name, "") for name in VARIABLES}
    problems = [
        Problem(name, "is not set", f"it is {VARIABLES[name]}") for name in REQUIRED if not found[name]
    ]
    numbers: dict[str, int] = {}
    for name in (
        "BACKUP_RETENTION_DAYS",
        "BACKUP_KEEP_WEEKLY",
        "BACKUP_KEEP_MONTHLY",
        "BACKUP_DEADLINE_SECONDS",
    ):
        if found[name].isascii() and found[name].isdigit():
            numbers[name] = int(found[name])
        else:
            problems.append(Problem(name, f"{found[name]!r} is no whole number", f"it is {VARIABLES[name]}"))
    for name, words in (("BACKUP_COMPRESSION", list(Compression)), ("BACKUP_ENCRYPTION", list(Encryption))):
        if found[name] not in words:
            problems.append(Problem(name, f"{found[name]!r} is unknown", f"one of: {', '.join(words)}"))
    if problems:
        raise UserError(problems)
    return Config(
        stack=found["BACKUP_STACK"],
        bucket=found["BACKUP_BUCKET"],
        endpoint=found["BACKUP_ENDPOINT"] or None,
        ca_file=Path(found["BACKUP_CA_FILE"]) if found["BACKUP_CA_FILE"] else None,
        region=found["AWS_REGION"],
        keys=Path(found["BACKUP_KEYS"]),
        compression=Compression(found["BACKUP_COMPRESSION"]),
        encryption=Encryption(found["BACKUP_ENCRYPTION"]),
        scratch=Path(found["BACKUP_SCRATCH"]),
        configuration=Path(found["BACKUP_CONFIGURATION"]) if found["BACKUP_CONFIGURATION"] else None,
        time_zone=ZoneInfo(found["BACKUP_TIME_ZONE"]),
        retention_days=numbers["BACKUP_RETENTION_DAYS"],
        keep_weekly=numbers["BACKUP_KEEP_WEEKLY"],
        keep_monthly=numbers["BACKUP_KEEP_MONTHLY"],
        deadline_seconds=numbers["BACKUP_DEADLINE_SECONDS"],
        modules=tuple(filter(None, found["BACKUP_MODULES"].split(","))),
        database_url=found["DATABASE_URL"] or None,
        service_role=found["DATABASE_SERVICE_ROLE"],
        redis_url=found["REDIS_URL"] or None,
    )
