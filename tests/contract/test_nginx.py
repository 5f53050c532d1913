"""The nginx in front of the cluster against the service behind it."""

from __future__ import annotations

import pytest

from app import contract, main
from app.core.middleware import headers
from infra.render import nginx

pytestmark = pytest.mark.unit


def test_nginx_own_answers_carry_the_services_headers() -> None:
    assert dict(nginx.HEADERS) == headers.SECURITY_HEADERS


def test_an_idle_connection_is_closed_by_nginx_and_not_by_the_service() -> None:
    assert nginx.UPSTREAM_IDLE_SECONDS < main.KEEP_ALIVE_SECONDS


def test_of_the_probes_health_alone_is_let_through() -> None:
    assert {*nginx.INSIDE, contract.HEALTH_PATH} == set(contract.PROBE_PATHS)
