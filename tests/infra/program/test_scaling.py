"""Replicas that follow requests: the autoscaler's figure, the adapter that tells it, and who may ask whom."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from cryptography import x509

from infra.monitoring.promql import PROBES
from infra.render import adapter
from infra.settings.rules import broken
from infra.settings.service import Autoscaling
from tests.infra.mocks import Built, built, settings

pytestmark = pytest.mark.unit
BY_REQUESTS = {"enabled": True, "min_replicas": 2, "max_replicas": 3, "requests_per_second": 40}


def stack(**scaling: Any) -> Built:
    return built(settings("ledger-prod", service={"autoscaling": {**BY_REQUESTS, **scaling}}))


def by_requests(found: Built, name: str = "service-autoscaler") -> dict[str, Any]:
    """The autoscaler's metric that is no resource of its pods."""
    metrics = found.kind("HorizontalPodAutoscaler")[name]["spec"]["metrics"]
    assert [metric["type"] for metric in metrics] == ["Resource", "Object"]
    figure: dict[str, Any] = metrics[1]["object"]
    return figure


def rule(found: Built) -> dict[str, Any]:
    """The adapter's one rule."""
    text = found.kind("ConfigMap")["prometheus-adapter-config"]["data"][adapter.CONFIG_FILE]
    (only,) = yaml.safe_load(text)["rules"]
    return dict(only)


def test_replicas_follow_the_requests_of_the_service_divided_by_its_pods() -> None:
    figure = by_requests(stack())
    assert figure["describedObject"] == {"apiVersion": "v1", "kind": "Service", "name": "service"}
    assert figure["metric"] == {"name": "requests_per_second"}
    assert figure["target"] == {"type": "AverageValue", "averageValue": "40"}


def test_each_colour_follows_its_own_requests() -> None:
    colours = {
        "rollout": {"strategy": "blue-green"},
        "pool": {"size": 5, "max_overflow": 0},
        "autoscaling": BY_REQUESTS,
    }
    released = {"number": 2, "active": "blue", "candidate": "registry.example/team/service:1.5.0"}
    found = built(settings("ledger-prod", service=colours, released=released))
    for colour in ("blue", "green"):
        figure = by_requests(found, f"service-{colour}-autoscaler")
        assert figure["metric"]["selector"] == {"matchLabels": {"colour": colour}}


def test_the_adapter_counts_what_users_ask_for_and_no_probe() -> None:
    made = rule(stack())
    assert made["seriesQuery"] == 'api_requests_total{namespace="ledger-prod",part="service"}'
    assert all(probe in made["metricsQuery"] for probe in PROBES)
    assert made["name"]["as"] == by_requests(stack())["metric"]["name"]
    assert made["resources"]["overrides"]["part"] == {"resource": "service"}


def test_the_api_server_is_led_to_the_adapter_by_a_certificate_of_that_name() -> None:
    found = stack()
    (api,) = found.kind("APIService").values()
    assert api["metadata"]["name"] == "v1beta1.custom.metrics.k8s.io"
    place = api["spec"]["service"]
    service = found.kind("Service")["prometheus-adapter-address"]
    assert (place["name"], place["namespace"]) == (
        service["metadata"]["name"],
        service["metadata"]["namespace"],
    )
    assert [place["port"]] == [port["port"] for port in service["spec"]["ports"]]
    assert "insecureSkipTLSVerify" not in api["spec"]
    shown = x509.load_pem_x509_certificate(base64.b64decode(api["spec"]["caBundle"]))
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [f"{place['name']}.{place['namespace']}.svc"]


def test_the_adapter_may_see_nothing_of_the_cluster() -> None:
    found = stack()
    without = built(settings("ledger-prod"))
    more = {
        kind: {
            name: item["roleRef"]["name"]
            for name, item in found.kind(kind).items()
            if name not in without.kind(kind)
        }
        for kind in ("ClusterRoleBinding", "RoleBinding")
    }
    assert more == {
        "ClusterRoleBinding": {"prometheus-adapter-delegator": "system:auth-delegator"},
        "RoleBinding": {"prometheus-adapter-reader": "extension-apiserver-authentication-reader"},
    }
    assert found.kind("ClusterRole").keys() == without.kind("ClusterRole").keys()


def test_without_requests_there_is_no_adapter_and_cpu_alone_decides() -> None:
    found = stack(requests_per_second=None)
    assert found.kind("APIService") == {}
    assert not [name for name in found.kind("Deployment") if "adapter" in name]
    (metric,) = found.kind("HorizontalPodAutoscaler")["service-autoscaler"]["spec"]["metrics"]
    assert metric["resource"]["name"] == "cpu"


def test_pods_are_added_at_once_and_taken_away_after_a_while() -> None:
    behavior = stack().kind("HorizontalPodAutoscaler")["service-autoscaler"]["spec"]["behavior"]
    assert behavior == {
        "scaleUp": {"stabilizationWindowSeconds": 0},
        "scaleDown": {"stabilizationWindowSeconds": 300},
    }
    slower = stack(scale_up_seconds=60, scale_down_seconds=900)
    behavior = slower.kind("HorizontalPodAutoscaler")["service-autoscaler"]["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 60
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 900


@pytest.mark.parametrize(
    ("section", "change", "key"),
    [
        ("monitoring", {"enabled": False}, "monitoring.enabled"),
        ("monitoring", {"operator": True}, "monitoring.operator"),
        ("service", {"enable_metrics": False}, "service.enable_metrics"),
    ],
)
def test_requests_that_nobody_counts_are_refused(section: str, change: dict[str, Any], key: str) -> None:
    good = settings("ledger-prod", service={"autoscaling": BY_REQUESTS})
    bad = good.model_copy(update={section: getattr(good, section).model_copy(update=change)})
    (found,) = [each for each in broken(bad) if each.rule == "requests-are-counted"]
    value = str(next(iter(change.values()))).lower()
    assert found.key == ("service", "autoscaling", "requests_per_second")
    assert found.what == f"40, and {key} is {value}: nobody of the stack's own counts requests"
    off = bad.service.model_copy(update={"autoscaling": Autoscaling(enabled=False, requests_per_second=40)})
    assert not [each for each in broken(bad.model_copy(update={"service": off})) if each.rule == found.rule]
