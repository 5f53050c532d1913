"""What `slipway up` ends with."""

from __future__ import annotations

import pytest

from infra.cli import FOLDER
from infra.cli.lifecycle import next_steps

pytestmark = pytest.mark.unit


def test_an_address_of_this_machine_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    assert next_steps("sandbox", "http://10.201.0.2:30080").splitlines()[2:4] == [
        "  curl http://10.201.0.2:30080/health   how the service is",
        "  slipway demo sandbox                  import a household ledger and read its summary",
    ]


def test_an_address_inside_the_cluster_is_forwarded_once_kubectl_is_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FOLDER, "/our stacks")
    lines = next_steps("ledger-dev", "http://service.ledger-dev.svc").splitlines()
    assert "eval \"$(slipway --stacks '/our stacks' env ledger-dev)\"" in lines[-3]
    assert "kubectl port-forward --namespace ledger-dev service/service 8080:80" in lines[-2]
    assert "then: curl http://127.0.0.1:8080/health" in lines[-2]


def test_a_stack_that_keeps_lines_tells_how_they_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    url = "http://10.201.0.2:30080"
    assert "slipway logs" not in next_steps("sandbox", url)
    assert "  slipway logs sandbox --level error " in next_steps("sandbox", url, logs=True)
