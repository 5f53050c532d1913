"""What kind gateway renders, against the kinds as Gateway API defines them: the API server judges.

The definitions are applied for these tests and taken away again; of the objects nothing stays (dry run).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.render import gateway
from infra.settings.ingress import Ingress, IngressKind, SharedGateway
from tests.infra.program import gateway_api
from tests.live.conftest import Kubectl

pytestmark = [pytest.mark.live, pytest.mark.slow]
HOSTS = tuple(f"h{number}.example.com" for number in range(16))
OWN = Ingress(kind=IngressKind.GATEWAY, hosts=HOSTS, class_name="eg", cluster_issuer="letsencrypt")
LISTENERS = SharedGateway(name="public", namespace="gateways", https_listener="https", http_listener="http")
SHARED = Ingress(kind=IngressKind.GATEWAY, hosts=HOSTS, gateway=LISTENERS)


@pytest.fixture(scope="module")
def definitions(kubectl: Kubectl) -> Iterator[list[str]]:
    """The kinds exist while these tests run. A cluster that has them already keeps its own."""
    names = [f"{plural}.{gateway.GROUP}" for plural in gateway_api.KINDS.values()]
    there = kubectl("get", "customresourcedefinitions", "--output=name", "--ignore-not-found", *names)
    if there:
        pytest.fail(f"the sandbox has kinds of Gateway API that are not this test's: {there}")
    try:
        kubectl(
            "apply", "--server-side", *(f"--filename={gateway_api.file(kind)}" for kind in gateway_api.KINDS)
        )
        for name in names:
            kubectl(
                "wait", "--for=condition=Established", f"customresourcedefinition/{name}", "--timeout=60s"
            )
        yield names
    finally:
        kubectl("delete", "customresourcedefinition", "--ignore-not-found", *names)


def manifests(settings: Ingress, namespace: str) -> list[dict[str, Any]]:
    """Every object of the way in, in the stack's namespace."""
    specs = {"route": ("HTTPRoute", gateway.route(settings, "own", "service", 80))}
    if not settings.shared:
        specs["own"] = ("Gateway", gateway.gateway(settings, "ingress-tls"))
    if moved := gateway.redirect(settings, "own"):
        specs["redirect"] = ("HTTPRoute", moved)
    return [
        {
            "apiVersion": gateway.API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "spec": copy.deepcopy(spec),
        }
        for name, (kind, spec) in specs.items()
    ]


def judged(kubectl: Kubectl, items: list[dict[str, Any]]) -> list[str]:
    """What the API server would store, or AssertionError with what it says; it stores nothing."""
    every = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    strictly = ("--server-side", "--dry-run=server", "--validate=strict", "--filename=-")
    return kubectl("apply", *strictly, "--output=name", stdin=every).split()


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize(("settings", "objects"), [(OWN, 3), (SHARED, 2)], ids=["own", "platform's"])
def test_the_api_server_takes_every_object(
    settings: Ingress, objects: int, kubectl: Kubectl, outputs: dict[str, Any]
) -> None:
    assert len(judged(kubectl, manifests(settings, outputs["namespace"]))) == objects


@pytest.mark.usefixtures("definitions")
def test_a_listener_that_stands_twice_is_refused_by_the_rules_in_cel(
    kubectl: Kubectl, outputs: dict[str, Any]
) -> None:
    (own,) = (each for each in manifests(OWN, outputs["namespace"]) if each["kind"] == "Gateway")
    own["spec"]["listeners"].append({**own["spec"]["listeners"][0], "name": "again"})
    with pytest.raises(AssertionError, match="unique"):
        judged(kubectl, [own])
