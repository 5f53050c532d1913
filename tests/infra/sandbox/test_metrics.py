"""metrics-server in a cluster: who has it, under which name it serves, and what it may see."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from infra.sandbox import cluster, identities, metrics, tools
from infra.sandbox.config import SandboxConfig, remember, resolve, standing
from tests.infra.sandbox.helpers import program

pytestmark = pytest.mark.unit
PLAIN = SandboxConfig("measured", 7)
MEASURED = replace(PLAIN, metrics=True)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_a_cluster_that_has_it_keeps_it() -> None:
    assert not resolve("measured").metrics
    PLAIN.state.mkdir(parents=True)
    remember(PLAIN)
    assert not resolve("measured").metrics
    remember(MEASURED)
    assert resolve("measured").metrics
    assert standing("measured", 7) == MEASURED


def test_it_is_a_part_of_those_clusters_alone_that_have_it() -> None:
    assert set(cluster.parts_of(MEASURED)) - set(cluster.parts_of(PLAIN)) == {"metrics-server"}
    mine, theirs = ({leaf.name for leaf in identities.leaves(each)} for each in (MEASURED, PLAIN))
    assert mine - theirs == {"metrics-server"}


def test_it_serves_by_the_name_by_which_the_api_server_calls_it() -> None:
    identities.ensure(MEASURED)
    shown = x509.load_pem_x509_certificate((MEASURED.pki / "metrics-server.crt").read_bytes())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    service = metrics.api_service(MEASURED)["spec"]["service"]
    assert f"{service['name']}.{service['namespace']}.svc" in names.get_values_for_type(x509.DNSName)
    authority = base64.b64decode(metrics.api_service(MEASURED)["spec"]["caBundle"])
    shown.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))


def test_the_api_server_is_sent_to_where_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    program(tmp_path / "bin", "metrics-server", f"v{tools.wanted_version('metrics-server')}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    identities.ensure(MEASURED)
    argv = metrics.part(MEASURED).argv
    (port,), (endpoint,) = (metrics.endpoints(MEASURED)[key] for key in ("ports", "endpoints"))
    assert f"--secure-port={port['port']}" in argv
    assert f"--bind-address={endpoint['addresses'][0]}" in argv
    (of_service,) = metrics.service()["spec"]["ports"]
    assert (of_service["name"], of_service["port"]) == (port["name"], 443)
    assert not cache.exists(), "what is on PATH is not built"


@pytest.mark.parametrize(
    ("status", "amiss"),
    [
        (None, "the API server does not know it yet"),
        ({}, "the API server does not know it yet"),
        ({"conditions": [{"type": "Available", "status": "False", "message": "no response"}]}, "no response"),
        ({"conditions": [{"type": "Available", "status": "True"}]}, None),
    ],
)
def test_it_serves_once_the_api_server_passes_requests_on(
    status: dict[str, object] | None, amiss: str | None
) -> None:
    assert metrics.served_amiss(_Answers(status)) == amiss  # type: ignore[arg-type]


class _Answers:
    """An API server with that APIService, or with none."""

    def __init__(self, status: dict[str, object] | None) -> None:
        self._found: dict[str, object] | None = None if status is None else {"status": status}

    def get(self, kind: str, name: str) -> dict[str, object] | None:
        assert (kind, name) == ("APIService", "v1beta1.metrics.k8s.io")
        return self._found
