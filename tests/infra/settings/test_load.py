"""What the program reads from Pulumi is what was checked in the stack file, or nothing is deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as engine

from infra.settings import layers, load
from infra.settings.stack import StackName

pytestmark = pytest.mark.unit
SECRETS = dict.fromkeys(
    ("postgresOwnerPassword", "postgresServicePassword", "redisPassword", "secretKey", "devToken"), "x" * 40
)
FILE: dict[str, Any] = {
    "cluster": {"sandbox": True},
    "images": {"catalogue": "sandbox"},
    "service": {"replicas": 2, "allowed_origins": ["https://a.example"]},
}


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``given(sections)``: load the stack ledger-dev of FILE, while the engine holds these sections."""
    sealed = {name: {"secure": "v1:x"} for name in SECRETS}
    sections = {f"slipway:{name}": value for name, value in {**FILE, "secrets": sealed}.items()}
    text = json.dumps({"encryptionsalt": "v1:x:v1:x:x", "config": sections})
    (tmp_path / "Pulumi.ledger-dev.yaml").write_text(text)
    monkeypatch.setenv("SLIPWAY_STACKS", str(tmp_path))
    monkeypatch.setattr(pulumi, "get_stack", lambda: "ledger-dev")
    monkeypatch.setattr("pulumi.config.get_project", lambda: "slipway")

    def run(sections: dict[str, Any]) -> Any:
        values = {f"slipway:{name}": json.dumps(value) for name, value in sections.items()}
        token, stack = engine.CONFIG.set(values), StackName.parse("ledger-dev")
        try:
            return load._same_as_checked(stack, layers.read(stack)[0][-1])
        finally:
            engine.CONFIG.reset(token)

    return run


def test_the_same_sections_are_accepted(given: Any) -> None:
    assert given({**FILE, "secrets": SECRETS}) is not None


def test_a_section_that_only_pulumi_yaml_gives_is_no_difference(given: Any) -> None:
    service = {**FILE["service"], "pool": {}, "rollout": None}
    assert given({**FILE, "service": service, "redis": {}, "modules": [], "secrets": SECRETS}) is not None


@pytest.mark.parametrize(
    ("changed", "keys"),
    [
        ({"service": {**FILE["service"], "replicas": 3}}, "slipway:service.replicas"),
        ({"service": {**FILE["service"], "pool": {"size": 9}}}, "slipway:service.pool.size"),
        ({"service": {"replicas": 2}}, "slipway:service.allowed_origins"),
        ({"service": "3"}, "slipway:service"),
        ({"modules": ["support"]}, "slipway:modules"),
        ({"cluster": {"sandbox": False}, "redis": {"maxmemory": "1Gi"}},
         "slipway:cluster.sandbox, slipway:redis.maxmemory"),
        ({"secrets": {}}, "slipway:secrets"),
        ({"secrets": {**SECRETS, "openaiApiKey": "x"}}, "slipway:secrets"),
    ],
)  # fmt: skip
def test_anything_else_than_the_file_is_refused_with_its_key_and_the_remedy(
    given: Any, changed: dict[str, Any], keys: str, tmp_path: Path
) -> None:
    sections = {**FILE, "secrets": SECRETS, **changed}
    with pytest.raises(pulumi.RunError) as caught:
        given(sections)
    text = str(caught.value)
    assert text.startswith(f"{keys}: Pulumi was given another value than {tmp_path}/Pulumi.ledger-dev.yaml")
    assert f"--config-file {tmp_path}/Pulumi.ledger-dev.yaml" in text
    assert "export SLIPWAY_STACKS=" in text


def test_no_value_is_shown(given: Any) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        given({**FILE, "service": {"replicas": "hunter2"}, "secrets": SECRETS})
    assert "hunter2" not in str(caught.value)
