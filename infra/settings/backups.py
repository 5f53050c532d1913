"""Section ``backups``: when the database is dumped, where to, how long dumps stay, when one is rehearsed."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.access import HOST_PORT
from infra.settings.base import Memory, Resources, Schedule, Section, TimeZone
from infra.settings.pitr import Pitr


class StoreKind(StrEnum):
    """Who keeps the backups?"""

    CLUSTER = "cluster"
    AWS = "aws"
    S3 = "s3"


class Compression(StrEnum):
    """How is a dump compressed? The words of infra/backups/config.py; a test compares them."""

    ZSTD = "zstd"
    GZIP = "gzip"
    NONE = "none"


class Encryption(StrEnum):
    """How is a dump encrypted? The words of infra/backups/config.py; a test compares them."""

    AGE = "age"
    NONE = "none"


class Store(Section):
    """Where the bucket is."""

    kind: StoreKind = Field(
        StoreKind.CLUSTER,
        description="cluster: a store beside the service; aws: made in AWS; s3: one that is there already.",
    )
    endpoint: str | None = Field(
        None,
        pattern=rf"^https://[a-z0-9][a-z0-9.-]{{0,252}}(:({HOST_PORT}))?$",
        description="Address of a store that is there (kind s3); without it AWS's own.",
        examples=["https://s3.example.com"],
    )
    region: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]{0,31}$",
        description="Region of the bucket (kinds aws and s3).",
        examples=["ap-northeast-2"],
    )
    object_lock_days: int = Field(
        0, ge=0, le=3650, description="Days in which nobody can delete a backup; 0: no lock."
    )
    storage: Memory = Field("20Gi", description="Volume of the store in Mi or Gi (kind cluster).")
    storage_class: str | None = Field(
        None,
        min_length=1,
        description="StorageClass of that volume; the cluster's default without it.",
        examples=["fast-ssd"],
    )
    resources: Resources = Field(
        Resources(cpu_request="50m", memory_request="128Mi", memory_limit="512Mi"),
        description="CPU and memory of the store (kind cluster).",
    )


class Backups(Section):
    """Dumps to an S3 bucket, their retention, and the drill that restores the newest one."""

    enabled: bool = Field(False, description="Whether the database is dumped to the bucket.")
    store: Store = Field(Store(), description="Where the bucket is.")
    bucket: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
        description="S3 bucket (3 to 63 characters: lower-case letters, digits, hyphens).",
        examples=["ledger-backups"],
    )
    schedule: Schedule = Field(
        "0 3 * * *", description="Cron schedule of the dump: minute, hour, day, month, weekday."
    )
    full_schedule: Schedule = Field(
        "0 4 * * 0", description="Cron schedule of the weekly full backup: dump, files and configuration."
    )
    drill_schedule: Schedule = Field(
        "30 6 * * *",
        description="Cron schedule of the drill, which restores and checks the newest backup.",
    )
    retention_schedule: Schedule = Field(
        "0 9 * * *", description="Cron schedule of the retention, which removes what is kept no longer."
    )
    time_zone: TimeZone = Field("UTC", description="Time zone of the schedules (IANA name).")
    retention_days: int = Field(30, ge=1, le=3650, description="Days a backup is kept.")
    keep_weekly: int = Field(0, ge=0, le=520, description="Weeks whose last backup is kept longer.")
    keep_monthly: int = Field(0, ge=0, le=240, description="Months whose last backup is kept longer.")
    deadline_minutes: int = Field(
        120, ge=5, le=1440, description="Minutes a backup may take; drill and retention wait that long."
    )
    refresh_seconds: int = Field(
        60, ge=1, le=3600, description="Seconds between two readings of the store by the exporter."
    )
    compression: Compression = Field(
        Compression.ZSTD, description="Compression of the dump before it leaves the pod."
    )
    encryption: Encryption = Field(
        Encryption.AGE, description="Encryption of the dump before it leaves the pod."
    )
    scratch: Memory = Field(
        "10Gi", description="Disk in Mi or Gi that restore and drill may use: the dump and a database of it."
    )
    restore_jobs: int = Field(2, ge=1, le=16, description="Tables that a restore fills at the same time.")
    resources: Resources = Field(
        Resources(cpu_request="100m", memory_request="128Mi", memory_limit="256Mi"),
        description="CPU and memory of dump and retention; the size of the database does not matter.",
    )
    restore_resources: Resources = Field(
        Resources(cpu_request="200m", memory_request="256Mi", memory_limit="1Gi"),
        description="CPU and memory of restore and drill, which runs a PostgreSQL of its own.",
    )
    pitr: Pitr = Field(Pitr(), description="The archive from which a stack is restored to a second.")
