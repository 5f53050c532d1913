"""The exporter as a process: what Prometheus reads, also while the store is away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app.servers import free_port, wait_for
from tests.backups.conftest import Environ
from tests.backups.running import begin, end, run
from tests.backups.servers import ObjectStore, Proxy
from tests.backups.test_listing import Bucket

pytestmark = pytest.mark.integration


class Exporter:
    """A running exporter that reads every second."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        variables = environment | {"BACKUP_REFRESH_SECONDS": "1"}
        self.process = begin(variables, "exporter", "--address", "127.0.0.1", "--port", str(port))
        wait_for(self._answers, "the exporter answers")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def figures(self) -> dict[str, float]:
        """Series → value."""
        text = httpx.get(f"{self.url}/metrics").text
        return {name: float(value) for name, value in re.findall(r"^(\w\S*) (\S+)$", text, re.MULTILINE)}

    def wait_until(self, series: str, value: float | None) -> dict[str, float]:
        """The figures once this one is so."""
        wait_for(lambda: self.figures().get(series) == value, f"{series} is {value}")
        return self.figures()


@pytest.fixture
def proxy(store_server: ObjectStore) -> Iterator[Proxy]:
    """A way to the store that can be cut."""
    made = Proxy(store_server.port)
    yield made
    made.cut()


def test_figures_follow_the_store_and_stay_while_it_is_away(
    environment: Environ, store_server: ObjectStore, keys: Path, proxy: Proxy
) -> None:
    exporter = Exporter(environment("reader", BACKUP_ENDPOINT=f"https://127.0.0.1:{proxy.port}"))
    try:
        empty = exporter.wait_until("backup_store_reachable", 1)
        assert empty == {"backup_store_reachable": 1, "backup_broken": 0}
        made = run(environment("writer"), "dump").result
        bucket = Bucket(store_server, keys, made["backup"])
        size = 'backup_size_bytes{kind="database"}'
        success = 'backup_last_success_timestamp_seconds{kind="database"}'
        seen = exporter.wait_until(size, made["bytes"])
        assert success in seen and "backup_drill_success" not in seen
        drill = bucket.drill()
        seen = exporter.wait_until("backup_drill_success", 1)
        assert seen["backup_last_verified_timestamp_seconds"] == pytest.approx(drill.moment.timestamp())
        assert seen["restore_duration_seconds"] == drill.seconds
        proxy.cut()
        away = exporter.wait_until("backup_store_reachable", 0)
        assert away == seen | {"backup_store_reachable": 0}
        assert httpx.get(f"{exporter.url}/healthz").text == "ok\n"
        assert httpx.get(f"{exporter.url}/").status_code == 404
        exporter.process.terminate()
        said = end(exporter.process)
        assert said.code == 143
        assert "the store cannot be asked" in said.problems[0]
    finally:
        end(exporter.process)


def test_a_damaged_manifest_is_counted_and_no_success(
    environment: Environ, store_server: ObjectStore, keys: Path
) -> None:
    bucket = Bucket(store_server, keys, "20260101T000000Z-00000000")
    store_server.put(bucket.at("manifest.json"), b"{}")
    exporter = Exporter(environment("reader"))
    try:
        assert exporter.wait_until("backup_broken", 1) == {"backup_store_reachable": 1, "backup_broken": 1}
    finally:
        exporter.process.terminate()
        end(exporter.process)


def test_a_taken_port_is_told(environment: Environ, store_server: ObjectStore) -> None:
    said = run(environment("reader"), "exporter", "--address", "127.0.0.1", "--port", str(store_server.port))
    message = "cannot be listened on: Address already in use → choose another --port"
    assert (said.code, said.problems) == (1, [f"127.0.0.1:{store_server.port}: {message}"])
