"""Declared links against what planned pods are told: each address has its link, each link its address."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from infra import ranges
from infra.render import release
from infra.render.network import links
from infra.render.network.peers import Address, Link, Namespace, Peer, Place, Port, Protocol, Workload
from infra.settings.model import Settings
from tests.infra.mocks import SECRETS, Built, built, settings
from tests.infra.network.told import URL, Services, in_cluster, templates, texts

pytestmark = pytest.mark.unit
Pair = tuple[str, str, int]
OF_THE_CLUSTER = {("kube-dns", "kube-system"), ("kubernetes", "default")}
MAIL = {"to": ["a@example.com"], "sender": "b@example.com", "smarthost": "smtp.example.com:2525"}
TOLD = {"slack": {"channel": "#alerts"}, "email": MAIL, "heartbeat": {"every_minutes": 5}}
OIDC = {
    "client_id": "grafana",
    "auth_url": "https://login.example.com/authorize",
    "token_url": "https://token.example.com:8443/token",
    "api_url": "https://user.example.com/userinfo",
}
AUTH = {
    "issuer": "https://issuer.example.com",
    "audience": "ledger",
    "jwks_url": "https://keys.example.com:9443/jwks.json",
}
SHARED: dict[str, Any] = {
    "service": {"auth": AUTH},
    "ingress": {"hosts": ["ledger.example.com"], "cluster_issuer": "letsencrypt"},
    "tracing": {"enabled": True, "endpoint": "https://traces.example.com:4318"},
}
BY_REQUESTS = {
    "autoscaling": {"enabled": True, "min_replicas": 1, "max_replicas": 2, "requests_per_second": 40}
}
STACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "all in the cluster": (
        "ledger-prod",
        {
            **SHARED,
            "backups": {"enabled": True, "bucket": "ledger-backups", "pitr": {"enabled": True}},
            "monitoring": {
                "receivers": TOLD,
                "grafana": {"enabled": True, "host": "grafana.example.com", "oidc": OIDC},
            },
        },
    ),
    "measured by the cluster, kept elsewhere": (
        "ledger-prod",
        {
            **SHARED,
            "monitoring": {"operator": True},
            "backups": {
                "enabled": True,
                "bucket": "ledger-backups",
                "store": {"kind": "s3", "endpoint": "https://s3.example.com:9000"},
                "pitr": {"enabled": True},
            },
        },
    ),
    "the sandbox": ("sandbox", {"backups": {"pitr": {"enabled": True}}}),
    "scaled by requests": ("ledger-prod", {"service": BY_REQUESTS}),
    "the sandbox, scaled by requests": ("sandbox", {"service": BY_REQUESTS}),
    "a service alone": ("ledger-dev", {}),
    "a candidate beside it": (
        "ledger-staging",
        {
            "service": {"rollout": {"strategy": "blue-green"}},
            "images": {"service": "registry.example/team/service:1"},
            "released": {"number": 3, "image": "registry.example/team/service:1", "candidate": "x/y/z:2"},
            "monitoring": {"enabled": True},
            "postgres": {
                "max_connections": 500,
                "resources": {"memory_request": "4Gi", "memory_limit": "4Gi"},
            },
        },
    ),
}
# Addresses in a pod's variables to which it opens no connection.
ONLY_NAMED = {
    "ALLOWED_ORIGINS": "pages whose calls are answered",
    "JWT_ISSUER": "compared with what a token says",
    "GF_SERVER_ROOT_URL": "Grafana's own, as browsers see it",
    "GF_AUTH_GENERIC_OAUTH_AUTH_URL": "where browsers are sent",
}
# The checks have the service's own variables, and ask nobody but the service.
TO_CHECKS = ("DATABASE_URL", "REDIS_URL")


@cache
def made(case: str) -> tuple[Settings, Built]:
    wanted = settings(STACKS[case][0], **STACKS[case][1])
    return wanted, built(wanted)


def declared(wanted: Settings) -> tuple[Link, ...]:
    return links.all_links(wanted, ranges.of(wanted))


def between_parts(wanted: Settings) -> set[Pair]:
    """What is declared among the stack's own pods; a pod reaches itself without."""
    return {
        (link.source.component, link.target.component, port.number)
        for link in declared(wanted)
        for port in link.ports
        if isinstance(link.source, Workload)
        and isinstance(link.target, Workload)
        and port.number
        and link.source != link.target
    }


def not_yet(wanted: Settings) -> set[Pair]:
    """Contract revisions wait until no older version is left."""
    contract = "service-contract", "postgres", 5432
    return {contract} if wanted.released.candidate else set()


@pytest.mark.parametrize("case", STACKS)
def test_every_address_of_a_part_that_another_is_told_is_declared_and_no_other(case: str) -> None:
    wanted, plan = made(case)
    services, found = Services.of(plan), set()
    sometimes = release.pods_services(wanted) + release.pods_services(wanted, tried=True)
    for text in texts(plan):
        if text.component == links.CHECKS and text.name in TO_CHECKS:
            continue
        for service, namespace, port in in_cluster(text):
            if (service, namespace) in OF_THE_CLUSTER:
                continue
            there = services.behind(service, namespace, port)
            if there is None and service in sometimes:
                continue
            assert there is not None, f"{text.component} is told {service}.{namespace}, which nobody makes"
            found |= {(text.component, *there)} - {(text.component, text.component, there[1])}
    assert found == between_parts(wanted) - not_yet(wanted)


@pytest.mark.parametrize("case", STACKS)
def test_every_address_outside_that_a_part_is_told_by_a_variable_is_declared(case: str) -> None:
    wanted, plan = made(case)
    for text in texts(plan):
        if text.name in ONLY_NAMED or "." in text.name or text.name == "command":
            continue
        for found in URL.finditer(text.text):
            if found["host"].endswith(".svc") or found["host"] in ("localhost", "127.0.0.1"):
                continue
            port = int(found["port"] or 443)
            assert leads(wanted, text.component, Place.OUTSIDE, port), f"{text.component}: {text.name}"


def leads(wanted: Settings, component: str, target: Peer, port: int | None) -> bool:
    return any(
        isinstance(link.source, Workload)
        and link.source.component == component
        and link.target == target
        and Port(port) in link.ports
        for link in declared(wanted)
    )


def test_the_variables_that_only_name_an_address_are_those_of_some_stack() -> None:
    names = {text.name for case in STACKS for text in texts(made(case)[1])}
    assert set(ONLY_NAMED) <= names


OUTSIDE = [
    ("service", 9443), ("service", 4318), ("alertmanager", 2525), ("alertmanager", 443), ("grafana", 8443),
    ("grafana", 443), ("blackbox-exporter", 443),
]  # fmt: skip


@pytest.mark.parametrize(("component", "port"), OUTSIDE)
def test_what_settings_name_outside_is_declared_for_the_part_that_asks_it(component: str, port: int) -> None:
    assert leads(made("all in the cluster")[0], component, Place.OUTSIDE, port)


def test_alertmanagers_mail_server_is_the_one_that_its_file_names() -> None:
    wanted, plan = made("all in the cluster")
    files = [text.text for text in texts(plan) if text.name == "alertmanager.yml"]
    assert ["smtp.example.com:2525" in text for text in files] == [True]
    assert leads(wanted, "alertmanager", Place.OUTSIDE, 2525)


@pytest.mark.parametrize("part", ["backup-database", "backup-exporter", "backup-pitr", "postgres"])
def test_a_store_elsewhere_is_reached_at_its_own_port(part: str) -> None:
    wanted, plan = made("measured by the cluster, kept elsewhere")
    assert leads(wanted, part, Place.OUTSIDE, 9000)
    told = "".join(text.text for text in texts(plan) if text.component == part)
    assert "s3.example.com" in told
    assert "9000" in told


@pytest.mark.parametrize(
    ("host", "target", "port"),
    [
        ("collector.observability.svc", Namespace("observability"), None),
        ("collector.observability.svc.cluster.local", Namespace("observability"), None),
        ("10.1.2.3", Address("10.1.2.3"), 4318),
        ("traces.example.com", Place.OUTSIDE, 4318),
    ],
)
def test_a_host_is_reached_where_its_name_says_that_it_is(host: str, target: Peer, port: int | None) -> None:
    tracing = {"enabled": True, "endpoint": f"http://{host}:4318"}
    assert leads(settings("ledger-dev", tracing=tracing), "service", target, port)


def test_the_clusters_prometheus_reaches_what_its_monitors_name() -> None:
    """By label and port name, as the operator finds it."""
    wanted, plan = made("measured by the cluster, kept elsewhere")
    services, found = Services.of(plan), set()
    for monitor in plan.kind("ServiceMonitor").values():
        part = monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
        rows = [
            (name, namespace)
            for (name, namespace), spec in services.rows.items()
            if spec["selector"]["app.kubernetes.io/component"] == part
        ]
        for endpoint in monitor["spec"]["endpoints"]:
            there = {
                services.behind(name, namespace, endpoint["port"])
                for name, namespace in rows
                if endpoint["port"] in [port["name"] for port in services.rows[name, namespace]["ports"]]
            }
            assert there, f"no port {endpoint['port']} of {part}"
            found |= there
    for probe in plan.kind("Probe").values():
        host, _, port = probe["spec"]["prober"]["url"].partition(":")
        name, namespace, _ = host.split(".")
        found.add(services.behind(name, namespace, int(port)))
    reader = Namespace(wanted.network.prometheus_namespace)
    opened = {
        (link.target.component, port.number)
        for link in declared(wanted)
        for port in link.ports
        if link.source == reader and isinstance(link.target, Workload)
    }
    assert opened == found


def test_what_looks_at_the_cluster_itself_reaches_the_api_server_and_the_nodes() -> None:
    for case in STACKS:
        wanted, plan = made(case)
        accounts = {component for component, spec in templates(plan) if spec.get("serviceAccountName")}
        asking = {
            link.source.component
            for link in declared(wanted)
            if link.target is Place.NODES and isinstance(link.source, Workload)
        }
        assert asking == accounts, f"{case}: who has a service account asks the API server"


def test_whoever_opens_a_connection_looks_names_up_and_nobody_else_does() -> None:
    wanted, _ = made("all in the cluster")
    opening = {link.source for link in declared(wanted) if not _is_lookup(link)}
    looking = {link.source for link in declared(wanted) if _is_lookup(link)}
    assert looking == {source for source in opening if isinstance(source, Workload)}
    silent = {"redis", "object-store", "node-exporter", "logs-service", "logs-parts"}
    assert {source.component for source in looking if isinstance(source, Workload)} & silent == set()


def _is_lookup(link: Link) -> bool:
    return Port(53, Protocol.UDP) in link.ports


def test_the_secrets_of_receivers_stand_for_addresses_that_nobody_here_knows() -> None:
    """Slack's and the heartbeat's: whatever they are, they are reached by https."""
    wanted, plan = made("all in the cluster")
    auth = [
        text for text in texts(plan) if text.component == "alertmanager" and text.text in SECRETS.values()
    ]
    assert {text.name for text in auth} >= {"slackWebhookUrl", "heartbeatUrl"}
    assert leads(wanted, "alertmanager", Place.OUTSIDE, 443)
