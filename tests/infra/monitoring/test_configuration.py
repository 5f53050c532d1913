"""What is rendered for Prometheus and Alertmanager, against promtool and amtool, for every stack."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import names
from infra.render import alertmanager, monitoring, prometheus, scrape
from infra.settings import check
from infra.settings.model import Settings
from tests.infra.mocks import SECRETS, settings
from tests.infra.program.test_team_stacks import FOLDER, STACKS

pytestmark = pytest.mark.unit
NODE = prometheus.Node("slipway", "10.201.0.2")
EVERYBODY: dict[str, Any] = {
    "enabled": True,
    "receivers": {
        "slack": {"channel": "#ledger-alerts"},
        "email": {
            "to": ["a@example.com", "b@example.com"],
            "sender": "alerts@example.com",
            "smarthost": "smtp.example.com:587",
        },
    },
    "quiet_hours": {"start": "22:00", "end": "07:00", "time_zone": "Asia/Seoul"},
}


def stacks() -> dict[str, Settings]:
    """Every team's stack, the sandbox, and one with all that can be set."""
    teams = {name: check.load(name, FOLDER) for name in STACKS}
    return {**teams, "sandbox": settings("sandbox"), "whole": settings("ledger-prod", monitoring=EVERYBODY)}


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def accepted(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def jobs(wanted: Settings, node: prometheus.Node | None = None) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in prometheus.configuration(wanted, node)["scrape_configs"]}


@pytest.mark.parametrize("name", [*STACKS, "sandbox", "whole"])
def test_promtool_and_amtool_accept_what_a_stack_renders(name: str, tmp_path: Path) -> None:
    wanted = stacks()[name]
    node = NODE if wanted.cluster.sandbox else None
    files = {**prometheus.files(wanted, node), **alertmanager.files(wanted)}
    data = yaml.safe_load(files["prometheus.yml"])
    for job in data["scrape_configs"]:
        # Debian's promtool is built without this discovery, which the public image has; the rest it reads.
        if found := job.pop("kubernetes_sd_configs", None):
            assert found == [{"role": "node"}]
            job["static_configs"] = [{"targets": ["node:10250"]}]
    written(tmp_path, {**files, "prometheus.yml": yaml.safe_dump(data)})
    accepted("promtool", "check", "config", "--syntax-only", str(tmp_path / "prometheus.yml"))
    accepted("promtool", "check", "rules", str(tmp_path / prometheus.RULES))
    accepted("amtool", "check-config", str(tmp_path / "alertmanager.yml"))


def test_every_figure_is_read_at_the_interval_of_the_settings() -> None:
    found = prometheus.configuration(settings("sandbox"), NODE)["global"]
    assert (found["scrape_interval"], found["evaluation_interval"]) == ("15s", "15s")
    quick = prometheus.configuration(settings("sandbox", monitoring={"scrape_interval_seconds": 5}), NODE)
    assert (quick["global"]["scrape_interval"], quick["global"]["scrape_timeout"]) == ("5s", "5s")


def test_only_what_the_stack_has_is_read() -> None:
    everywhere = {
        "service", "node-exporter", "prometheus", "alertmanager", "postgres-exporter", "redis-exporter",
        "kube-state-metrics", "kubelet", "cadvisor", "resource",
        "logs-service", "logs-parts", "logs-service-collector", "logs-parts-collector",
    }  # fmt: skip
    assert set(jobs(settings("ledger-prod"))) == everywhere
    silent = jobs(settings("ledger-prod", logs={"enabled": False}))
    assert set(silent) == {name for name in everywhere if not name.startswith("logs-")}
    backed = settings("ledger-prod", backups={"enabled": True, "bucket": "b-1"})
    assert set(jobs(backed)) == everywhere | {"backup-exporter"}
    assert set(jobs(settings("sandbox"), NODE)) == everywhere | {"backup-exporter", "apiserver", "coredns"}
    certified = settings("ledger-prod", ingress={"hosts": ["ledger.example.com"], "tls_secret": "ledger-tls"})
    assert set(jobs(certified)) == everywhere | {"certificates"}


def test_the_watcher_looks_at_prometheus_alone_and_tells_the_alertmanager_beside_it(tmp_path: Path) -> None:
    folder = written(tmp_path, prometheus.watcher_files(settings("ledger-prod")))
    command = ["promtool", "check", "config", str(folder / "prometheus.yml")]
    subprocess.run(command, check=True, capture_output=True)
    data = yaml.safe_load((folder / "prometheus.yml").read_text())
    (job,) = data["scrape_configs"]
    assert job["static_configs"][0]["targets"] == ["prometheus.ledger-prod.svc:9090"]
    assert data["alerting"]["alertmanagers"][0]["static_configs"] == [{"targets": ["127.0.0.1:9093"]}]
    (group,) = yaml.safe_load((folder / "rules.yaml").read_text())["groups"]
    assert [rule["alert"] for rule in group["rules"]] == ["PrometheusDown"]
    own = yaml.safe_load(prometheus.files(settings("ledger-prod"))["rules.yaml"])
    assert "PrometheusDown" not in [rule.get("alert") for each in own["groups"] for rule in each["rules"]]


def test_no_target_can_bring_more_series_than_its_share() -> None:
    for name, job in jobs(settings("sandbox"), NODE).items():
        assert job["sample_limit"] == scrape.SERIES_LIMIT, name


def test_of_a_shared_node_only_the_stacks_own_namespace_stays() -> None:
    for name in ("kubelet", "cadvisor", "resource"):
        kept = [
            rule["regex"]
            for rule in jobs(settings("ledger-prod"))[name]["metric_relabel_configs"]
            if rule.get("source_labels") == ["namespace"]
        ]
        assert kept == [r"|ledger\-prod" if name == "kubelet" else r"ledger\-prod"]


def test_the_certificate_of_the_sandboxs_own_servers_is_verified() -> None:
    for name in ("kubelet", "cadvisor", "resource", "apiserver"):
        assert set(jobs(settings("sandbox"), NODE)[name]["tls_config"]) == {"ca_file"}, name


def test_prometheus_can_neither_be_stopped_nor_emptied_over_the_network() -> None:
    words = " ".join(monitoring.prometheus_command(settings("sandbox")))
    assert "lifecycle" not in words
    assert "admin-api" not in words
    assert "--storage.tsdb.retention.time=7d" in words
    assert "--storage.tsdb.retention.size=800MB" in words


def test_no_secret_is_in_a_file_that_is_no_secret() -> None:
    wanted = settings("ledger-prod", monitoring=EVERYBODY)
    data = yaml.safe_load(alertmanager.files(wanted)["alertmanager.yml"])
    (team,) = [receiver for receiver in data["receivers"] if receiver["name"] == names.RECEIVER]
    assert team["slack_configs"][0]["api_url_file"] == "/run/slipway/monitoring/slackWebhookUrl"
    assert {way["auth_password_file"] for way in team["email_configs"]} == {
        "/run/slipway/monitoring/smtpPassword"
    }
    assert [value for value in SECRETS.values() if value in json.dumps(data)] == []


def test_nobody_is_told_where_nobody_is_named() -> None:
    data = alertmanager.configuration(settings("ledger-prod"))
    assert data["receivers"] == [{"name": "team"}, {"name": "nobody"}]


def test_the_watchdog_goes_as_often_as_asked_to_who_misses_it(tmp_path: Path) -> None:
    wanted = settings("ledger-prod", monitoring={"receivers": {"heartbeat": {"every_minutes": 5}}})
    assert receiver_of(tmp_path, wanted, "alertname=Watchdog") == "heartbeat"
    data = alertmanager.configuration(wanted)
    (route,) = [each for each in data["route"]["routes"] if each["receiver"] == "heartbeat"]
    assert (route["group_interval"], route["repeat_interval"]) == ("5m", "150s")
    (_, beat) = data["receivers"]
    assert beat["slack_configs"] == [
        {"api_url_file": "/run/slipway/monitoring/heartbeatUrl", "send_resolved": False}
    ]


def test_each_person_gets_a_mail_of_their_own() -> None:
    (team, _) = alertmanager.configuration(settings("ledger-prod", monitoring=EVERYBODY))["receivers"]
    assert [way["to"] for way in team["email_configs"]] == ["a@example.com", "b@example.com"]


def receiver_of(tmp_path: Path, wanted: Settings, *labels: str) -> str:
    """To whom Alertmanager itself says that an alert with these labels goes."""
    file = written(tmp_path, alertmanager.files(wanted)) / "alertmanager.yml"
    command = ["amtool", "config", "routes", "test", f"--config.file={file}", *labels]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_dead_mans_switch_wakes_nobody_and_every_other_alert_goes_to_the_team(tmp_path: Path) -> None:
    wanted = settings("ledger-prod", monitoring=EVERYBODY)
    assert receiver_of(tmp_path, wanted, "alertname=Watchdog", "severity=warning") == "nobody"
    for severity in ("critical", "warning"):
        assert receiver_of(tmp_path, wanted, "alertname=BackupTooOld", f"severity={severity}") == "team"


def routes(wanted: Settings) -> dict[str, dict[str, Any]]:
    return {row["matchers"][0]: row for row in alertmanager.configuration(wanted)["route"]["routes"]}


def test_quiet_hours_hold_back_warnings_and_nothing_else() -> None:
    found = routes(settings("ledger-prod", monitoring=EVERYBODY))
    muted = {matcher for matcher, row in found.items() if "mute_time_intervals" in row}
    assert muted == {'severity="warning"'}
    assert next(iter(found)) == 'test="true"', "a test comes through in quiet hours, too"
    assert "time_intervals" not in alertmanager.configuration(settings("ledger-prod"))


@pytest.mark.parametrize(
    ("hours", "intervals"),
    [
        ({"start": "12:00", "end": "13:00"}, [("12:00", "13:00", ["friday", "sunday"])]),
        (
            {"start": "22:00", "end": "07:00"},
            [("22:00", "24:00", ["friday", "sunday"]), ("00:00", "07:00", ["saturday", "monday"])],
        ),
        ({"start": "22:00", "end": "00:00"}, [("22:00", "24:00", ["friday", "sunday"])]),
    ],
)
def test_a_night_goes_on_on_the_following_day(hours: dict[str, str], intervals: list[Any]) -> None:
    quiet = {**hours, "days": ["friday", "sunday"], "time_zone": "Asia/Seoul"}
    wanted = settings("ledger-prod", monitoring={"quiet_hours": quiet})
    (found,) = alertmanager.configuration(wanted)["time_intervals"]
    assert {row["location"] for row in found["time_intervals"]} == {"Asia/Seoul"}
    assert [
        (row["times"][0]["start_time"], row["times"][0]["end_time"], row["weekdays"])
        for row in found["time_intervals"]
    ] == intervals


def test_a_consequence_is_not_told_beside_its_cause(tmp_path: Path) -> None:
    files = alertmanager.files(settings("sandbox"))
    accepted("amtool", "check-config", str(written(tmp_path, files) / "alertmanager.yml"))
    rules = {
        rule["source_matchers"][0]: rule
        for rule in yaml.safe_load(files["alertmanager.yml"])["inhibit_rules"]
    }
    told = rules['alertname="DatabaseDown"']["target_matchers"][0]
    assert "ServiceDown" in told and "ServiceHealthFails" in told
