"""What kind gateway plans: a Gateway of the stack's own or the platform's, and routes to it."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema_rs import ValidationError

from infra.render.gateway import API_VERSION
from infra.settings import rules
from infra.settings.rules.named import NOTES
from tests.infra.mocks import Built, built, settings
from tests.infra.program import gateway_api

pytestmark = pytest.mark.unit
STACK = "ledger-staging"
HOSTS = ["a.example.com", "b.example.com"]
OWN = {"kind": "gateway", "hosts": HOSTS, "class_name": "eg"}
PUBLIC = {"name": "public", "namespace": "gateways"}
SHARED = {"kind": "gateway", "hosts": HOSTS, "gateway": PUBLIC}
TLS = {**SHARED, "gateway": {**PUBLIC, "https_listener": "https", "http_listener": "http"}}
WAYS: dict[str, dict[str, Any]] = {
    "own, plain": OWN,
    "own, with a Secret": {**OWN, "tls_secret": "ledger-tls"},
    "own, with cert-manager": {**OWN, "cluster_issuer": "letsencrypt", "timeout_seconds": 3600},
    "own, 16 hosts": {**OWN, "hosts": [f"h{n}.example.com" for n in range(16)], "tls_secret": "ledger-tls"},
    "platform's, every listener": SHARED,
    "platform's, with TLS": TLS,
}
GRAFANA = {"enabled": True, "host": "grafana.example.com"}


def program(way: dict[str, Any], **sections: Any) -> Built:
    return built(settings(STACK, ingress=way, **sections))


def spec(made: Built, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = made.kind(kind)[name]["spec"]
    return found


def parents(made: Built, name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = spec(made, "HTTPRoute", name)["parentRefs"]
    return found


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_object_is_what_gateway_api_defines(way: dict[str, Any]) -> None:
    made = program(way)
    objects = [*made.kind("Gateway").values(), *made.kind("HTTPRoute").values()]
    assert {each["kind"] for each in objects} >= {"HTTPRoute"}
    for each in objects:
        assert each["apiVersion"] == API_VERSION
        gateway_api.judge(each)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Gateway", ("listeners", 0, "hosts")),
        ("HTTPRoute", ("rules", 0, "timeout")),
        ("HTTPRoute", ("bodyLimit",)),
    ],
)
def test_a_key_that_gateway_api_does_not_know_is_refused(kind: str, path: tuple[str | int, ...]) -> None:
    wrong = next(iter(program(OWN).kind(kind).values()))
    place: Any = wrong["spec"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "10s"
    with pytest.raises(ValidationError, match=str(path[-1])):
        gateway_api.judge(wrong)


def test_the_stacks_own_gateway_serves_each_host_with_one_certificate() -> None:
    made = program({**OWN, "tls_secret": "ledger-tls"})
    gateway = spec(made, "Gateway", "ingress-gateway")
    assert gateway["gatewayClassName"] == "eg"
    assert {each["name"]: (each["port"], each["protocol"]) for each in gateway["listeners"]} == {
        "http": (80, "HTTP"), **dict.fromkeys(HOSTS, (443, "HTTPS"))
    }  # fmt: skip
    secrets = [each["tls"]["certificateRefs"] for each in gateway["listeners"] if "tls" in each]
    assert secrets == [[{"kind": "Secret", "name": "ledger-tls"}]] * 2
    assert {each["allowedRoutes"]["namespaces"]["from"] for each in gateway["listeners"]} == {"Same"}
    assert "annotations" not in made.kind("Gateway")["ingress-gateway"]["metadata"]


def test_cert_manager_finds_its_issuer_at_the_gateway_and_a_secret_to_write_to() -> None:
    made = program({**OWN, "cluster_issuer": "letsencrypt"})
    gateway = made.kind("Gateway")["ingress-gateway"]
    assert gateway["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    names = {
        ref["name"]
        for each in gateway["spec"]["listeners"]
        for ref in each.get("tls", {}).get("certificateRefs", [])
    }
    assert names == {"ingress-tls"}
    assert [each for each in made.kind("HTTPRoute").values() if "annotations" in each["metadata"]] == []


def test_every_host_leads_to_the_services_port_by_https_alone() -> None:
    made = program({**OWN, "tls_secret": "ledger-tls", "timeout_seconds": 45})
    route = spec(made, "HTTPRoute", "ingress-route")
    address = made.kind("Service")["service-address"]
    (rule,) = route["rules"]
    assert route["hostnames"] == HOSTS
    assert rule["backendRefs"] == [
        {"name": address["metadata"]["name"], "port": address["spec"]["ports"][0]["port"]}
    ]
    assert rule["timeouts"] == {"request": "45s"}
    assert parents(made, "ingress-route") == [
        {"name": "ingress-gateway", "sectionName": host} for host in HOSTS
    ]
    assert made.exports["url"] == "https://a.example.com"
    assert made.awaited["ingress-route"] >= {"ingress-gateway"}


def test_plain_requests_are_sent_on_to_https() -> None:
    made = program({**OWN, "tls_secret": "ledger-tls"})
    moved = {"scheme": "https", "statusCode": 301}
    (rule,) = spec(made, "HTTPRoute", "ingress-redirect")["rules"]
    assert rule == {"filters": [{"type": "RequestRedirect", "requestRedirect": moved}]}
    assert parents(made, "ingress-redirect") == [{"name": "ingress-gateway", "sectionName": "http"}]


def test_without_a_certificate_plain_requests_are_answered() -> None:
    made = program(OWN)
    assert list(made.kind("HTTPRoute")) == ["ingress-route"]
    assert parents(made, "ingress-route") == [{"name": "ingress-gateway", "sectionName": "http"}]
    assert made.exports["url"] == "http://a.example.com"


def test_at_the_platforms_gateway_there_are_routes_alone() -> None:
    made = program(TLS)
    assert made.kind("Gateway") == made.kind("Ingress") == {}
    assert parents(made, "ingress-route") == [{**PUBLIC, "sectionName": "https"}]
    assert parents(made, "ingress-redirect") == [{**PUBLIC, "sectionName": "http"}]
    assert made.exports["url"] == "https://a.example.com"


def test_at_a_gateway_of_unknown_listeners_the_route_takes_what_it_is_given() -> None:
    made = program(SHARED)
    assert parents(made, "ingress-route") == [PUBLIC]
    assert list(made.kind("HTTPRoute")) == ["ingress-route"]
    assert made.exports["url"] == "http://a.example.com"


@pytest.mark.parametrize("way", [{**OWN, "cluster_issuer": "letsencrypt"}, TLS], ids=["own", "platform's"])
def test_grafana_comes_in_the_same_way(way: dict[str, Any]) -> None:
    made = program(way, monitoring={"enabled": True, "grafana": GRAFANA})
    route = spec(made, "HTTPRoute", "grafana-ingress-route")
    assert route["hostnames"] == ["grafana.example.com"]
    assert made.kind("Ingress") == {}
    assert made.exports["grafana"] == "https://grafana.example.com"
    gateways = {"ingress-gateway", "grafana-ingress-gateway"} if way is not TLS else set()
    assert set(made.kind("Gateway")) == gateways
    for each in [*made.kind("Gateway").values(), *made.kind("HTTPRoute").values()]:
        gateway_api.judge(each)


def test_an_nginx_in_front_makes_no_object_and_the_address_is_the_hosts() -> None:
    way = {"kind": "nginx", "hosts": HOSTS, "nginx": {"upstreams": ["10.0.0.11:30080"]}}
    made = program(way, service={"type": "NodePort", "node_port": 30080, "trusted_proxies": ["10.0.0.0/24"]})
    assert made.kind("Ingress") == made.kind("Gateway") == made.kind("HTTPRoute") == {}
    assert made.exports["url"] == "https://a.example.com"


@pytest.mark.parametrize(
    ("way", "network", "told"),
    [
        (TLS, {}, True),
        (TLS, {"ingress_namespace": "envoy-gateway-system"}, False),
        (TLS, {"policies": False}, False),
        ({"hosts": HOSTS}, {}, False),
    ],
)
def test_whoever_uses_a_gateway_is_told_to_name_its_proxies(
    way: dict[str, Any], network: dict[str, Any], told: bool
) -> None:
    found = {note.rule for note in rules.notices(settings(STACK, ingress=way, network=network))}
    assert ("gateway-proxies-elsewhere" in found) == told
    assert "gateway-proxies-elsewhere" in NOTES
