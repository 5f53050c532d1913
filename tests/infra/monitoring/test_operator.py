"""The catalogue as a cluster's prometheus-operator reads it: same alerts, one stack's and nobody else's."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.monitoring import catalogue
from infra.render import alertmanager, operator
from infra.settings.model import Settings
from infra.settings.monitoring import QuietHours, Receivers
from infra.settings.stack import StackName
from tests.infra.monitoring import faults, metrics, operated, promtool, stacks
from tests.infra.monitoring.promtool import Moment
from tests.infra.monitoring.series import Timeline

pytestmark = pytest.mark.unit
STEP, BEGIN = 15, 10
SECRET = "monitoring-auth"
# Nodes belong to all stacks.
OF_NODES = ("node_", "kube_node_")
FAULTS = (
    "no replica is available", "a replica does not answer at all", "half of the requests fail",
    "PostgreSQL's volume is full", "a drill fails", "a node is away", "a node's disk is nearly full",
    "a node's inodes are used up", "a node's memory is used up", "a replica is missing", "a job fails",
    "a container is killed for its memory", "a container is held back", "a certificate ends",
    "the node exporter is away", "kube-state-metrics is away", "the kubelet is not read",
)  # fmt: skip


@cache
def rules(settings: Settings) -> str:
    """The groups of the PrometheusRule as the file that the operator makes of them."""
    return yaml.safe_dump(operator.rules(settings).spec)


def beside() -> Settings:
    """Another team's stack on the same cluster."""
    return stacks.operated().model_copy(update={"stack": StackName.parse("books-prod")})


def firing(settings: Settings, *names: str) -> dict[tuple[str, str | None], int]:
    """Each once, all with the stack's namespace, also those on nodes."""
    return {(name, settings.namespace_name): 1 for name in names}


def test_promtool_takes_the_groups(tmp_path: Path) -> None:
    promtool.check(tmp_path, rules(stacks.operated()))


@pytest.mark.parametrize("title", FAULTS)
def test_a_fault_fires_its_alerts_by_the_clusters_figures_too(title: str, tmp_path: Path) -> None:
    fault, settings = faults.FAULTS[title], stacks.operated()
    end = BEGIN + fault.minutes
    said = operated.written(settings, fault.bad, Timeline(STEP, BEGIN, end, end + fault.calm))
    moments = [
        Moment(BEGIN * 60 - STEP, {}),
        Moment(end * 60 - STEP, firing(settings, *fault.firing)),
        Moment((end + fault.calm) * 60 - STEP, {}),
    ]
    promtool.moments(tmp_path, rules(settings), STEP, said, moments)


def test_a_fault_of_one_stack_is_no_alert_of_another_in_the_same_prometheus(tmp_path: Path) -> None:
    ours, theirs = stacks.operated(), beside()
    half = {**faults.FAULTS["half of the requests fail"].bad, **faults.FAULTS["a drill fails"].bad}
    end = BEGIN + 8
    line = Timeline(STEP, BEGIN, end, end)
    said = {
        each["series"]: each
        for each in (*operated.written(ours, half, line), *operated.written(theirs, {}, line))
    }
    groups = [
        {**group, "name": f"{settings.stack}-{group['name']}"}
        for settings in (ours, theirs)
        for group in operator.rules(settings).spec["groups"]
    ]
    both = yaml.safe_dump({"groups": groups})
    found = firing(ours, "ServiceErrors", "BackupDrillFailed")
    promtool.moments(tmp_path, both, STEP, list(said.values()), [Moment(end * 60 - STEP, found)])


def test_every_figure_but_those_of_nodes_is_chosen_by_the_stacks_namespace() -> None:
    settings = stacks.operated()
    expressions = {alert.name: alert.expression for alert in catalogue.alerts(settings).values()}
    for group in catalogue.recordings(settings):
        expressions |= {rule.name: rule.expression for rule in group.rules}
    for name, expression in expressions.items():
        own = f'namespace="{settings.namespace_name}"'
        for metric in metrics.named(expression):
            if not metric.startswith(OF_NODES):
                assert expression.count(metric) == expression.count(f"{metric}{{{own}"), (name, metric)


def test_every_alert_says_whose_it_is() -> None:
    settings = stacks.operated()
    written = [rule for group in operator.rules(settings).spec["groups"] for rule in group["rules"]]
    told = [rule["labels"] for rule in written if "alert" in rule]
    assert len(told) == len(catalogue.alerts(settings)) > 40
    whose = {(labels["namespace"], labels["stack"]) for labels in told}
    assert whose == {(settings.namespace_name, str(settings.stack))}


def test_what_watches_the_clusters_own_servers_is_left_to_the_cluster() -> None:
    left_out = set(catalogue.alerts(stacks.full())) - set(catalogue.alerts(stacks.operated()))
    assert left_out == {
        "Watchdog", "PrometheusDown", "PrometheusReloadFailed", "AlertmanagerReloadFailed",
        "PrometheusRulesFail", "PrometheusCannotNotify", "NotificationsFail",
    }  # fmt: skip


def test_a_disk_that_cannot_be_written_to_may_be_full() -> None:
    for name in ("NodeDiskNearlyFull", "NodeInodesShort"):
        assert "node_filesystem_readonly" in catalogue.alerts(stacks.operated())[name].expression
        assert "node_filesystem_readonly" not in catalogue.alerts(stacks.full())[name].expression


def told(settings: Settings) -> dict[str, Any]:
    return operator.receivers(settings, SECRET).spec


def test_only_alerts_of_the_stacks_own_rules_take_its_route() -> None:
    route = told(stacks.operated())["route"]
    assert route["matchers"] == [{"name": "stack", "value": "example-prod", "matchType": "="}]
    below = [(row["matchers"][0]["name"], row.get("muteTimeIntervals")) for row in route["routes"]]
    assert below == [("test", None), ("severity", ["quiet-hours"])]


def test_what_one_cause_silences_is_what_our_own_alertmanager_would_silence() -> None:
    settings = stacks.operated()
    own = alertmanager.configuration(settings)["inhibit_rules"]
    text = [
        {f"{side}_matchers": [_text(row[f"{side}Match"][0])] for side in ("source", "target")}
        for row in told(settings)["inhibitRules"]
    ]
    assert text == own


def _text(matcher: dict[str, str]) -> str:
    return f'{matcher["name"]}{matcher["matchType"]}"{matcher["value"]}"'


def test_where_nobody_is_named_alerts_go_where_the_cluster_sends_them() -> None:
    settings = stacks.operated()
    silent = settings.monitoring.model_copy(update={"receivers": Receivers()})
    assert set(told(settings.model_copy(update={"monitoring": silent}))) == {"inhibitRules"}


def test_secrets_are_named_and_not_written() -> None:
    (team,) = told(stacks.operated())["receivers"]
    assert team["slackConfigs"][0]["apiURL"] == {"name": SECRET, "key": "slackWebhookUrl"}
    assert team["emailConfigs"][0]["authPassword"] == {"name": SECRET, "key": "smtpPassword"}


@pytest.mark.parametrize("part", ["title", "text"])
def test_a_message_reads_as_our_own_alertmanager_writes_it(part: str, tmp_path: Path) -> None:
    (tmp_path / alertmanager.MESSAGES).write_text(alertmanager.files(stacks.full())[alertmanager.MESSAGES])
    labels = {"alertname": "DatabaseDown", "severity": "critical", "stack": "example-prod"}
    annotations = {"summary": "PostgreSQL does not answer", "description": "For a minute.", "remedy": "look"}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": "2026-01-01T00:00:00Z",
    }
    data = {"status": "firing", "alerts": [alert, alert], "commonLabels": labels, "groupLabels": {}}
    (tmp_path / "data.json").write_text(json.dumps(data))

    def rendered(text: str) -> str:
        command = ["amtool", "template", "render", f"--template.glob={tmp_path}/*.tmpl"]
        command += [f"--template.data={tmp_path}/data.json", f"--template.text={text}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    (team,) = told(stacks.operated())["receivers"]
    inline = rendered(team["slackConfigs"][0][part])
    assert inline == rendered(f'{{{{ template "slipway.{part}" . }}}}')
    assert "DatabaseDown" in inline


@pytest.mark.parametrize(
    ("zone", "start", "end", "days", "wanted"),
    [
        ("Asia/Seoul", "22:00", "07:00", ["friday"], ("13:00", "22:00", ["friday"])),
        ("Asia/Seoul", "06:00", "08:00", ["monday"], ("21:00", "23:00", ["sunday"])),
        ("Etc/GMT+5", "20:00", "23:00", ["sunday"], ("01:00", "04:00", ["monday"])),
        ("Asia/Kolkata", "00:00", "05:30", ["monday"], ("18:30", "00:00", ["sunday"])),
        ("UTC", "22:00", "07:00", ["friday"], ("22:00", "07:00", ["friday"])),
    ],
)
def test_quiet_hours_are_the_same_hours_in_utc(
    zone: str, start: str, end: str, days: list[str], wanted: tuple[str, str, list[str]]
) -> None:
    given = {"start": start, "end": end, "time_zone": zone, "days": days}
    hours = operator.in_utc(QuietHours.model_validate_json(json.dumps(given)))
    assert (hours.start, hours.end, [day.value for day in hours.days]) == wanted
    assert hours.time_zone == "UTC"


def test_a_label_that_the_service_counts_by_is_not_taken_by_the_operator() -> None:
    from app import contract

    counted = {label for labels in contract.METRICS.values() for label in labels}
    (endpoint,) = operator.monitors(stacks.operated())[0].spec["endpoints"]
    dropped = set(endpoint["relabelings"][0]["regex"].split("|"))
    added_by_the_operator = {"namespace", "pod", "container", "service", "endpoint", "job"}
    assert counted & added_by_the_operator <= dropped
    assert "endpoint" in counted
