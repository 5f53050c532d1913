"""What every cluster holds, and how its readiness is judged."""

from __future__ import annotations

import pytest

from infra.sandbox import addons, cilium, metrics, readiness
from infra.sandbox.config import SandboxConfig
from infra.sandbox.kubeapi import COLLECTIONS

pytestmark = pytest.mark.unit


def manifests() -> list[dict[str, object]]:
    measured = [*metrics.rights(), metrics.service(), metrics.endpoints(SandboxConfig())]
    own = [*addons.rights(), *cilium.rights(), *measured]
    return [*own, addons.storage_class(), *addons.dns(SandboxConfig())]


def test_every_object_can_be_sent() -> None:
    assert {str(item["kind"]) for item in manifests()} <= set(COLLECTIONS)


def test_the_name_service_runs_under_the_restricted_profile() -> None:
    deployment = next(item for item in addons.dns(SandboxConfig()) if item["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert min(port["containerPort"] for port in container["ports"]) > 1023


def test_the_name_service_sends_nothing_outside() -> None:
    assert "forward" not in addons.COREFILE


def test_no_role_may_do_everything() -> None:
    rules = [rule for item in manifests() for rule in item.get("rules", [])]  # type: ignore[attr-defined]
    assert not any("*" in (*rule["verbs"], *rule["resources"], *rule["apiGroups"]) for rule in rules)


@pytest.mark.parametrize(
    ("conditions", "since", "amiss"),
    [
        ([], 0, "the kubelet has not reported yet"),
        ([("True", "1970-01-01T00:01:40Z")], 101, "the kubelet has not reported yet"),
        ([("True", "1970-01-01T00:01:40Z")], 100.9, None),
        ([("False", "1970-01-01T00:01:40Z")], 0, "no network"),
    ],
)
def test_a_node_is_ready_when_its_kubelet_says_so_since_its_start(
    conditions: list[tuple[str, str]], since: float, amiss: str | None
) -> None:
    listed = [
        {"type": "Ready", "status": status, "lastHeartbeatTime": beat, "message": "no network"}
        for status, beat in conditions
    ]
    assert readiness.node_amiss({"status": {"conditions": listed}}, since) == amiss
