"""vlagent and VictoriaLogs themselves, on the pods' command lines and files as containerd writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from infra.render import logs
from infra.settings.logs import Store
from tests.app import servers
from tests.infra.logs.programs import Pod, Program, api_server, running
from tests.infra.mocks import settings

pytestmark = pytest.mark.unit
WANTED = settings("sandbox")
READ = 'vl_rows_ingested_total{type="kubernetes_logs"}'
IN_MEMORY = 'vl_storage_rows{type="storage/inmemory"}'
TRACE = "4f9d2c1e8b7a4c55a1d0f3e2b6c7d8e9"


@dataclass
class Node:
    """A node with its pods, the stores, and what reads for each of them."""

    folder: Path
    pods: dict[str, Pod]
    stores: dict[Store, Program]
    ports: dict[Store, int]

    @contextmanager
    def collecting(self, store: Store) -> Iterator[Program]:
        """The collector of a store; what it notes stays when it ends."""
        folders = logs.NodeFolders(str(self.folder / "links"), str(self.folder / "links"), "STATE")
        replaced = {
            "STATE": str(self.folder / "state"),
            logs.url(WANTED, store): f"http://127.0.0.1:{self.ports[store]}",
        }
        command = logs.collector_command(WANTED, store, folders)
        with running(command, self.folder / f"collector-{store}", replaced) as program:
            yield program

    def store(self, store: Store) -> AbstractContextManager[Program]:
        """A store on its own folder, which stays when it ends."""
        replaced = {f"={logs.DATA}/": f"={self.folder}/data-{store}/"}
        command = logs.store_command(WANTED, store)
        return running(command, self.folder / f"store-{store}", replaced, self.ports[store])


def pods(folder: Path) -> dict[str, Pod]:
    links = folder / "links"
    links.mkdir()
    made = [
        Pod(links, "service-5d8f-abcde", "sandbox", "service", {"pod-template-hash": "5d8f"}),
        Pod(links, "service-migrate-1", "sandbox", "service"),
        Pod(links, "postgres-0", "sandbox", "postgres"),
        Pod(links, "prometheus-0", "sandbox", "prometheus"),
        Pod(links, "service-of-others", "ledger-dev", "service"),
        Pod(links, "vlagent", "sandbox-logs", "logs-collector"),
    ]
    for pod in made:
        pod.say("the first line")
    return {pod.name: pod for pod in made}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path, pods(tmp_path), {}, {store: servers.free_port() for store in Store})
    described = [pod.described() for pod in made.pods.values()]
    with ExitStack() as stack:
        stack.enter_context(api_server(tmp_path, described))
        for store in Store:
            made.stores[store] = stack.enter_context(made.store(store))
        yield made


def arrived(program: Program, query: str, count: int = 1) -> list[dict[str, str]]:
    servers.wait_for(lambda: len(program.found(query)) >= count, f"{count} lines of {query}")
    return program.found(query)


def said(**fields: object) -> str:
    """A line of the service."""
    return json.dumps({"timestamp": datetime.now(UTC).isoformat(), "level": "info", **fields})


def test_each_line_goes_to_its_store_and_none_of_others_to_any(node: Node) -> None:
    with node.collecting(Store.SERVICE), node.collecting(Store.PARTS):
        service = arrived(node.stores[Store.SERVICE], "*", 2)
        parts = arrived(node.stores[Store.PARTS], "*", 2)
    assert {row[logs.POD] for row in service} == {"service-5d8f-abcde", "service-migrate-1"}
    assert {row[logs.POD] for row in parts} == {"postgres-0", "prometheus-0"}


def test_a_line_of_json_becomes_fields_and_any_other_its_message(node: Node) -> None:
    moment = "2026-11-28T11:40:11.896791Z"
    with node.collecting(Store.SERVICE):
        node.pods["service-5d8f-abcde"].say(
            said(
                event="request", trace_id=TRACE, route="/x", status=500, ms=1.5, timestamp=moment_now(moment)
            ),
            "Traceback, which no JSON is",
            "\x1b[31mpainted\x1b[0m",
        )
        (row,) = arrived(node.stores[Store.SERVICE], f'trace_id:="{TRACE}"')
        (plain,) = arrived(node.stores[Store.SERVICE], '_msg:="Traceback, which no JSON is"')
        (painted,) = arrived(node.stores[Store.SERVICE], "_msg:=painted")
    assert {name: row[name] for name in ("_msg", "level", "route", "status", "ms")} == {
        "_msg": "request", "level": "info", "route": "/x", "status": "500", "ms": "1.5",
    }  # fmt: skip
    assert row["_time"] == moment_now(moment)
    assert plain[logs.CONTAINER] == painted[logs.CONTAINER] == "service"
    assert not [name for name in row if "hash" in name or "container_id" in name or "pod_ip" in name]


def moment_now(moment: str) -> str:
    """The fraction of ``moment`` within the present second: a store refuses days that it keeps no more."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:00:00.") + moment.partition(".")[2]


def test_the_number_of_streams_is_that_of_containers_whatever_clients_send(node: Node) -> None:
    store = node.stores[Store.SERVICE]
    with node.collecting(Store.SERVICE):
        node.pods["service-5d8f-abcde"].say(
            *(
                said(event="request", route=f"/{index}", trace_id=f"{index:032x}", **{f"field{index}": index})
                for index in range(500)
            )
        )
        arrived(store, "_msg:=request", 500)
    assert store.streams() == [
        '{kubernetes.container_name="service",'
        'kubernetes.pod_labels.app.kubernetes.io/component="service",kubernetes.pod_namespace="sandbox"}'
    ]


def test_a_killed_collector_loses_no_line(node: Node) -> None:
    pod, store = node.pods["postgres-0"], node.stores[Store.PARTS]
    with node.collecting(Store.PARTS) as collector:
        pod.say(*(f"before {index}" for index in range(50)))
        arrived(store, '"before"', 50)
        collector.kill()
        pod.say(*(f"meanwhile {index}" for index in range(50)))
    with node.collecting(Store.PARTS):
        arrived(store, '"meanwhile"', 50)
    assert {row["_msg"] for row in store.found('"meanwhile"')} == {
        f"meanwhile {index}" for index in range(50)
    }


def test_a_collector_that_ends_in_peace_reads_no_line_twice(node: Node) -> None:
    pod, store = node.pods["postgres-0"], node.stores[Store.PARTS]
    with node.collecting(Store.PARTS):
        pod.say(*(f"before {index}" for index in range(50)))
        arrived(store, '"before"', 50)
    pod.say("meanwhile")
    with node.collecting(Store.PARTS):
        arrived(store, '"meanwhile"')
    assert len(store.found('"before"')) == 50


def test_what_is_said_while_a_store_is_away_arrives_when_it_is_back(node: Node) -> None:
    pod = node.pods["service-5d8f-abcde"]
    with node.collecting(Store.SERVICE) as collector:
        first = node.stores[Store.SERVICE]
        arrived(first, "*", 2)
        servers.wait_for(lambda: first.figures()[IN_MEMORY] == 0, "they are on the disk", 10)
        first.kill()
        pod.say(*(said(event=f"meanwhile {index}") for index in range(50)))
        servers.wait_for(lambda: collector.figures()[READ] > 50, "they are read")
        with node.store(Store.SERVICE) as again:
            servers.wait_for(lambda: len(again.found('"meanwhile"')) >= 50, "all have arrived", 60)
            assert len(again.found('"the first line"')) == 2, "what was stored before it was killed"


def test_each_store_keeps_its_lines_for_its_own_time(node: Node) -> None:
    """The service's for three days, in the sandbox, and everybody else's for two."""
    old = (datetime.now(UTC) - timedelta(days=2, hours=12)).isoformat()
    rows = [{"_time": old, "_msg": "old"}, {"_time": datetime.now(UTC).isoformat(), "_msg": "new"}]
    for store in node.stores.values():
        store.take(rows)
    kept = {store: {row["_msg"] for row in found.found("*")} for store, found in node.stores.items()}
    assert kept == {Store.SERVICE: {"old", "new"}, Store.PARTS: {"new"}}
    assert node.stores[Store.PARTS].figures()['vl_rows_dropped_total{reason="too_small_timestamp"}'] == 1


def test_a_line_that_is_stored_cannot_be_deleted_over_the_network(node: Node) -> None:
    store = node.stores[Store.PARTS]
    store.take([{"_time": datetime.now(UTC).isoformat(), "_msg": "kept"}])
    answer = httpx.post(f"{store.url}/delete/run_task", data={"filter": "*"})
    assert answer.is_client_error
    assert "disabled" in answer.text
    assert len(store.found("*")) == 1
