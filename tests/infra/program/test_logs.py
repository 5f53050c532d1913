"""What keeps and what reads lines, under mocks: one place with the node's files, least rights, bounds."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.render import logs
from infra.settings.logs import Store
from tests.infra.mocks import Built, built, settings
from tests.infra.program.test_monitoring import granted, rules

pytestmark = pytest.mark.unit


@cache
def sandbox() -> Built:
    return built(settings("sandbox"))


@cache
def production() -> Built:
    return built(settings("ledger-prod"))


@pytest.fixture(params=[sandbox, production])
def program(request: pytest.FixtureRequest) -> Built:
    made: Built = request.param()
    return made


def collector(made: Built) -> dict[str, Any]:
    (nodes,) = [found for name, found in made.kind("DaemonSet").items() if name == "logs-collector-nodes"]
    found: dict[str, Any] = nodes
    return found


def mounts(made: Built) -> dict[str, tuple[str, bool]]:
    """Folder of the node → where it is seen, and whether it can only be read."""
    spec = collector(made)["spec"]["template"]["spec"]
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in spec["volumes"] if "hostPath" in volume}
    (container, other) = spec["containers"]
    assert container["volumeMounts"] == other["volumeMounts"]
    return {
        paths[mount["name"]]: (mount["mountPath"], mount.get("readOnly", False))
        for mount in container["volumeMounts"]
        if mount["name"] in paths
    }


def test_a_stack_that_keeps_no_lines_has_nothing_of_it() -> None:
    made = built(settings("ledger-dev"))
    assert not [item.name for item in made.resources if item.name.startswith("logs")]
    assert "logs" not in made.exports


def test_the_nodes_files_are_seen_in_a_namespace_of_their_own_and_nowhere_else(program: Built) -> None:
    spaces = {
        inputs["metadata"]["name"]: inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for inputs in program.kind("Namespace").values()
    }
    own = program.exports["namespace"]
    assert spaces == {own: "restricted", f"{own}-logs": "privileged"}
    why = program.kind("Namespace")["logs-namespace"]["metadata"]["annotations"]
    assert why == {"slipway.dev/privileged-because": logs.NODE_FILES}
    assert "annotations" not in program.kind("Namespace")["stack-namespace"]["metadata"]
    apart = {
        item.name
        for item in program.resources
        if item.inputs.get("metadata", {}).get("namespace") == f"{own}-logs"
    }
    assert apart == {
        "logs-collector-account", "logs-collector-role", "logs-collector-binding", "logs-collector-nodes",
        "logs-collector-address", "logs-network-default-deny", "logs-network-logs-collector",
    }  # fmt: skip
    holders = {name for name, pod in program.pods() if "hostPath" in json.dumps(pod)}
    assert holders == {"logs-collector-nodes"}


def test_lines_can_be_read_and_nothing_of_the_node_but_our_own_notes_written() -> None:
    assert mounts(production()) == {
        "/var/log/containers": ("/var/log/containers", True),
        "/var/log/pods": ("/var/log/pods", True),
        "/var/lib/slipway/ledger-prod-logs": ("/var/lib/slipway/ledger-prod-logs", False),
    }


def test_in_the_sandbox_notes_go_with_its_folder() -> None:
    writable = [path for path, (_, read_only) in mounts(sandbox()).items() if not read_only]
    assert [path.rpartition("/sandbox/slipway/")[2] for path in writable] == ["logs/sandbox-logs"]


def test_who_reads_is_root_without_a_capability_and_without_the_nodes_network(program: Built) -> None:
    spec = collector(program)["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsUser"] == 0
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": False,
            "capabilities": {"drop": ["ALL"]},
        }
    assert spec["tolerations"] == [{"operator": "Exists"}], "on every node"


def test_who_reads_may_see_pods_namespaces_and_its_node_and_change_nothing(program: Built) -> None:
    inside = granted(rules(program, "Role")["logs-collector"])
    assert inside == {("get", "pods")}
    (outside,) = [rows for name, rows in rules(program, "ClusterRole").items() if "collector" in name]
    assert granted(outside) == {
        ("list", "pods"), ("watch", "pods"), ("list", "namespaces"), ("watch", "namespaces"),
        ("get", "nodes"),
    }  # fmt: skip


def test_each_store_has_its_own_time_and_its_own_volume() -> None:
    sets = production().kind("StatefulSet")
    for store, days, size, bytes_ in (
        (Store.SERVICE, 60, "32Gi", 24 << 30), (Store.PARTS, 14, "8Gi", 6 << 30),
    ):  # fmt: skip
        spec = sets[f"{store.component}-set"]["spec"]
        (container,) = spec["template"]["spec"]["containers"]
        assert f"-retentionPeriod={days}d" in container["command"]
        assert f"-retention.maxDiskSpaceUsageBytes={bytes_}" in container["command"]
        (claim,) = spec["volumeClaimTemplates"]
        assert claim["spec"]["resources"]["requests"] == {"storage": size}


def test_no_store_can_be_emptied_over_the_network(program: Built) -> None:
    for store in Store:
        words = " ".join(
            program.kind("StatefulSet")[f"{store.component}-set"]["spec"]["template"]["spec"]["containers"][
                0
            ]["command"]
        )
        assert "delete" not in words


def test_addresses_are_exported_by_store(program: Built) -> None:
    own = program.exports["namespace"]
    assert program.exports["logs"] == {
        store.value: f"http://logs-{store.value}.{own}.svc:{logs.PORT}" for store in Store
    }
