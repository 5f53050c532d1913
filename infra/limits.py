"""Numbers that follow from other numbers, each with its rule and the rule's source. Bytes and millicores."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
UNITS = {"Mi": MIB, "Gi": 1024 * MIB}

# PostgreSQL 15 documentation, 20.4.1: a quarter of the memory of a dedicated server.
SHARED_BUFFERS_SHARE = 0.25
# 20.7.2: what is left to the page cache, which a container's memory limit includes.
EFFECTIVE_CACHE_SHARE = 0.5
# 20.4.1: several sorts and hashes may run at once in one session; three is the usual allowance.
WORK_MEM_PER_CONNECTION = 3
WORK_MEM_FLOOR = MIB  # below this every sort of the monthly statistics goes to disk
MAINTENANCE_SHARE = 1 / 16  # VACUUM and CREATE INDEX run one at a time here
SUPERUSER_RESERVED = 3  # superuser_reserved_connections, PostgreSQL's own default
WAL_SHARE_OF_STORAGE = 1 / 8  # a full WAL must never fill the volume
MAX_WAL_SIZE = 1024 * MIB  # PostgreSQL's own default, used where the volume allows it
MIN_WAL_SIZE = 80 * MIB  # five segments of 16 MiB, PostgreSQL's own default
SHM_SHARE = 0.25  # /dev/shm holds parallel workers' shared memory and counts as the container's memory

STATEMENT_SECONDS = 60  # a request has long been given up; migrations and dumps are not bound by it
MIGRATION_CONNECTIONS = 2  # alembic's own and the advisory lock's
PROBE_CONNECTIONS = 1  # pg_isready
SERVICE_CONNECTIONS = (
    6  # of one replica beside its pool: 2 answer probes, 4 serve the job queue (its contract)
)

# redis.io, "Memory optimization": an AOF rewrite forks and copies changed pages.
REDIS_MAXMEMORY_SHARE = 0.75


def memory_bytes(quantity: str) -> int:
    """``512Mi`` → 536870912. Takes the two units that the settings allow, Mi and Gi."""
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def cpu_millis(quantity: str) -> int:
    """``250m`` → 250, ``1.5`` → 1500."""
    return int(quantity[:-1]) if quantity.endswith("m") else round(float(quantity) * 1000)


@dataclass(frozen=True)
class PostgresMemory:
    """Memory parameters in whole mebibytes, as postgresql.conf takes them."""

    shared_buffers: int
    effective_cache_size: int
    work_mem: int
    maintenance_work_mem: int
    max_wal_size: int
    min_wal_size: int
    shm: int


def postgres_memory(memory_limit: int, max_connections: int, storage: int) -> PostgresMemory:
    """Tune from the container's memory limit, the connection limit and the volume's size (bytes)."""
    shared = memory_limit * SHARED_BUFFERS_SHARE
    return PostgresMemory(
        shared_buffers=int(shared) // MIB,
        effective_cache_size=int(memory_limit * EFFECTIVE_CACHE_SHARE) // MIB,
        work_mem=max(postgres_work_mem(memory_limit, max_connections), WORK_MEM_FLOOR) // MIB,
        maintenance_work_mem=max(int(memory_limit * MAINTENANCE_SHARE), 16 * MIB) // MIB,
        max_wal_size=min(MAX_WAL_SIZE, max(int(storage * WAL_SHARE_OF_STORAGE), 2 * MIN_WAL_SIZE)) // MIB,
        min_wal_size=MIN_WAL_SIZE // MIB,
        shm=int(memory_limit * SHM_SHARE) // MIB,
    )


def postgres_work_mem(memory_limit: int, max_connections: int) -> int:
    """Bytes of work_mem that every connection can use at once without passing the memory limit."""
    return int(memory_limit * (1 - SHARED_BUFFERS_SHARE)) // (max_connections * WORK_MEM_PER_CONNECTION)


def connections_wanted(pool_size: int, max_overflow: int, replicas: int, surge: int) -> int:
    """Connections at the worst moment: a rollout with every pool full and a migration running."""
    of_replica = pool_size + max_overflow + SERVICE_CONNECTIONS
    return of_replica * (replicas + surge) + MIGRATION_CONNECTIONS + PROBE_CONNECTIONS
