"""Dashboards as Grafana reads them, and the ways from an alert to its panel, its runbook and the logs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

from infra.monitoring import catalogue
from infra.monitoring.alert import Severity
from infra.monitoring.panel import MOST_NUMBER, Threshold, Unit
from infra.render import dashboard_panels, dashboards, links, prometheus
from infra.settings.grafana import Grafana
from infra.settings.model import Settings
from tests.infra.monitoring import stacks

pytestmark = pytest.mark.unit


def written(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dashboards.files(stacks.sandbox())[f"{name}.json"])
    return found


def panel(name: str, title: str) -> dict[str, Any]:
    (found,) = [each for each in written(name)["panels"] if each["title"] == title and each["type"] != "row"]
    return dict(found)


def test_every_dashboard_comes_back_from_grafanas_own_reader_as_it_is() -> None:
    for name, text in dashboards.files(stacks.full()).items():
        board = model.Dashboard.from_json(json.loads(text))
        assert f"{board.uid}.json" == name
        assert len(board.panels or ()) > 3


def test_every_panel_and_heading_has_a_number_of_its_own() -> None:
    for name in dashboards.files(stacks.sandbox()):
        found = written(name.removesuffix(".json"))["panels"]
        assert len({each["id"] for each in found}) == len(found)
        assert all((each["type"] == "row") == (each["id"] > MOST_NUMBER) for each in found)


def test_the_units_are_grafanas() -> None:
    known = {value for name, value in vars(units).items() if name[0].isupper()}
    assert {unit.value for unit in Unit} <= known


def test_a_reader_chooses_the_prometheus_and_the_replicas() -> None:
    source, replica = written("service")["templating"]["list"]
    assert (source["type"], source["query"], source["name"]) == ("datasource", "prometheus", "datasource")
    assert replica["query"] == 'label_values(service_info{namespace="sandbox"}, instance)'
    assert (replica["includeAll"], replica["allValue"], replica["multi"]) == (True, ".*", True)
    assert replica["current"]["value"] == "$__all"
    for each in written("service")["panels"]:
        if each["type"] != "row":
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_a_limit_of_an_alert_is_a_line_in_its_colour() -> None:
    defaults = panel("service", "Health checks that failed within a minute")["fieldConfig"]["defaults"]
    assert defaults["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    assert defaults["thresholds"]["steps"] == [
        {"value": None, "color": "green"},
        {"value": 3, "color": "red"},
    ]


def test_what_is_below_a_limit_is_bad_where_less_is_worse() -> None:
    days = (Threshold(14, Severity.WARNING, below=True), Threshold(3, Severity.CRITICAL, below=True))
    steps = [(each.value, each.color) for each in dashboard_panels.steps(days)]
    assert steps == [(None, "red"), (3, "orange"), (14, "green")]


def test_a_state_is_told_in_words_and_colours() -> None:
    rollout = panel("kubernetes", "Rollouts that do not go on")["fieldConfig"]["defaults"]["mappings"]
    assert {value: row["text"] for value, row in rollout[0]["options"].items()} == {"0": "good", "1": "bad"}
    answers = panel("postgres", "PostgreSQL answers")["fieldConfig"]["defaults"]["mappings"]
    assert {value: row["text"] for value, row in answers[0]["options"].items()} == {"0": "bad", "1": "good"}


def test_large_values_ask_for_one_moment_and_graphs_for_a_time() -> None:
    (now,) = panel("postgres", "Size")["targets"]
    (course,) = panel("postgres", "Size of the database")["targets"]
    assert (now["instant"], now["range"]) == (True, False)
    assert (course["instant"], course["range"]) == (False, True)
    assert now["expr"] == course["expr"]


def test_a_rate_is_over_what_grafana_chooses() -> None:
    (target,) = panel("service", "Requests by status")["targets"]
    assert re.search(r"\[\$__rate_interval\]", target["expr"])
    assert target["legendFormat"] == "{{status}}"


def test_a_panel_names_its_alerts_their_runbooks_and_the_logs() -> None:
    text = panel("postgres", "Connections")["description"]
    assert "Alerts: DatabaseConnectionsNearLimit." in text
    assert "`docs/runbooks/DatabaseConnectionsNearLimit.md`" in text
    assert "`slipway logs example-sandbox" in text or "`slipway logs sandbox" in text


def test_every_alert_leads_to_its_panel() -> None:
    for settings in (stacks.full(), stacks.sandbox()):
        files = (prometheus.files(settings), prometheus.watcher_files(settings))
        groups = [group for each in files for group in yaml.safe_load(each[prometheus.RULES])["groups"]]
        rules = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
        assert set(rules) == set(catalogue.alerts(settings))
        for name, (board, _) in catalogue.panels_of_alerts(settings).items():
            way = rules[name]["annotations"]["dashboard"]
            assert way == f"slipway dashboards {settings.stack} {board.uid}"


def test_the_dashboards_of_a_stack_lead_to_one_another() -> None:
    (link,) = written("slo")["links"]
    assert link["type"] == "dashboards"
    assert set(link["tags"]) <= set(written("service")["tags"])
    assert link["keepTime"]


def served(**more: Any) -> Settings:
    """The full stack with Grafana."""
    grafana = Grafana(enabled=True, host="grafana.example.com", **more)
    monitoring = stacks.full().monitoring.model_copy(update={"grafana": grafana})
    return stacks.full().model_copy(update={"monitoring": monitoring})


def test_where_there_is_grafana_an_alert_leads_to_its_panel_there() -> None:
    ways = links.of_alerts(served())
    _, shown = catalogue.panels_of_alerts(served())["ServiceErrors"]
    assert ways["ServiceErrors"] == f"https://grafana.example.com/d/service?viewPanel={shown.number}"
    files = {each["id"] for each in json.loads(dashboards.files(served())["service.json"])["panels"]}
    assert shown.number in files


def test_where_runbooks_and_logs_have_pages_a_panel_links_to_them() -> None:
    settings = served(runbooks_url="https://git.example.com/runbooks/", logs_url="https://logs.example.com")
    board = json.loads(dashboards.files(settings)["postgres.json"])
    (found,) = [each for each in board["panels"] if each["title"] == "Connections"]
    urls = {link["title"]: link["url"] for link in found["links"]}
    assert urls["Runbook: DatabaseConnectionsNearLimit"] == (
        "https://git.example.com/runbooks/DatabaseConnectionsNearLimit.md"
    )
    assert urls["Logs"].startswith("https://logs.example.com/select/vmui/#/?query=level%3A%3Derror")
    assert "slipway logs" not in found["description"]
