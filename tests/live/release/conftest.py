"""A stack of two colours of its own, on the sandbox."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml

from infra.kubectl import Place
from infra.sandbox.config import SandboxConfig
from infra.settings.secrets import SecretName
from tests.live.release import variants
from tests.live.team import Answer, Team, told

STACK, NODE_PORT = "released-dev", 30192
SECTIONS: dict[str, dict[str, Any]] = {
    "cluster": {"sandbox": True},
    "images": {"catalogue": "sandbox"},
    "service": {
        "replicas": 2,
        "type": "NodePort",
        "node_port": NODE_PORT,
        "pool": {"size": 4, "max_overflow": 0},
        "rate_limit": {"per_minute": 100_000, "per_hour": 1_000_000, "per_day": 10_000_000},
        "rollout": {
            "strategy": "blue-green",
            "min_ready_seconds": 0,
            "progress_deadline_seconds": 30,
            "startup_seconds": 20,
            "drain_seconds": 2,
            "migration_seconds": 60,
            "migration_retries": 0,
        },
        "release": {
            "checks_seconds": 30,
            "soak_seconds": 30,
            "checks_per_second": 40,  # 1,200 find one in fifty in 99.5 % of the runs
            "watch_seconds": 15,
            "keep_minutes": 10,
            "p95_floor_ms": 500,
        },
        "resources": {"cpu_request": "100m", "memory_request": "96Mi", "memory_limit": "256Mi"},
    },
    "postgres": {"storage": "1Gi"},
    "monitoring": {
        "enabled": True,
        "scrape_interval_seconds": 5,
        "storage": "1Gi",
        "retention_size": "512Mi",
        "exporter_resources": {"cpu_request": "5m", "memory_request": "16Mi", "memory_limit": "96Mi"},
    },
}


@dataclass
class Released:
    """The stack, as people use it from the shell and from outside."""

    team: Team
    token: str
    images: variants.Images

    @property
    def url(self) -> str:
        return f"http://{SandboxConfig().node_address}:{NODE_PORT}"

    def version(self) -> str:
        """Which image answers its users."""
        answer = httpx.get(f"{self.url}/health", timeout=10)
        answer.raise_for_status()
        return str(answer.json()["version"])

    @property
    def place(self) -> Place:
        """Where it is."""
        said = self.team.plain("env -0")
        assert said.returncode == 0, told(said)
        variables = dict(line.split("=", 1) for line in said.stdout.split("\0") if line)
        return Place(STACK, STACK, variables)

    def file(self) -> dict[str, Any]:
        """``slipway:released`` of the stack file."""
        config: dict[str, Any] = yaml.safe_load(self.team.file.read_text())["config"]
        return config.get("slipway:released") or {}

    @property
    def active(self) -> str:
        """The colour that has the traffic; blue where the file says nothing."""
        return str(self.file().get("active", "blue"))

    def releases(self) -> list[dict[str, Any]]:
        """What `slipway releases` lists, the newest first."""
        answer = self.team.slipway("releases", "--json")
        assert answer.returncode == 0, told(answer)
        listed: list[dict[str, Any]] = json.loads(answer.stdout)
        return listed

    def release(self, variant: str) -> Answer:
        """`slipway release --image`."""
        return self.team.slipway("release", "--image", self.images[variant])

    def deployments(self) -> dict[str, str]:
        """Deployment of the service → image."""
        line = "kubectl get deployments --namespace released-dev --output json"
        answer = self.team.plain(line + " --selector app.kubernetes.io/component=service")
        assert answer.returncode == 0, told(answer)
        return {
            item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]["image"]
            for item in json.loads(answer.stdout)["items"]
        }


@pytest.fixture(scope="package")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    folder = tmp_path_factory.mktemp("released")
    team, token = Team(folder, STACK), secrets.token_urlsafe(32)
    config = {f"slipway:{name}": section for name, section in SECTIONS.items()}
    team.file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))
    _seal(team, token)
    work = tmp_path_factory.mktemp("images")
    with variants.images(work) as images:
        try:
            up = team.slipway("up")
            assert up.returncode == 0, told(up)
            yield Released(team, token, images)
        finally:
            down = team.slipway("down")
            assert down.returncode == 0, told(down)


def _seal(team: Team, token: str) -> None:
    values = {name: secrets.token_urlsafe(32) for name in SecretName if not name.given}
    begun = team.slipway("preview")  # makes the stack, and names what is missing
    assert begun.returncode == 1, told(begun)
    for name, value in {**values, SecretName.DEV_TOKEN: token}.items():
        line = team.pulumi_command("config", "set", "--path", "--secret", f"slipway:secrets.{name}")
        answer = team.plain(line, value)
        assert answer.returncode == 0, told(answer)
