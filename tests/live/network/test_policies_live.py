"""The declared links on a network that enforces them: what is declared answers, and nothing else does."""

from __future__ import annotations

import json
import os
import signal
import socket
from dataclasses import replace
from typing import Any

import pytest
import yaml

from infra import versions
from infra.sandbox import cilium, cluster, parts
from infra.sandbox.config import API_PORT, DNS_PORT, PodNetwork, joined_by
from infra.sandbox.readiness import KUBELET_PORT
from tests.infra.network.evaluate import Pod
from tests.live.cluster.second import Cluster
from tests.live.facts import eventually
from tests.live.network.conftest import CONFIG, Attempt, Field, bpf_mounts, machine
from tests.live.network.standins import listening

pytestmark = [pytest.mark.live, pytest.mark.slow]
NOBODYS = 22  # no pod listens there: a refusal would show that the packet came through


def attempts(fields: Field) -> list[Attempt]:
    """From every pod to every other, at each port it listens on and at one of nobody; to the node and to the
    name server."""
    plan, found = fields.plan, []
    for source, one in plan.ends.items():
        if not isinstance(one, Pod):
            continue
        for target, other in plan.ends.items():
            if source == target or one.namespace == "strangers" == getattr(other, "namespace", ""):
                continue
            component = target.removeprefix("namesake of ")
            ports = [KUBELET_PORT, API_PORT] if target == "node" else [NOBODYS]
            ports += listening(plan, component) if component in plan.pods else []
            found += [(source, target, port, "TCP") for port in ports]
            if component == "postgres":
                found.append((source, target, 5432, "UDP"))
        found += [(source, "name server", DNS_PORT, "UDP"), (source, "name server", 9153, "TCP")]
    return found


def declared(fields: Field, tried: list[Attempt]) -> set[Attempt]:
    ends: dict[str, Any] = {**fields.plan.ends, "name server": fields.dns}
    return {each for each in tried if fields.plan.declares(ends[each[0]], ends[each[1]], each[2], each[3])}


def expected(fields: Field, tried: list[Attempt]) -> set[Attempt]:
    """And what is no matter of the stack's policies: strangers elsewhere, towards what has none."""
    ours = fields.plan.namespaces
    aside = {
        each
        for each in tried
        if each[1] in ("node", "name server")
        and getattr(fields.plan.ends[each[0]], "namespace", "") not in ours
    }
    return declared(fields, tried) | aside


def told(attempt: Attempt) -> str:
    source, target, port, protocol = attempt
    return f"{source} → {target} {port}/{protocol}"


def as_declared(fields: Field) -> None:
    tried = attempts(fields)
    answered, wanted = fields.try_all(tried), expected(fields, tried)
    assert sorted(map(told, wanted - answered)) == [], "declared, and closed"
    assert sorted(map(told, answered - wanted)) == [], "open, and not declared"
    fields.tried, fields.opened = len(tried), answered & declared(fields, tried)


def test_every_declared_pair_is_open_and_every_other_closed(fields: Field) -> None:
    as_declared(fields)
    assert fields.tried > 1000
    assert len(fields.opened) > 50


def test_a_service_that_is_declared_answers_by_its_name(fields: Field) -> None:
    """Through kube-proxy's or the network's own balancing, and through the name server."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "postgres", "namespace": "sandbox"},
        "spec": {
            "selector": {"app.kubernetes.io/component": "postgres"},
            "ports": [{"port": 5432}],
        },
    }
    fields.kubectl("apply", "--filename=-", stdin=yaml.safe_dump(service))
    script = "import socket; socket.create_connection(('postgres.sandbox.svc', 5432), 3)"
    for source, opened in (("service", True), ("redis", False), ("unlabelled-pod-in-sandbox", False)):
        command = ["exec", source, "--", "timeout", "5", "python3", "-c", script]

        def asked(command: list[str] = command) -> bool:
            return fields.cluster.kubectl("--namespace=sandbox", *command).returncode == 0

        if opened:
            eventually(asked, f"{source} reaches the database by its name", 20)
        else:
            assert not asked(), source


def test_the_service_is_called_by_its_node_port_from_this_machine(fields: Field) -> None:
    port = 30086
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "service", "namespace": "sandbox"},
        "spec": {
            "type": "NodePort",
            "selector": {"app.kubernetes.io/component": "service"},
            "ports": [{"port": 80, "targetPort": 8000, "nodePort": port}],
        },
    }
    fields.kubectl("apply", "--filename=-", stdin=yaml.safe_dump(service))

    def called() -> bool:
        try:
            socket.create_connection((CONFIG.node_address, port), 2).close()
        except OSError:
            return False
        return True

    eventually(called, "the node port answers", 20)


def test_policies_hold_while_no_agent_runs_and_up_starts_it_again(fields: Field) -> None:
    record = parts.running(CONFIG, cilium.AGENT)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    eventually(lambda: parts.running(CONFIG, cilium.AGENT) is None, "the agent is gone", 10)
    as_declared(fields)
    fields.cluster.up()
    after = parts.running(CONFIG, cilium.AGENT)
    assert after is not None
    assert after.pid != record.pid
    assert [part for part in cluster.status(CONFIG) if not part.healthy] == []
    as_declared(fields)


def test_the_cluster_says_what_joins_its_pods(enforcing: Cluster) -> None:
    assert joined_by(CONFIG) is CONFIG.pods
    assert {cilium.AGENT, cilium.OPERATOR} <= set(cluster.parts_of(CONFIG))
    assert versions.CILIUM in cilium_version()


def cilium_version() -> str:
    from infra.sandbox import tool_versions, tools

    path = tools.cached(cilium.AGENT)
    assert path is not None
    return tool_versions.said(cilium.AGENT, path) or ""


def test_the_bridge_takes_the_pods_over_and_keeps_nobody_apart(fields: Field) -> None:
    bridged = Cluster(replace(CONFIG, pods=PodNetwork.BRIDGE), namespace="sandbox")
    agent = parts.running(CONFIG, cilium.AGENT)
    bridged.up()
    assert agent is not None
    assert not agent.identity.alive()
    assert [mount for mount in bpf_mounts() if CONFIG.name in mount] == []
    bridged.said("wait", "--for=condition=Ready", "pod", "--all", "--timeout=80s")
    database = json.loads(bridged.said("get", "pod", "postgres", "--output=json"))["status"]["podIP"]
    script = f"import socket; socket.create_connection(('{database}', 5432), 3)"
    stranger = ["exec", "unlabelled-pod-in-sandbox", "--", "python3", "-c", script]
    eventually(lambda: bridged.kubectl(*stranger).returncode == 0, "a stranger reaches the database", 20)


def test_nothing_of_it_stays_when_the_cluster_goes(enforcing: Cluster) -> None:
    parameters = machine()
    enforcing.down()
    assert [mount for mount in bpf_mounts() if CONFIG.name in mount] == []
    assert machine() == parameters
    assert not CONFIG.run.exists()
    assert not CONFIG.state.exists()
