"""Prometheus and Alertmanager themselves, as their pods start them: read again, told, over."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import alerting
from infra.render import alertmanager, monitoring, prometheus
from infra.settings.secrets import SecretName
from tests.app import servers
from tests.infra.mocks import settings
from tests.infra.monitoring.programs import Running, running

pytestmark = pytest.mark.unit
RELOADS = "prometheus_config_last_reload_success_timestamp_seconds"
SOUND = "prometheus_config_last_reload_successful"
STARTED = "process_start_time_seconds"


class Sink(BaseHTTPRequestHandler):
    """Takes what Slack would take."""

    heard: list[dict[str, Any]]

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.heard.append(json.loads(self.rfile.read(length)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on standard error."""


@pytest.fixture
def slack() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address that posts to Slack, and what was posted."""
    heard: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Sink,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/services/canary", heard
    server.shutdown()
    thread.join()
    server.server_close()


def folder_with(path: Path, files: dict[str, str]) -> Path:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def before(path: Path, name: str, config: Path) -> tuple[str, ...]:
    """The start script on the configuration in ``config``."""
    script = folder_with(path / f"{name}-start", monitoring.start_script()) / "start.sh"
    return ("sh", str(script), str(config))


def prometheus_files(interval: int, **more: str) -> dict[str, str]:
    wanted = settings("ledger-prod", monitoring={"scrape_interval_seconds": interval})
    data = prometheus.configuration(wanted)
    data["scrape_configs"] = [job for job in data["scrape_configs"] if "kubernetes_sd_configs" not in job]
    return {**prometheus.files(wanted), "prometheus.yml": json.dumps(data), **more}


def test_a_changed_configuration_is_read_without_a_restart_and_a_broken_one_changes_nothing(
    tmp_path: Path,
) -> None:
    config = folder_with(tmp_path / "config", prometheus_files(15))
    paths = {monitoring.config_folder("prometheus"): str(config), monitoring.DATA: str(tmp_path / "data")}
    command = monitoring.prometheus_command(settings("sandbox"))
    with running(command, tmp_path, before=before(tmp_path, "prometheus", config), replaced=paths) as program:
        first = program.figures()
        folder_with(config, prometheus_files(20))
        servers.wait_for(lambda: program.figures()[RELOADS] > first[RELOADS], "the change is read")
        assert '"20s"' in json.dumps(interval_of(program))
        (config / "prometheus.yml").write_text("global: {scrape_interval: never}")
        servers.wait_for(lambda: program.figures()[SOUND] == 0, "the mistake is told as a figure")
        last = program.figures()
        assert '"20s"' in json.dumps(interval_of(program))
    assert last[STARTED] == first[STARTED]


def interval_of(program: Running) -> list[str]:
    """The intervals that the running Prometheus has."""
    import yaml

    answer = httpx.get(f"{program.url}/api/v1/status/config").json()
    return [yaml.safe_load(answer["data"]["yaml"])["global"]["scrape_interval"]]


def test_figures_are_kept_as_long_and_as_large_as_the_settings_say(tmp_path: Path) -> None:
    config = folder_with(tmp_path / "config", prometheus_files(15))
    paths = {monitoring.config_folder("prometheus"): str(config), monitoring.DATA: str(tmp_path / "data")}
    with running(monitoring.prometheus_command(settings("sandbox")), tmp_path, replaced=paths) as program:
        said = httpx.get(f"{program.url}/api/v1/status/runtimeinfo").json()
        stopped = httpx.post(f"{program.url}/-/quit")
    assert said["data"]["storageRetention"] == "1w or 800MiB"
    assert stopped.status_code == 403


def told(path: Path, slack: str, name: str = "sandbox") -> tuple[Path, dict[str, str]]:
    """Alertmanager's files with the address in a file, and the paths that differ from a pod's."""
    wanted = settings(name, monitoring={"receivers": {"slack": {"channel": "#ledger-alerts"}}})
    secrets = folder_with(path / "secrets", {SecretName.SLACK_WEBHOOK_URL.value: slack})
    files = alertmanager.files(wanted)
    files["alertmanager.yml"] = files["alertmanager.yml"].replace(monitoring.SECRETS, str(secrets))
    config = folder_with(path / "config", files)
    return config, {
        monitoring.config_folder("alertmanager"): str(config),
        monitoring.DATA: str(path / "data"),
    }


def test_an_alert_that_is_sent_as_a_test_reaches_slack_at_once_and_says_that_it_is_one(
    tmp_path: Path, slack: tuple[str, list[dict[str, Any]]]
) -> None:
    url, heard = slack
    _, paths = told(tmp_path, url)
    command = monitoring.alertmanager_command(settings("sandbox"))
    with running(command, tmp_path, replaced=paths) as program:
        where = alerting.Place("ledger-dev", program.url, program.url, {})
        assert alerting.send_test(where, datetime.now(UTC)) == ["Slack #ledger-alerts"]
        servers.wait_for(lambda: heard, "Slack hears of the test")
    (message,) = heard
    assert message["channel"] == "#ledger-alerts"
    (said,) = message["attachments"]
    assert said["title"] == "Test: SlipwayTest in ledger-dev"
    assert said["text"].startswith("SlipwayTest (warning): A test of the alerts of ledger-dev")
    assert "canary" not in program.log.read_text()


def test_a_consequence_is_listed_behind_its_cause(
    tmp_path: Path, slack: tuple[str, list[dict[str, Any]]]
) -> None:
    _, paths = told(tmp_path, slack[0])
    alerts = [
        {"labels": {"alertname": name, "severity": "critical"}, "annotations": {"summary": name}}
        for name in ("DatabaseDown", "ServiceDown")
    ]
    config = folder_with(tmp_path / "prometheus", prometheus_files(15))
    folders = {
        monitoring.config_folder("prometheus"): str(config),
        monitoring.DATA: str(tmp_path / "series"),
    }
    wanted = settings("sandbox")
    with (
        running(monitoring.alertmanager_command(wanted), tmp_path, replaced=paths) as program,
        running(monitoring.prometheus_command(wanted), tmp_path, replaced=folders) as series,
    ):
        httpx.post(f"{program.url}/api/v2/alerts", json=alerts).raise_for_status()
        where = alerting.Place("ledger-dev", series.url, program.url, {})
        servers.wait_for(lambda: len(alerting.firing(where)) == len(alerts), "both are there")
        found = {alert.name: alert.state for alert in alerting.firing(where)}
    assert found == {"DatabaseDown": "told", "ServiceDown": "behind another"}


def test_the_start_script_ends_with_its_program_and_passes_its_code_on(tmp_path: Path) -> None:
    import subprocess

    config = folder_with(tmp_path / "config", {"a": "1"})
    script = before(tmp_path, "prometheus", config)
    done = subprocess.run([*script, "sh", "-c", "exit 7"], check=False, timeout=20, stderr=subprocess.DEVNULL)
    assert done.returncode == 7
