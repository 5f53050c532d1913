"""A stack of its own that is watched, and whose alerts reach the sinks of the test."""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from infra import alerting
from infra.monitoring import catalogue
from infra.sandbox.config import SandboxConfig
from infra.settings import check
from infra.settings.model import Settings
from infra.settings.secrets import SecretName
from tests.live.facts import eventually
from tests.live.monitoring.disk import STACK, small_disk
from tests.live.monitoring.sinks import Sinks, sinks
from tests.live.team import Team, told

NODE_PORT = 30191
INTERVAL_SECONDS = 5
BEAT_MINUTES = 1
CALM_SECONDS = 480  # a figure over five minutes forgets what was wrong only then


def stack_file(to: Sinks) -> dict[str, Any]:
    """The team's file; times are short where the settings allow it, the alerts' own are as they are."""
    resources = {"cpu_request": "5m", "memory_request": "16Mi", "memory_limit": "96Mi"}
    sections = {
        "cluster": {"sandbox": True},
        "images": {"catalogue": "sandbox"},
        "service": {
            "type": "NodePort",
            "node_port": NODE_PORT,
            "rate_limit": {"per_minute": 100000, "per_hour": 1000000, "per_day": 10000000},  # one client asks
            "rollout": {"min_ready_seconds": 0, "drain_seconds": 0, "termination_grace_seconds": 32},
        },
        "postgres": {"storage": "1Gi"},
        "backups": {
            "enabled": True,
            "bucket": "watched",
            "schedule": "*/30 * * * *",
            "drill_schedule": "10 6 * * *",
            "retention_schedule": "20 9 * * *",
            "deadline_minutes": 5,
            "refresh_seconds": 5,
        },
        "monitoring": {
            "enabled": True,
            "scrape_interval_seconds": INTERVAL_SECONDS,
            "storage": "1Gi",
            "retention_size": "512Mi",
            "exporter_resources": resources,
            "receivers": receivers(to),
        },
    }
    return {"config": {f"slipway:{name}": section for name, section in sections.items()}}


def receivers(to: Sinks) -> dict[str, Any]:
    """Everybody who can hear of it."""
    return {
        "slack": {"channel": "#alerts"},
        "email": {
            "to": ["oncall@example.com"],
            "sender": "alerts@example.com",
            "smarthost": to.smarthost,
            "tls": False,
        },
        "heartbeat": {"every_minutes": BEAT_MINUTES},
    }


@dataclass
class Watched:
    """The stack, whoever hears of it, and its database's disk."""

    team: Team
    sinks: Sinks
    token: str
    disk: Path

    @property
    def settings(self) -> Settings:
        """As the stack's program reads them."""
        return check.load(STACK, self.team.folder)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """``kubectl`` in the stack's namespace; its standard output."""
        line = shlex.join(["kubectl", "--namespace", STACK, *arguments])
        answer = self.team.plain(line, stdin)
        assert answer.returncode == 0, f"{line}\n{told(answer)}"
        return answer.stdout

    def scale(self, what: str, replicas: int) -> None:
        """So many pods of a part, and the part as it is to be once there are some."""
        self.kubectl("scale", what, f"--replicas={replicas}")
        if replicas:
            self.kubectl("rollout", "status", what, "--timeout=180s")

    def sql(self, statement: str) -> None:
        """As the superuser, in the service's database."""
        psql = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "/run/postgresql", "-U", "postgres"]
        database = self.settings.postgres.database
        pod = ["exec", "postgres-0", "--container=postgres", "--"]
        self.kubectl(*pod, *psql, "-d", database, "-c", statement)

    def client(self, seconds: float = 30) -> httpx.Client:
        """Who asks the service as its user does."""
        url = f"http://{SandboxConfig().node_address}:{NODE_PORT}"
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {self.token}"}, timeout=seconds)

    def alerts(self) -> list[dict[str, Any]]:
        """What `slipway alerts list` lists, but what fires all the time or was asked to fire."""
        answer = self.team.slipway("alerts list", "--json")
        assert answer.returncode == 0, told(answer)
        listed: list[dict[str, Any]] = json.loads(answer.stdout)["alerts"]
        return [alert for alert in listed if alert["name"] not in {"Watchdog", alerting.TEST_NAME}]

    def calm(self) -> None:
        """Nothing is wrong, nothing is about to be, and nothing that was is still to be told."""
        eventually(lambda: not self.alerts(), f"no alert of {STACK} fires: {self.alerts()}", CALM_SECONDS)
        self.sinks.forget()

    def lasts(self, alert: str) -> int:
        """Seconds that it must be wrong before the alert fires."""
        duration = catalogue.alerts(self.settings)[alert].lasts
        return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """The stack from nothing, and to nothing again."""
    with sinks(SandboxConfig().host_address) as heard, small_disk() as disk:
        team, token = Team(folder, STACK), secrets.token_urlsafe(32)
        team.file.write_text(yaml.safe_dump(stack_file(heard), sort_keys=False))
        _seal(team, heard, token)
        found = Watched(team, heard, token, disk)
        try:
            up = team.slipway("up")
            assert up.returncode == 0, told(up)
            dump = team.slipway("backup now")  # a stack without any is about to be told of
            assert dump.returncode == 0, told(dump)
            yield found
        finally:
            down = team.slipway("down")
            assert down.returncode == 0, told(down)


def _seal(team: Team, heard: Sinks, token: str) -> None:
    values = {name: secrets.token_urlsafe(32) for name in SecretName if not name.given}
    given = {SecretName.SLACK_WEBHOOK_URL: heard.slack_url, SecretName.HEARTBEAT_URL: heard.beat_url}
    given |= {SecretName.SMTP_PASSWORD: secrets.token_urlsafe(32), SecretName.DEV_TOKEN: token}
    begun = team.slipway("preview")  # makes the stack, and names what is missing
    assert begun.returncode == 1, told(begun)
    for name, value in {**values, **given}.items():
        line = team.pulumi_command("config", "set", "--path", "--secret", f"slipway:secrets.{name}")
        answer = team.plain(line, value)
        assert answer.returncode == 0, told(answer)
