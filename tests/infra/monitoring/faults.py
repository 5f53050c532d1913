"""Faults of the service, its stores and its backups; those of what is around it stand in faults_around.py."""

from __future__ import annotations

from tests.infra.monitoring import faults_around, series, stacks
from tests.infra.monitoring.fault import Fault, nearly_full
from tests.infra.monitoring.series import (
    AVAILABLE,
    COUNT,
    CRASHING,
    FAILED,
    GONE,
    OK,
    STATEFUL_READY,
    UNREADY,
    UP,
    Level,
    Rate,
    name,
    within,
)

DATABASE = {"datname": stacks.full().postgres.database}
SERVICE = {
    "no replica is available": Fault(("ServiceDown",), {AVAILABLE: Level(0)}, 5),
    "the Deployment is deleted": Fault(
        ("ServiceDown",),
        {AVAILABLE: GONE, name("kube_deployment_spec_replicas", deployment="service"): GONE},
        5,
    ),
    "all replicas are removed for long": Fault(
        ("ServiceDown", "ServiceNotWatched", "DeploymentReplicasUnavailable"),
        {
            AVAILABLE: Level(0),
            UP: GONE,
            OK: GONE,
            COUNT: GONE,
            name("service_info", **series.REPLICA, version="1", environment="production"): GONE,
        },
        14,
    ),
    "a replica says that it is not healthy": Fault(("ServiceHealthFails",), {UNREADY: Rate(0.2)}, 6),
    "a replica does not answer at all": Fault(("ServiceHealthFails",), {UP: Level(0)}, 6),
    "half of the requests fail": Fault(("ServiceErrors",), {OK: Rate(1), FAILED: Rate(1)}, 6, calm=75),
    "half of the requests fail for ten minutes": Fault(
        ("ServiceErrors",), {OK: Rate(1), FAILED: Rate(1)}, 10, calm=75
    ),
    "a tenth of the requests takes longer than ten seconds": Fault(
        ("ServiceSlow",), {within(0.2): Rate(1.8), within(10.0): Rate(1.8)}, 8
    ),
    "all requests take longer than ten seconds": Fault(
        ("ServiceSlow",), {within(0.2): Rate(0), within(10.0): Rate(0)}, 20, calm=75
    ),
    "the pool is used up": Fault(
        ("ServicePoolExhausted",),
        {name("database_pool_connections", **series.REPLICA, state="in_use"): Level(55)},
    ),
    "events are dropped": Fault(
        ("ServiceEventsDropped",), {name("events_dropped_total", **series.REPLICA): Rate(0.1)}
    ),
}
STORES = {
    "PostgreSQL is killed": Fault(
        (
            "DatabaseDown",
            "ServiceDown",
            "ServiceHealthFails",
            "StatefulSetNotReady",
            "PodCrashLoops",
            "DeploymentReplicasUnavailable",
            "ServiceErrors",
        ),
        {
            name("pg_up"): Level(0),
            AVAILABLE: Level(0),
            UNREADY: Rate(0.2),
            STATEFUL_READY: Level(0),
            CRASHING: Level(1),
            OK: Rate(0),
            FAILED: Rate(2),
        },
        14,
        calm=75,
    ),
    "PostgreSQL's volume is full": Fault(
        ("DatabaseVolumeNearlyFull", "DatabaseDown"),
        {series.free("data-postgres-0"): Level(0), name("pg_up"): Level(0)},
        5,
    ),
    "PostgreSQL's volume is nearly full": nearly_full("DatabaseVolumeNearlyFull", "data-postgres-0"),
    "too many connections": Fault(
        ("DatabaseConnectionsNearLimit",),
        {name("pg_stat_activity_count", **DATABASE, state="active"): Level(260)},
    ),
    "a transaction is left open": Fault(
        ("DatabaseTransactionIdle",),
        {name("pg_stat_activity_max_tx_duration", **DATABASE, state="idle in transaction"): Level(901)},
    ),
    "transactions block one another": Fault(
        ("DatabaseDeadlocks",), {name("pg_stat_database_deadlocks", **DATABASE): Rate(0.01)}
    ),
    "Redis is stopped": Fault(
        ("CacheDown", "StatefulSetNotReady"), {name("redis_up"): Level(0), STATEFUL_READY: Level(0)}, 12
    ),
    "Redis' volume is nearly full": nearly_full("CacheVolumeNearlyFull", "data-redis-0"),
    "Redis cannot write its file": Fault(
        ("CacheNotPersisted",), {name("redis_aof_last_write_status"): Level(0)}
    ),
    "Redis cannot rewrite its file": Fault(
        ("CacheNotPersisted",), {name("redis_aof_last_bgrewrite_status"): Level(0)}
    ),
    "Redis' memory is full": Fault(("CacheMemoryFull",), {name("redis_memory_used_bytes"): Level(9.6e7)}, 15),
}
BACKUPS = {
    "a backup is skipped": Fault(
        ("BackupTooOld",),
        {name("backup_last_success_timestamp_seconds", kind="daily"): Rate(0)},
        1610,
        calm=1,
        step=300,
    ),
    "no drill succeeds": Fault(
        ("BackupNotVerified",),
        {name("backup_last_verified_timestamp_seconds"): Rate(0)},
        1610,
        calm=1,
        step=300,
    ),
    "the bucket is emptied": Fault(
        ("BackupMissing",),
        {
            name("backup_last_success_timestamp_seconds", kind="daily"): GONE,
            name("backup_last_verified_timestamp_seconds"): GONE,
            name("backup_drill_success"): GONE,
        },
        1600,
        calm=1,
        step=300,
    ),
    "a drill fails": Fault(("BackupDrillFailed",), {name("backup_drill_success"): Level(0)}),
    "the store is away": Fault(("BackupStoreUnreachable",), {name("backup_store_reachable"): Level(0)}, 20),
    "the exporter of backups is away": Fault(
        ("BackupExporterAbsent",), {name("backup_store_reachable"): GONE}, 20
    ),
    "the archive refuses segments": Fault(
        ("BackupArchiveFails",), {name("pg_stat_archiver_failed_count"): Rate(0.05)}
    ),
    "the archive refuses segments for long": Fault(
        ("BackupArchiveFails", "BackupArchiveLags"),
        {
            name("pg_stat_archiver_failed_count"): Rate(0.05),
            name("pg_stat_archiver_last_archive_age"): Level(400),
        },
    ),
    "the archive lags": Fault(
        ("BackupArchiveLags",), {name("pg_stat_archiver_last_archive_age"): Level(331)}
    ),
}
FAULTS = {
    **SERVICE,
    **STORES,
    **BACKUPS,
    **faults_around.CLUSTER,
    **faults_around.MONITORING,
    **faults_around.LOGS,
}
