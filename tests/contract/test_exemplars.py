"""The way of a trace id: a request to the service, its figures, Prometheus as its pod runs it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from infra.render import monitoring
from tests.app.replicas import Service
from tests.app.servers import wait_for
from tests.infra.mocks import settings
from tests.infra.monitoring.programs import Running, running

pytestmark = pytest.mark.integration
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
AWAY = {
    "postgres": "postgresql://service:Zx8rQm2Lw9Ks@127.0.0.1:1/ledger",
    "redis": "redis://:Zx8rQm2Lw9Ks@127.0.0.1:1/0",
}


@pytest.fixture
def service() -> Iterator[Service]:
    """A running service whose database and Redis are away: what it answers without them is enough."""
    database = SimpleNamespace(address=lambda *_: AWAY["postgres"])
    made = Service(cast("Any", database), cast("Any", SimpleNamespace(address=AWAY["redis"])))
    try:
        made.start()
        yield made
    finally:
        made.remove()


def exemplars(program: Running, query: str) -> list[dict[str, Any]]:
    """What Prometheus keeps for the series of the query, of the last five minutes."""
    now = time.time()
    asked: dict[str, str | float] = {"query": query, "start": now - 300, "end": now + 60}
    answer = httpx.get(f"{program.url}/api/v1/query_exemplars", params=asked).raise_for_status()
    return [each for series in answer.json()["data"] for each in series["exemplars"]]


QUERIES = ('api_requests_total{status="404"}', "api_response_seconds_bucket")


@pytest.mark.own_servers
def test_prometheus_keeps_the_trace_id_of_a_request(tmp_path: Path, service: Service) -> None:
    config = tmp_path / "config"
    config.mkdir()
    scrape = {"job_name": "service", "static_configs": [{"targets": [f"127.0.0.1:{service.port}"]}]}
    text = json.dumps(
        {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [scrape]}
    )
    (config / "prometheus.yml").write_text(text)
    paths = {monitoring.config_folder("prometheus"): str(config), monitoring.DATA: str(tmp_path / "data")}
    with running(monitoring.prometheus_command(settings("sandbox")), tmp_path, replaced=paths) as program:
        httpx.get(f"{service.url}/nothing", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
        wait_for(lambda: exemplars(program, QUERIES[1]), "the exemplar is there")
        found = [each["labels"] for query in QUERIES for each in exemplars(program, query)]
    assert found == [{"trace_id": TRACE}] * 2
    assert [line["trace_id"] for line in service.lines() if line.get("status") == 404] == [TRACE]
