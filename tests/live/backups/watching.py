"""A Prometheus on the loopback that reads one exporter every second, with the rules that a stack renders."""

from __future__ import annotations

from typing import Any

import httpx
import yaml

from infra.monitoring import catalogue
from infra.render import alerts as render
from infra.settings.model import Settings
from tests.app.servers import Server
from tests.live.facts import eventually

SECOND = "1s"


class Prometheus(Server):
    """Debian's own, with its data in its folder. ``exporter``: host and port."""

    def __init__(self, exporter: str, settings: Settings) -> None:
        super().__init__("prometheus")
        labels = {"namespace": settings.namespace_name}
        config = {
            "global": {"scrape_interval": SECOND, "scrape_timeout": SECOND, "evaluation_interval": SECOND},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [
                {"job_name": "backups", "static_configs": [{"targets": [exporter], "labels": labels}]}
            ],
        }
        (self.folder / "rules.yaml").write_text(render.rules(catalogue.groups(settings)), encoding="utf-8")
        (self.folder / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def command(self) -> list[str]:
        """Without a console and without remote administration."""
        return [
            "prometheus",
            f"--config.file={self.folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def answers(self) -> bool:
        """It says so itself, once its data are read."""
        return super().answers() and self._get("/-/ready").is_success

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        alerts = self._get("/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def value(self, query: str) -> float | None:
        """The figure of the query now; None where there is none."""
        found: list[dict[str, Any]] = self._get("/api/v1/query", query=query).json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def fires(self, alert: str) -> None:
        """Wait until it fires."""
        eventually(lambda: alert in self.firing(), f"{alert} fires")

    def silent(self, alert: str) -> None:
        """Wait until it does not fire, and the exporter is read."""
        eventually(
            lambda: self.value("backup_store_reachable") == 1 and alert not in self.firing(),
            f"{alert} is silent",
        )

    def _get(self, path: str, **query: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", params=query, timeout=10)
