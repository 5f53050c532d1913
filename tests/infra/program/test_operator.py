"""A stack on a cluster with prometheus-operator, under mocks: no server of ours, and all that one reads."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.render.operator import GROUP
from infra.settings.secrets import SecretName
from tests.infra.mocks import SECRETS, Built, built, settings

pytestmark = pytest.mark.unit
LABEL = "release=kube-prometheus-stack"
KINDS = ("ServiceMonitor", "Probe", "PrometheusRule", "AlertmanagerConfig")
TOLD = {
    "slack": {"channel": "#alerts"},
    "email": {"to": ["a@example.com"], "sender": "b@example.com", "smarthost": "smtp.example.com:587"},
}
OWN_SERVERS = {"prometheus", "alertmanager", "node-exporter", "kube-state-metrics"}


@cache
def operated(**more: Any) -> Built:
    monitoring = {"operator": True, "operator_labels": [LABEL], "receivers": TOLD}
    return built(
        settings(
            "ledger-prod",
            monitoring=monitoring,
            backups={"enabled": True, "bucket": "b-1"},
            ingress={"hosts": ["ledger.example.com"], "cluster_issuer": "letsencrypt"},
        )
    )


def parts(made: Built) -> set[str]:
    """Components of all pods that stay."""
    return {
        inputs["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]
        for kind in ("Deployment", "StatefulSet", "DaemonSet")
        for inputs in made.kind(kind).values()
    }


def test_the_cluster_measures_nodes_and_objects_and_the_stack_its_own_servers() -> None:
    assert parts(operated()) & OWN_SERVERS == set()
    assert {"postgres-exporter", "redis-exporter", "backup-exporter", "blackbox-exporter"} <= parts(
        operated()
    )
    for kind in ("ClusterRole", "ServiceAccount"):  # who reads the pods' lines looks their labels up
        assert [name.startswith("logs-collector") for name in operated().kind(kind)] == [True], kind


def test_all_objects_of_the_operator_are_there_and_carry_the_label_by_which_they_are_chosen() -> None:
    names = {
        kind: sorted(each["metadata"]["name"] for each in operated().kind(kind).values()) for kind in KINDS
    }
    assert names == {
        "ServiceMonitor": [
            "backup-exporter",
            "logs-collector",
            "logs-parts",
            "logs-service",
            "postgres-exporter",
            "redis-exporter",
            "service",
        ],
        "Probe": ["certificates"],
        "PrometheusRule": ["monitoring-rules"],
        "AlertmanagerConfig": ["monitoring-receivers"],
    }
    for kind in KINDS:
        for each in operated().kind(kind).values():
            assert each["apiVersion"].startswith(f"{GROUP}/"), kind
            assert each["metadata"]["labels"]["release"] == "kube-prometheus-stack", kind
            assert each["metadata"]["namespace"] == "ledger-prod", kind


def test_a_monitor_finds_one_service_by_labels_and_the_name_of_its_port() -> None:
    services = operated().kind("Service").values()
    for monitor in operated().kind("ServiceMonitor").values():
        spec = monitor["spec"]
        wanted = spec["selector"]["matchLabels"]
        (namespace,) = spec.get("namespaceSelector", {}).get("matchNames", ["ledger-prod"])
        for endpoint in spec["endpoints"]:
            found = [
                each["metadata"]["name"]
                for each in services
                if wanted.items() <= each["metadata"]["labels"].items()
                and each["metadata"]["namespace"] == namespace
                and endpoint["port"] in {port.get("name") for port in each["spec"]["ports"]}
            ]
            assert len(found) == 1, (monitor["metadata"]["name"], endpoint["port"], found)


def test_the_probe_goes_through_an_exporter_that_there_is() -> None:
    (probe,) = operated().kind("Probe").values()
    host, _, port = probe["spec"]["prober"]["url"].partition(":")
    services = {
        f"{each['metadata']['name']}.ledger-prod.svc": each["spec"]["ports"][0]["port"]
        for each in operated().kind("Service").values()
    }
    assert services[host] == int(port)
    assert probe["spec"]["targets"]["staticConfig"]["static"] == ["ledger.example.com:443"]


def test_receivers_secrets_stand_in_the_secret_that_the_operator_is_told_of() -> None:
    values = [SECRETS[SecretName.SLACK_WEBHOOK_URL], SECRETS[SecretName.SMTP_PASSWORD]]
    made = operated()
    holders = [
        item.name for item in made.resources if any(v in json.dumps(item.inputs, default=str) for v in values)
    ]
    assert holders == ["monitoring-auth"]
    secret = made.kind("Secret")["monitoring-auth"]
    (config,) = made.kind("AlertmanagerConfig").values()
    (team,) = config["spec"]["receivers"]
    assert team["slackConfigs"][0]["apiURL"]["name"] == secret["metadata"]["name"]
    assert set(secret["stringData"]["value"]) == {"slackWebhookUrl", "smtpPassword"}


def test_the_exports_say_whose_monitoring_it_is() -> None:
    exports = operated().exports
    assert exports["monitoring"] == "prometheus-operator"
    assert {"prometheus", "alertmanager"} & set(exports) == set()
    assert OWN_SERVERS & set(exports["images"]) == set()


def test_a_service_without_metrics_is_not_read() -> None:
    silent = settings("ledger-prod", monitoring={"operator": True}, service={"enable_metrics": False})
    assert "monitoring-service" not in built(silent).kind("ServiceMonitor")
