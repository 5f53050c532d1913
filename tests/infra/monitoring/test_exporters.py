"""Debian's exporters on a real PostgreSQL and a real Redis, as the users that only read figures."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from infra.render import monitoring, postgres, redis
from infra.render.monitoring_keys import monitor_password
from tests.app import servers
from tests.infra.mocks import settings
from tests.infra.monitoring import tls
from tests.infra.monitoring.programs import running

pytestmark = pytest.mark.unit
DATABASE = "slipway"


class Cache(servers.RedisServer):
    """Redis with the users' file of a stack."""

    def __init__(self) -> None:
        super().__init__()
        self.monitor = monitor_password(self.password)
        (self.folder / "users.acl").write_text(redis.users(self.password, self.monitor))
        config = self.folder / "redis.conf"
        lines = [line for line in config.read_text().splitlines() if not line.startswith("requirepass")]
        config.write_text("\n".join([*lines, f"aclfile {self.folder}/users.acl"]))


@pytest.fixture(scope="module")
def database() -> Iterator[servers.Postgres]:
    """PostgreSQL after the start of a stack that is measured."""
    server = servers.Postgres()
    try:
        server.start()
        for name in ("postgresOwnerPassword", "postgresServicePassword", postgres.MONITOR_KEY):
            (server.folder / name).write_text(server.password)
        place = postgres.Place(secrets=str(server.folder))
        script = server.folder / "roles.sql"
        script.write_text(postgres.files(settings("sandbox").postgres, place, monitored=True)["roles.sql"])
        for path in (script, *server.folder.glob("*Password")):
            path.chmod(0o644)
        run = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", server.url("postgres", "postgres")]
        environment = {**os.environ, "PGPASSWORD": server.password}
        for _ in range(2):  # it runs at every start
            subprocess.run([*run, "-f", str(script)], check=True, env=environment, capture_output=True)
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def cache() -> Iterator[Cache]:
    server = Cache()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_the_postgresql_exporter_reads_the_servers_figures_as_a_role_of_its_own(
    database: servers.Postgres, tmp_path: Path
) -> None:
    environment = {
        "DATA_SOURCE_URI": f"127.0.0.1:{database.port}/{postgres.MONITORED}?sslmode=disable",
        "DATA_SOURCE_USER": postgres.MONITOR,
        "DATA_SOURCE_PASS_FILE": str(database.folder / postgres.MONITOR_KEY),
    }
    with running(monitoring.postgres_exporter_command(), tmp_path, environment) as exporter:
        figures = exporter.figures()
    said = exporter.log.read_text()
    assert figures["pg_up"] == 1, said
    assert figures["pg_exporter_last_scrape_error"] == 0, said
    assert any(re.match(rf'pg_stat_database_xact_commit{{.*"{DATABASE}"', name) for name in figures)
    assert any(re.match(rf'pg_database_size_bytes{{.*"{DATABASE}"', name) for name in figures)
    assert any(name.startswith("pg_stat_archiver_failed_count{") for name in figures)
    assert any(name.startswith("pg_settings_max_connections{") for name in figures)
    assert "level=error" not in said


def test_who_reads_figures_of_postgresql_reads_no_table(database: servers.Postgres) -> None:
    database.sql("CREATE TABLE IF NOT EXISTS kept (word text)", database=DATABASE)
    asked = "SELECT rolname, rolsuper, rolconnlimit FROM pg_roles WHERE rolname = 'monitor'"
    assert database.sql(asked) == "monitor|f|2"
    assert database.sql("SELECT has_database_privilege('monitor', 'slipway', 'CONNECT')") == "f"
    able = "SELECT has_table_privilege('monitor', 'public.kept', 'SELECT')"
    assert database.sql(able, database=DATABASE) == "f"


def test_the_redis_exporter_reads_figures_as_a_user_of_its_own(cache: Cache, tmp_path: Path) -> None:
    address = f"redis://127.0.0.1:{cache.port}"
    passwords = tmp_path / "passwords.json"
    passwords.write_text(monitoring.redis_passwords(address)(cache.monitor))
    with running(monitoring.redis_exporter_command(address, str(passwords)), tmp_path) as exporter:
        figures = exporter.figures()
    said = exporter.log.read_text()
    assert figures["redis_up"] == 1, said
    assert figures['redis_exporter_last_scrape_error{err=""}'] == 0, said
    assert figures["redis_connected_clients"] >= 1
    assert {"redis_memory_used_bytes", "redis_memory_max_bytes"} <= set(figures)
    wrong = [line for line in said.splitlines() if "level=error" in line]
    assert [line for line in wrong if "Loaded 1 entries" not in line] == []  # it says so at that level


def test_who_reads_figures_of_redis_reads_no_key_and_changes_nothing(cache: Cache) -> None:
    for command in (["get", "a"], ["keys", "*"], ["config", "get", "*"], ["flushall"], ["acl", "list"]):
        said = as_monitor(cache, *command)
        assert said.startswith("NOPERM"), (command, said)
    assert as_monitor(cache, "ping") == "PONG"


def as_monitor(cache: Cache, *command: str) -> str:
    words = ["redis-cli", "-p", str(cache.port), "--user", redis.MONITOR_USER, *command]
    environment = {**os.environ, "REDISCLI_AUTH": cache.monitor}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_the_derived_password_tells_nothing_of_the_one_it_is_made_of() -> None:
    made = monitor_password("p" * 40)
    assert len(made) == 43
    assert made == monitor_password("p" * 40) != monitor_password("q" * 40)
    assert "ppp" not in made


def test_the_node_exporter_sees_the_node_and_of_its_disks_only_the_room_it_was_given(tmp_path: Path) -> None:
    with running(monitoring.node_exporter_command(), tmp_path) as exporter:
        figures = exporter.figures()
    assert {"node_memory_MemAvailable_bytes", "node_load1", "node_boot_time_seconds"} <= set(figures)
    assert any(name.startswith("node_cpu_seconds_total{") for name in figures)
    mounts = {found[1] for name in figures if (found := re.search(r'mountpoint="([^"]*)"', name))}
    assert {mount for mount in mounts if re.match(monitoring.OTHER_MOUNTS, mount)} == set()
    assert not re.match(monitoring.OTHER_MOUNTS, monitoring.ROOM)


def test_the_blackbox_exporter_tells_when_a_certificate_ends_that_nobody_would_trust(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    for name, text in monitoring.blackbox_files().items():
        (config / name).write_text(text)
    file = tls.certificate(tmp_path, "localhost", timedelta(days=10))
    address = ("127.0.0.1", servers.free_port())
    paths = {monitoring.config_folder(monitoring.BLACKBOX_EXPORTER): str(config)}
    with (
        tls.serving(address, file),
        running(monitoring.blackbox_exporter_command(), tmp_path, replaced=paths) as exporter,
    ):
        query = {"module": monitoring.CERTIFICATE, "target": f"localhost:{address[1]}"}
        said = httpx.get(f"{exporter.url}/probe", params=query, timeout=20).text
    found = re.search(r"^probe_ssl_earliest_cert_expiry (\S+)$", said, re.MULTILINE)
    assert found, said
    ends = datetime.fromtimestamp(float(found[1]), UTC)
    assert timedelta(days=9) < ends - datetime.now(UTC) <= timedelta(days=10)


def test_no_exporter_has_many_series(database: servers.Postgres, cache: Cache, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords.json"
    address = f"redis://127.0.0.1:{cache.port}"
    passwords.write_text(monitoring.redis_passwords(address)(cache.monitor))
    environment = {
        "DATA_SOURCE_URI": f"127.0.0.1:{database.port}/{postgres.MONITORED}?sslmode=disable",
        "DATA_SOURCE_USER": postgres.MONITOR,
        "DATA_SOURCE_PASS_FILE": str(database.folder / postgres.MONITOR_KEY),
    }
    commands = (
        monitoring.postgres_exporter_command(),
        monitoring.redis_exporter_command(address, str(passwords)),
        monitoring.node_exporter_command(),
    )
    counts = {}
    for command in commands:
        with running(command, tmp_path, environment) as exporter:
            counts[command[0]] = len(exporter.figures())
    assert max(counts.values()) < 2000, counts
