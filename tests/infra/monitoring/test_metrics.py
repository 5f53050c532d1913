"""Every metric that an alert or a recorded figure asks for exists: a renamed one would be silent for ever."""

from __future__ import annotations

import pytest

from app import contract
from app.core import metrics as service
from infra.monitoring import catalogue, promql
from infra.monitoring.alerts.service import SLOW_SECONDS
from infra.settings.model import Settings
from infra.settings.slo import LATENCY_BOUNDS_MS
from tests.infra.monitoring import metrics, stacks

pytestmark = pytest.mark.unit
STACKS = pytest.mark.parametrize("settings", [stacks.full(), stacks.sandbox()], ids=["outside", "sandbox"])


@STACKS
def test_every_metric_of_every_alert_exists(settings: Settings) -> None:
    there = metrics.known(catalogue.recordings(settings))
    asked = {
        alert.name: set(metrics.named(alert.expression)) - there
        for alert in catalogue.alerts(settings).values()
    }
    assert {name: unknown for name, unknown in asked.items() if unknown} == {}


@STACKS
def test_every_metric_of_every_recorded_figure_exists(settings: Settings) -> None:
    groups = catalogue.recordings(settings)
    there = metrics.known(groups)
    asked = {name for group in groups for rule in group.rules for name in metrics.named(rule.expression)}
    assert asked - there == set()


def test_a_metric_that_is_renamed_in_the_service_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = {
        name.replace("api_requests", "http_requests"): labels for name, labels in contract.METRICS.items()
    }
    monkeypatch.setattr(contract, "METRICS", renamed)
    alert = catalogue.alerts(stacks.full())["ServiceErrors"]
    there = metrics.known(catalogue.recordings(stacks.full()))
    assert set(metrics.named(alert.expression)) - there == {"api_requests_total"}


def test_names_are_found_in_an_expression_and_words_are_none() -> None:
    expression = 'rate(one_total{x="two or",y=~"z"}[5m]) / on (a) slo:three:ratio_1h > 4e9 or absent(four)'
    assert list(metrics.named(expression)) == ["one_total", "slo:three:ratio_1h", "four"]


def test_the_bounds_of_the_promise_are_those_of_the_histogram() -> None:
    assert tuple(bound * 1000 for bound in service.BUCKETS) == LATENCY_BOUNDS_MS
    assert max(service.BUCKETS) == SLOW_SECONDS


def test_the_paths_that_no_user_asks_for_are_the_contracts() -> None:
    assert promql.PROBES == contract.PROBE_PATHS


@STACKS
def test_the_labels_that_alerts_choose_by_are_those_of_the_contract(settings: Settings) -> None:
    own = {"namespace", "part", "instance", "le"}
    for alert in catalogue.alerts(settings).values():
        for name, labels in contract.METRICS.items():
            for chosen in metrics.labels_of(alert.expression, name):
                assert chosen <= own | set(labels), alert.name
