"""What a stack is told of its network before it is brought up."""

from __future__ import annotations

from typing import Any

import pytest

from infra.settings import rules
from infra.settings.rules.named import NOTES
from tests.infra.mocks import settings

pytestmark = pytest.mark.unit
HOST = {"ingress": {"hosts": ["ledger.example.com"], "tls_secret": "ledger-tls"}}
OPEN, UNCALLED = "network-left-open", "service-called-by-nobody"


@pytest.mark.parametrize(
    ("stack", "sections", "told"),
    [
        ("ledger-prod", {}, {UNCALLED}),
        ("ledger-prod", HOST, set()),
        ("ledger-prod", {"network": {"callers": ["shop"]}}, set()),
        ("ledger-prod", {"service": {"type": "LoadBalancer"}}, set()),
        ("ledger-prod", {"network": {"policies": False}}, {OPEN}),
        ("ledger-prod", {**HOST, "network": {"policies": False}}, {OPEN}),
        ("ledger-staging", {"network": {"policies": False}}, set()),
        ("ledger-dev", {}, set()),
    ],
)
def test_production_is_told_who_cannot_call_it_and_that_it_is_open(
    stack: str, sections: dict[str, Any], told: set[str]
) -> None:
    found = {note.rule for note in rules.notices(settings(stack, **sections))}
    assert found & {OPEN, UNCALLED} == told
    assert {OPEN, UNCALLED} <= NOTES.keys()


def test_hosts_of_the_stacks_own_namespace_are_no_matter_without_policies() -> None:
    tracing = {"enabled": True, "endpoint": "http://collector:4318"}
    assert settings("ledger-dev", tracing=tracing, network={"policies": False}).tracing.enabled
