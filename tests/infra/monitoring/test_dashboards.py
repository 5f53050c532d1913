"""The catalogue's dashboards: every alert has a panel, every panel asks for what there is, and only that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from app import contract, modules
from infra.monitoring import catalogue, endpoints, needs, promql
from infra.monitoring.alert import Dashboard, Part
from infra.monitoring.needs import Need
from infra.monitoring.panel import Board, Kind, Panel
from infra.monitoring.variables import Window, resolved
from infra.render import prometheus
from infra.settings.backups import Backups
from infra.settings.ingress import Ingress
from infra.settings.model import Settings
from infra.settings.modules import Module
from infra.settings.slo import Slo
from tests.infra.monitoring import metrics, promtool, stacks

pytestmark = pytest.mark.unit
STACKS = pytest.mark.parametrize("settings", [stacks.full(), stacks.sandbox()], ids=["outside", "sandbox"])
WINDOW = Window(3600, 15)


def panels(settings: Settings) -> dict[str, Panel]:
    return {panel.key: panel for board in catalogue.boards(settings) for panel in board.panels}


def asked(settings: Settings) -> dict[str, list[str]]:
    """Key of a panel → its queries as Prometheus gets them."""
    return {
        panel.key: [resolved(query.expression, board, WINDOW) for query in panel.queries]
        for board in catalogue.boards(settings)
        for panel in board.panels
    }


def without(**sections: object) -> set[str]:
    """Keys of the panels of the full stack with these sections changed."""
    return set(panels(stacks.full().model_copy(update=sections)))


@STACKS
def test_every_alert_has_one_panel_on_the_dashboard_that_it_names(settings: Settings) -> None:
    shown = [name for panel in panels(settings).values() for name in panel.alerts]
    assert sorted(shown) == sorted(catalogue.alerts(settings))
    found = catalogue.panels_of_alerts(settings)
    elsewhere = {
        name
        for name, alert in catalogue.alerts(settings).items()
        if found[name][0].uid is not alert.dashboard
    }
    assert elsewhere == set()


def test_an_alert_and_its_panel_ask_for_the_same_figures() -> None:
    settings = stacks.full()
    for name, (_, panel) in catalogue.panels_of_alerts(settings).items():
        alert = catalogue.alerts(settings)[name]
        if alert.part is Part.MONITORING and panel.key in {"monitoring-targets", "monitoring-firing"}:
            continue  # of what does not come at all there is nothing to draw but that it does not answer
        of_panel = {each for query in panel.queries for each in metrics.named(query.expression)}
        of_alert = set(metrics.named(alert.expression))
        if name in {"PodCrashLoops", "PodNotScheduled", "JobFailed"}:
            # Their figures are there only while it is wrong: the panel asks for others of the same objects.
            of_panel, of_alert = ({_objects(each) for each in names} for names in (of_panel, of_alert))
        assert of_panel & of_alert, name


def _objects(metric: str) -> str:
    """``kube_job`` of ``kube_job_failed``."""
    return "_".join(metric.split("_")[:2])


@STACKS
def test_the_limits_of_a_panel_are_those_of_its_alerts(settings: Settings) -> None:
    alerts = catalogue.alerts(settings)
    for panel in panels(settings).values():
        if panel.key == "postgres-connections":  # a share of the server's own limit, which has a figure too
            continue
        severities = {alerts[name].severity for name in panel.alerts}
        text = " ".join(alerts[name].expression for name in panel.alerts)
        for limit in panel.thresholds if panel.alerts else ():
            assert limit.severity in severities, panel.key
            if limit.value and not panel.key.startswith("slo-") and panel.key != "service-replicas":
                assert re.search(rf"(?<![\d.]){re.escape(f'{limit.value:.10g}')}(\.0)?(?![\d.])", text), (
                    panel.key
                )


def test_numbers_and_keys_are_one_panels_alone() -> None:
    both = [*catalogue.boards(stacks.full()), *catalogue.boards(stacks.sandbox())]
    keys = {panel.key for board in both for panel in board.panels}
    assert len({panel.number for board in both for panel in board.panels}) == len(keys)
    for settings in (stacks.full(), stacks.sandbox()):
        listed = [panel.key for board in catalogue.boards(settings) for panel in board.panels]
        assert len(listed) == len(set(listed))


def test_a_link_of_last_year_still_leads_to_its_panel() -> None:
    """A number follows from the key alone. Who changes one of these breaks links that people have kept."""
    found = panels(stacks.full())
    numbers = {key: found[key].number for key in ("service-error-share", "postgres-up", "backups-age")}
    assert numbers == {"service-error-share": 922462, "postgres-up": 854731, "backups-age": 383687}


@STACKS
def test_promtool_takes_every_query(settings: Settings, tmp_path: Path) -> None:
    queries = [query for of_panel in asked(settings).values() for query in of_panel]
    assert not [query for query in queries if "$" in query.replace('"$1"', "")], "a variable is left"
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    promtool.check(tmp_path, yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))


@STACKS
def test_every_metric_of_every_panel_exists(settings: Settings) -> None:
    there = metrics.known(catalogue.recordings(settings))
    unknown = {
        key: names
        for key, queries in asked(settings).items()
        if (names := {name for query in queries for name in metrics.named(query)} - there)
    }
    assert unknown == {}


def test_a_metric_that_is_renamed_in_the_service_is_missed_by_its_panels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renamed = {
        name.replace("pool_connections", "connections"): labels for name, labels in contract.METRICS.items()
    }
    monkeypatch.setattr(contract, "METRICS", renamed)
    there = metrics.known(catalogue.recordings(stacks.sandbox()))
    (query,) = asked(stacks.sandbox())["service-pool"]
    assert set(metrics.named(query)) - there == {"database_pool_connections"}


@STACKS
def test_the_labels_that_panels_choose_by_are_those_of_the_contract(settings: Settings) -> None:
    own = {"namespace", "part", "instance", "le"}
    for key, queries in asked(settings).items():
        for name, labels in contract.METRICS.items():
            for chosen in (each for query in queries for each in metrics.labels_of(query, name)):
                assert chosen <= own | set(labels), key


@STACKS
def test_what_a_panel_asks_of_kubelet_and_api_server_is_kept_when_it_is_scraped(settings: Settings) -> None:
    kept = re.compile("|".join((*prometheus.KUBELET, *prometheus.CADVISOR, *prometheus.API_SERVER)))
    names = {
        each for queries in asked(settings).values() for query in queries for each in metrics.named(query)
    }
    for name in (each for each in names if each.startswith(("kubelet_", "container_", "apiserver_"))):
        assert kept.fullmatch(name), name


@STACKS
def test_every_panel_says_what_it_means_and_names_each_of_its_series(settings: Settings) -> None:
    for panel in panels(settings).values():
        assert not panel.title[0].islower() and not panel.title.endswith("."), panel.key
        assert panel.description.endswith("."), panel.key
        assert all(query.legend for query in panel.queries), panel.key
        assert len({limit.below for limit in panel.thresholds}) <= 1, panel.key
        assert not (panel.kind is Kind.STATES and panel.thresholds), panel.key


def test_a_title_stands_once_in_a_row() -> None:
    for board in catalogue.boards(stacks.full()):
        for row in board.rows:
            assert len({panel.title for panel in row.panels}) == len(row.panels), row.title


def test_the_endpoints_of_a_module_are_those_of_its_routers() -> None:
    for module, beginnings in endpoints.PATHS.items():
        routers = modules.REGISTRY[module.value].routers
        paths = {str(getattr(route, "path", "")) for router in routers for route in router.routes}
        matching = re.compile(endpoints.matcher(module).partition("=~")[2].strip('"'))
        assert {path for path in paths if not matching.fullmatch(path)} == set()
        assert {each for each in beginnings if not any(path.startswith(each) for path in paths)} == set()
    assert {module.value for module in endpoints.PATHS} == set(modules.REGISTRY)


def test_every_module_of_a_stack_has_a_row() -> None:
    both = stacks.full().model_copy(update={"modules": (Module.LEDGER, Module.DISPATCH)})
    (board,) = [each for each in catalogue.boards(both) if each.uid is Dashboard.MODULES]
    assert [row.title for row in board.rows] == ["Module ledger", "Module dispatch"]


def test_a_stack_of_modules_that_the_service_does_not_have_yet_has_no_dashboard_of_them() -> None:
    later = stacks.full().model_copy(update={"modules": (Module.SUPPORT,)})
    assert Dashboard.MODULES not in {board.uid for board in catalogue.boards(later)}


def test_only_what_a_stack_has_gets_panels() -> None:
    service = stacks.full().service.model_copy(update={"enable_metrics": False})
    assert not {key for key in without(backups=Backups()) if key.startswith("backups-")}
    assert not {key for key in without(slo=Slo(enabled=False)) if key.startswith("slo-")}
    assert "service-certificate" not in without(ingress=Ingress())
    assert {key for key in without(service=service) if key.startswith(("service-", "module-", "slo-"))} == {
        "service-replicas",
        "service-certificate",
    }
    archive = Backups(enabled=True, bucket="example-backups")
    assert not {key for key in without(backups=archive) if "archive" in key}
    assert {"kubernetes-throttled", "kubernetes-autoscaler", "kubernetes-network"} <= set(
        panels(stacks.full())
    )
    inside = set(panels(stacks.sandbox()))
    assert not {"kubernetes-throttled", "kubernetes-autoscaler", "kubernetes-network"} & inside
    assert {"cluster-requests", "cluster-names", "cluster-certificates"} <= inside


def test_every_need_has_its_condition() -> None:
    assert set(needs.CONDITIONS) == set(Need)


def test_a_figure_that_has_no_series_yet_is_nothing_and_not_unknown(tmp_path: Path) -> None:
    """No request has failed: the share of errors is 0, and the panel is not empty."""
    (query,) = asked(stacks.sandbox())["service-error-share"]
    labels = {"namespace": "sandbox", "instance": "a", "endpoint": "/transactions", "method": "GET"}
    series = ",".join(f'{name}="{value}"' for name, value in labels.items())
    row = {"series": f'api_requests_total{{{series},status="200"}}', "values": "0+15x40"}
    promtool.value(tmp_path, "groups: []", 15, [row], (600, f"scalar({query})"), 0)


@pytest.mark.parametrize(
    ("window", "step", "interval"),
    [
        (Window(300, 15), 15, 60),  # four scrapes, however little is looked at
        (Window(3600, 15), 15, 60),
        (Window(6 * 3600, 15), 90, 105),  # a step and a scrape
        (Window(86_400, 30), 360, 390),
    ],
)
def test_the_rate_interval_is_grafanas(window: Window, step: int, interval: int) -> None:
    assert (window.step, window.rate_interval) == (step, interval)


def test_variables_stand_for_everything_until_somebody_chooses() -> None:
    board: Board = catalogue.boards(stacks.sandbox())[0]
    text = f'rate(x{{instance=~"$instance"}}[{promql.BETWEEN}])'
    assert resolved(text, board, WINDOW) == 'rate(x{instance=~".*"}[60s])'
