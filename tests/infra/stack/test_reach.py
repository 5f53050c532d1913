"""Which addresses are used as they are, and which are forwarded from inside the cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra import reach
from infra.errors import UserError

pytestmark = pytest.mark.unit


def kubectl(folder: Path, line: str) -> dict[str, str]:
    """An environment whose kubectl prints that line and waits to be ended."""
    folder.mkdir()
    file = folder / "kubectl"
    file.write_text(f"#!{sys.executable}\n{line}\n")
    file.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize("url", ["http://10.201.0.2:30080", "https://ledger.example.com", "", "http://svc"])
def test_an_address_that_others_can_use_is_left_alone(url: str) -> None:
    assert reach.forward_command(url) is None
    with reach.reachable(url, {}) as address:
        assert address == url


def test_an_address_inside_the_cluster_is_forwarded_to_a_free_port() -> None:
    assert reach.forward_command("http://service.ledger-dev.svc") == [
        "kubectl", "port-forward", "--namespace", "ledger-dev", "service/service", ":80"
    ]  # fmt: skip


def test_the_forwarded_address_is_what_kubectl_says(tmp_path: Path) -> None:
    values = kubectl(
        tmp_path / "bin",
        "import signal; print('Forwarding from 127.0.0.1:4711 -> 8000', flush=True); signal.pause()",
    )
    with reach.reachable("http://service.ledger-dev.svc", values) as address:
        assert address == "http://127.0.0.1:4711"


def test_why_nothing_can_be_forwarded_is_told(tmp_path: Path) -> None:
    values = kubectl(tmp_path / "bin", "import sys; sys.exit('error: no pod of it runs')")
    with (
        pytest.raises(UserError, match="cannot be forwarded: error: no pod of it runs"),
        reach.reachable("http://service.ledger-dev.svc", values),
    ):
        pytest.fail("nothing can be reached")
