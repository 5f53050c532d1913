"""PostgreSQL's files: postgresql.conf, pg_hba.conf, the start script and the roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from infra import limits, versions
from infra.render import validate
from infra.render.environment import render
from infra.settings.postgres import Postgres
from infra.settings.secrets import SecretName

PORT = 5432
NOTHING: Mapping[str, str] = MappingProxyType({})
SUPERUSER = "postgres"
MONITOR = "monitor"  # the role that reads figures
MONITOR_KEY = "monitorPassword"  # the file of its password
MONITORED = "postgres"  # the database it enters: the stack's own is renamed by a restore, and must be empty
MAP = "slipway"  # of pg_ident.conf, where the system user has another name


@dataclass(frozen=True)
class Place:
    """Where things lie and where it listens; by default those of the container. The data folder is below the
    mount, which fsGroup changes. ``user``: the system user that may be the superuser over the socket."""

    mount: str = "/var/lib/postgresql/volume"
    data: str = "/var/lib/postgresql/volume/data"
    config: str = "/etc/slipway/postgres"
    secrets: str = "/run/slipway/postgres"
    sockets: str = "/run/postgresql"
    private: str = "/tmp"  # noqa: S108  the container's own; holds the socket while roles are being prepared
    bin: str = f"/usr/lib/postgresql/{versions.POSTGRES_MAJOR}/bin"
    address: str = "*"
    port: int = PORT
    user: str = "postgres"


CONTAINER = Place()


def files(
    settings: Postgres,
    place: Place = CONTAINER,
    more: Mapping[str, str] = NOTHING,
    *,
    monitored: bool = False,
) -> dict[str, str]:
    """File name → text; ``more`` are further parameters, ``monitored``: a role reads figures. Raises
    validate.RenderError where a file does not read back as meant."""
    wanted = {**parameters(settings, place), **more}
    config = render("postgres/postgresql.conf.j2", parameters=wanted)
    validate.same("postgresql.conf", wanted, validate.assignments(config, "="))
    mapped = "" if place.user == SUPERUSER else f"{MAP} {place.user} {SUPERUSER}\n"
    roles = [("all", settings.owner), (settings.database, settings.service_role)]
    roles += [(MONITORED, MONITOR)] if monitored else []
    access = render("postgres/pg_hba.conf.j2", roles=roles, map=MAP if mapped else "")
    _access_is_closed(access)
    return {
        "postgresql.conf": config,
        "pg_hba.conf": access,
        "pg_ident.conf": mapped or "# No system user stands for another.\n",
        "start.sh": render(
            "postgres/start.sh.j2",
            paths=place,
            major=versions.POSTGRES_MAJOR,
            startup_seconds=settings.startup_seconds,
        ),
        "roles.sql": render(
            "postgres/roles.sql.j2",
            paths=place,
            database=settings.database,
            owner=settings.owner,
            service=settings.service_role,
            statement_seconds=limits.STATEMENT_SECONDS,
            owner_key=SecretName.POSTGRES_OWNER_PASSWORD.value,
            service_key=SecretName.POSTGRES_SERVICE_PASSWORD.value,
            monitor=MONITOR,
            monitor_key=MONITOR_KEY if monitored else "",
        ),
    }


def parameters(settings: Postgres, place: Place = CONTAINER) -> dict[str, str]:
    """The parameters of postgresql.conf in its own syntax; memory in MB, which PostgreSQL counts by 1024."""
    memory = settings.memory
    return {
        "data_directory": f"'{place.data}'",
        "hba_file": f"'{place.config}/pg_hba.conf'",
        "ident_file": f"'{place.config}/pg_ident.conf'",
        "listen_addresses": f"'{place.address}'",
        "port": str(place.port),
        "unix_socket_directories": f"'{place.sockets}'",
        "max_connections": str(settings.max_connections),
        "superuser_reserved_connections": str(limits.SUPERUSER_RESERVED),
        "password_encryption": "'scram-sha-256'",
        "shared_buffers": f"{memory.shared_buffers}MB",
        "effective_cache_size": f"{memory.effective_cache_size}MB",
        "work_mem": f"{memory.work_mem}MB",
        "maintenance_work_mem": f"{memory.maintenance_work_mem}MB",
        "dynamic_shared_memory_type": "posix",
        "max_wal_size": f"{memory.max_wal_size}MB",
        "min_wal_size": f"{memory.min_wal_size}MB",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "on",
        "random_page_cost": "1.1",  # solid-state volumes: PostgreSQL 15 documentation, 20.7.2
        "log_destination": "'stderr'",
        "logging_collector": "off",
        "log_line_prefix": "'%m [%p] %q%u@%d '",
        "log_min_duration_statement": f"{settings.log_slow_milliseconds}ms",
        "log_parameter_max_length": "0",  # bound values are personal data
        "log_parameter_max_length_on_error": "0",
        "log_lock_waits": "on",
        "log_timezone": "'UTC'",
        "timezone": "'UTC'",
    }


def _access_is_closed(text: str) -> None:
    """Nobody is trusted, and the last rules of both kinds refuse everyone else."""
    rules = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    methods = {rule[-1] for rule in rules if rule[-1] != f"map={MAP}"}
    if methods - {"peer", "scram-sha-256", "reject"} or [rule[0] for rule in rules[-2:]] != ["local", "host"]:
        raise validate.RenderError("pg_hba.conf: lets somebody in without a password")
    if {rule[-1] for rule in rules[-2:]} != {"reject"}:
        raise validate.RenderError("pg_hba.conf: does not end by refusing everybody else")
