"""Lines of the running sandbox: found by their trace, by their level, and none lost when something dies."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import reach
from infra.names import logs_namespace
from infra.settings.logs import Store
from tests.live.conftest import STACK, Kubectl
from tests.live.facts import eventually

pytestmark = pytest.mark.live
FOUND_SECONDS = 30.0  # reading 10 s at most, sending 1 s, storing 1 s, and asking takes some, too
BACK_SECONDS = 90.0  # a pod that is replaced, and what waited meanwhile
SLIPWAY = Path(sys.prefix) / "bin" / "slipway"
PARENT = "00f067aa0ba902b7"


def found(*arguments: str) -> list[dict[str, Any]]:
    """What `slipway logs` finds."""
    command = [str(SLIPWAY), "logs", STACK, *arguments, "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


@pytest.fixture
def ask(outputs: dict[str, Any]) -> Iterator[Callable[[str, str], str]]:
    """``ask(path, word)``: a request whose trace id begins with ``word``, 8 hexadecimal digits; the id."""
    with httpx.Client(base_url=outputs["url"], timeout=20) as client:

        def send(path: str, word: str) -> str:
            trace = word + secrets.token_hex(12)
            answer = client.get(path, headers={"traceparent": f"00-{trace}-{PARENT}-01"})
            assert answer.headers["traceparent"].split("-")[1] == trace
            return trace

        yield send


def test_a_request_is_found_by_the_trace_id_that_it_was_sent_with(ask: Callable[[str, str], str]) -> None:
    trace = ask("/api/v1/nothing", "ab000000")
    (line,) = eventually(lambda: found("--trace", trace), "the request's line", FOUND_SECONDS)
    assert line["app"] == "service"
    assert line["message"] == "request"
    assert line["fields"]["status"] == "404"
    assert line["fields"]["trace_id"] == trace
    assert found("--trace", f"00-{trace}-{PARENT}-01") == [line]


def test_an_error_of_postgresql_is_found_by_its_level(kubectl: Kubectl) -> None:
    name = f"nobody_{secrets.token_hex(6)}"
    login = f"psql --host=127.0.0.1 --username={name} --no-password --dbname=postgres || true"
    kubectl("exec", "postgres-0", "--", "sh", "-c", login)
    asked = ("--level", "error", "--app", "postgres", "--grep", name)
    lines = eventually(lambda: found(*asked), "the refusal", FOUND_SECONDS)
    assert {line["level"] for line in lines} == {"critical"}, "PostgreSQL's FATAL"
    assert found("--level", "error", "--app", "service", "--grep", name) == []


def all_of(traces: list[str], what: str) -> None:
    """Each is found, and no line of it twice."""

    def each_once() -> bool:
        lines = found("--app", "service", "--grep", "request", "--since", "15m", "--limit", "10000")
        seen = Counter(line["fields"].get("trace_id") for line in lines)
        assert [trace for trace in traces if seen[trace] > 1] == []
        return all(seen[trace] for trace in traces)

    eventually(each_once, what, BACK_SECONDS)


def test_a_killed_collector_loses_no_line(
    ask: Callable[[str, str], str], outputs: dict[str, Any], environment: dict[str, str]
) -> None:
    space = logs_namespace(outputs["namespace"])
    before = [ask("/api/v1/nothing", "cc000000") for _ in range(5)]
    kill = ["kubectl", "--namespace", space, "delete", "pods", "--all", "--grace-period=0", "--force"]
    subprocess.run(kill, env=environment, check=True, capture_output=True)
    meanwhile = [ask("/api/v1/nothing", "cd000000") for _ in range(5)]
    all_of([*before, *meanwhile], "every request before and after the kill")


def test_a_killed_store_loses_no_line_that_was_said_meanwhile(
    ask: Callable[[str, str], str], kubectl: Kubectl
) -> None:
    kubectl("delete", "pod", "logs-service-0", "--grace-period=0", "--force")
    meanwhile = [ask("/api/v1/nothing", "5d000000") for _ in range(5)]
    kubectl("rollout", "status", "statefulset/logs-service", "--timeout=90s")
    all_of(meanwhile, "every request while the store was away")


def streams(outputs: dict[str, Any], environment: dict[str, str], store: Store) -> set[str]:
    """Every stream of a store."""
    with reach.reachable(outputs["logs"][store.value], environment) as address:
        answer = httpx.post(f"{address}/select/logsql/streams", data={"query": "*"}, timeout=20)
    return {row["value"] for row in answer.raise_for_status().json()["values"]}


def test_a_hostile_client_makes_no_stream(
    ask: Callable[[str, str], str], outputs: dict[str, Any], environment: dict[str, str]
) -> None:
    traces = [
        ask(f"/{secrets.token_hex(8)}/{index}?x={secrets.token_hex(8)}", "e0000000") for index in range(200)
    ]
    eventually(lambda: found("--trace", traces[-1]), "the last request", FOUND_SECONDS)
    service = streams(outputs, environment, Store.SERVICE)
    assert all(f'kubernetes.pod_namespace="{outputs["namespace"]}"' in stream for stream in service)
    assert len(service) <= 2, "the service's container and the one that migrates"
    assert len(streams(outputs, environment, Store.PARTS)) <= 30


def test_only_lines_of_the_stacks_own_pods_are_kept(
    outputs: dict[str, Any], environment: dict[str, str]
) -> None:
    for store in Store:
        spaces = {
            stream.partition('pod_namespace="')[2].partition('"')[0]
            for stream in streams(outputs, environment, store)
        }
        assert spaces == {outputs["namespace"]}
