"""`slipway alerts` against a server that answers as Prometheus and Alertmanager do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra import alerting
from infra import stack as stacks
from infra.errors import UserError
from infra.names import OPERATOR
from tests.infra.cli import answering
from tests.infra.cli.answering import slipway

pytestmark = pytest.mark.unit
CONFIG = """
receivers:
- name: team
  slack_configs: [{channel: "#alerts", api_url_file: /run/x}]
  email_configs: [{to: a@example.com}]
- name: nobody
"""


@dataclass
class Server:
    """What it answers by path, and what was posted."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    posted: list[Any] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A stack whose Prometheus and Alertmanager are one local server."""
    state = Server(answers={"/api/v2/status": {"config": {"original": CONFIG}}})

    def answers(path: str, posted: bytes) -> tuple[int, object]:
        if posted:
            state.posted += json.loads(posted)
            return 200, None
        found = state.answers.get(path)
        return 404 if found is None else 200, found

    with answering.asked(answers, "ledger-dev", monkeypatch) as state.url:
        yield state


def alert(name: str, since: str, **status: list[str]) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": "critical"},
        "annotations": {"summary": f"{name} is so"},
        "startsAt": since,
        "status": {"silencedBy": [], "inhibitedBy": [], **status},
    }


def firing(server: Server) -> None:
    server.answers["/api/v2/alerts"] = [
        alert("DatabaseDown", "2026-11-28T08:00:00.000Z"),
        alert("ServiceDown", "2026-11-28T08:01:00.000Z", inhibitedBy=["x"]),
        alert("DiskLow", "2026-11-28T07:00:00.000Z", silencedBy=["x"]),
    ]
    waiting = {
        "labels": {"alertname": "CacheFull", "severity": "warning"},
        "annotations": {"summary": "CacheFull is so"},
        "state": "pending",
        "activeAt": "2026-11-28T08:02:00.123456789Z",
    }
    told = {**waiting, "labels": {"alertname": "DatabaseDown"}, "state": "firing"}
    server.answers["/api/v1/alerts"] = {"data": {"alerts": [waiting, told]}}


def test_every_alert_is_listed_with_its_state_the_newest_first(server: Server) -> None:
    firing(server)
    found = json.loads(slipway("alerts", "list", "ledger-dev", "--json").stdout)["alerts"]
    assert [(row["name"], row["state"]) for row in found] == [
        ("CacheFull", "pending"),
        ("ServiceDown", "behind another"),
        ("DatabaseDown", "told"),
        ("DiskLow", "silenced"),
    ]
    assert found[0]["since"] == "2026-11-28T08:02:00+00:00"


def test_the_table_says_what_fires_and_what_it_is(server: Server) -> None:
    firing(server)
    lines = slipway("alerts", "list", "ledger-dev").stdout.splitlines()
    (row,) = [line.strip() for line in lines if line.strip().startswith("DatabaseDown")]
    assert "critical" in row
    assert row.rstrip().endswith("DatabaseDown is so")


def test_where_nothing_fires_that_is_said(server: Server) -> None:
    server.answers |= {"/api/v2/alerts": [], "/api/v1/alerts": {"data": {"alerts": []}}}
    assert slipway("alerts", "list", "ledger-dev").stdout == "No alert of ledger-dev fires.\n"


def test_a_test_says_where_it_goes_and_is_labelled_as_one(server: Server) -> None:
    said = slipway("alerts", "test", "ledger-dev").stdout
    assert said.startswith("SlipwayTest is on its way to Slack #alerts, mail to a@example.com\n")
    (sent,) = server.posted
    assert sent["labels"]["test"] == "true"
    assert sent["labels"]["stack"] == "ledger-dev"
    assert sent["startsAt"] < sent["endsAt"]


def test_a_test_where_nobody_hears_of_alerts_says_what_to_set(server: Server) -> None:
    server.answers["/api/v2/status"] = {"config": {"original": "receivers: [{name: team}]"}}
    said = slipway("alerts", "test", "ledger-dev").stdout
    assert "names nobody who hears of alerts: slipway:monitoring.receivers" in said
    whole = json.loads(slipway("alerts", "test", "ledger-dev", "--json").stdout)
    assert whole == {"stack": "ledger-dev", "alert": "SlipwayTest", "receivers": []}


def test_a_refusal_is_told_with_its_address(server: Server) -> None:
    server.answers.clear()
    failed = slipway("alerts", "list", "ledger-dev").exception
    assert isinstance(failed, UserError)
    assert failed.problems[0].what.startswith("answered 404")


def test_a_stack_that_is_not_measured_says_how_it_would_be(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "outputs", lambda _stack: {"namespace": "ledger-dev"})
    with pytest.raises(UserError) as failed:
        alerting.place("ledger-dev")
    assert str(failed.value) == (
        "slipway:monitoring.enabled: false: ledger-dev raises no alerts\n"
        "  → set enabled: true, then: slipway up ledger-dev"
    )
    assert server.posted == []


@pytest.mark.parametrize("verb", ["list", "test"])
def test_where_the_clusters_operator_measures_the_stack_it_is_said_whose_the_alerts_are(
    verb: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {"namespace": "ledger", "monitoring": OPERATOR}
    monkeypatch.setattr(stacks, "outputs", lambda _stack: outputs)
    with pytest.raises(UserError) as failed:
        alerting.place("ledger-dev")
    assert str(failed.value) == (
        "slipway:monitoring.operator: true: the cluster's prometheus-operator runs the Prometheus and the "
        "Alertmanager of ledger-dev\n"
        "  → ask where they are; amtool --alertmanager.url=URL alert, or alert add SlipwayTest "
        "namespace=ledger stack=ledger-dev test=true for a test"
    )
    assert slipway("alerts", verb, "ledger-dev").exit_code != 0
    assert server.posted == []


def test_a_server_that_is_away_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    away = "http://127.0.0.1:9"
    outputs = {"namespace": "a", "prometheus": away, "alertmanager": away}
    monkeypatch.setattr(stacks, "outputs", lambda _stack: outputs)
    monkeypatch.setattr(stacks, "environment", lambda _stack: {})
    with pytest.raises(
        UserError, match=r"127\.0\.0\.1:9: does not answer: .*\n  → slipway status ledger-dev"
    ):
        alerting.firing(alerting.place("ledger-dev"))
