"""What `slipway up` ends with."""

from __future__ import annotations

import pytest

from infra.cli import FOLDER
from infra.cli.lifecycle import next_steps

pytestmark = pytest.mark.unit
URL = "http://10.201.0.2:30080"


def test_an_address_of_this_machine_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    assert next_steps("sandbox", {"url": URL}).splitlines()[2:4] == [
        "  curl http://10.201.0.2:30080/health   how the service is",
        "  slipway demo sandbox                  import a household ledger and read its summary",
    ]


def test_an_address_inside_the_cluster_is_forwarded_once_kubectl_is_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FOLDER, "/our stacks")
    lines = next_steps("ledger-dev", {"url": "http://service.ledger-dev.svc"}).splitlines()
    assert "eval \"$(slipway --stacks '/our stacks' env ledger-dev)\"" in lines[-3]
    assert "kubectl port-forward --namespace ledger-dev service/service 8080:80" in lines[-2]
    assert "then: curl http://127.0.0.1:8080/health" in lines[-2]


def test_a_stack_that_is_watched_and_keeps_lines_tells_how_one_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    plain = next_steps("sandbox", {"url": URL})
    assert not {"alerts", "dashboards", "logs"} & set(plain.split())
    places = {"url": URL, "alertmanager": "http://a.svc:9093", "logs of parts": "http://l.svc:9428"}
    words = next_steps("sandbox", places)
    for command in ("alerts list sandbox", "dashboards sandbox", "logs sandbox --level error"):
        assert f"  slipway {command} " in words
