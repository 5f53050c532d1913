"""The alerts of a stack as its Prometheus and Alertmanager tell them, and one more, sent as a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import yaml

from infra import reach
from infra import stack as stacks
from infra.errors import UserError
from infra.names import OPERATOR, RECEIVER

TIMEOUT_SECONDS = 20.0
TEST_MINUTES = 5  # after which the test is over by itself, and is told so
TEST_NAME = "SlipwayTest"
WAYS = {"slack_configs": ("Slack", "channel"), "email_configs": ("mail to", "to")}
# How Alertmanager's word for an alert's state is told.
TOLD, SILENCED, BEHIND = "told", "silenced", "behind another"


@dataclass(frozen=True)
class Firing:
    """One alert. ``state``: told, silenced, behind another (its cause is told instead), or pending: wrong,
    and not yet for long enough. ``since``: RFC 3339."""

    name: str
    severity: str
    state: str
    since: str
    summary: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where a stack's alerts are, by addresses that pods use."""

    stack: str
    prometheus: str
    alertmanager: str
    environment: Mapping[str, str]


def place(stack: str) -> Place:
    """Raises UserError where the stack is not up, is not measured, or is measured by somebody else's."""
    outputs = stacks.outputs_while_up(stack)
    if outputs.get("monitoring") == OPERATOR:
        raise _of_the_operator(stack, outputs["namespace"])
    if "alertmanager" not in outputs:
        remedy = f"set enabled: true, then: slipway up {stack}"
        raise UserError.of("slipway:monitoring.enabled", f"false: {stack} raises no alerts", remedy)
    return Place(stack, outputs["prometheus"], outputs["alertmanager"], stacks.surroundings(stack))


def _of_the_operator(stack: str, namespace: str) -> UserError:
    """What a person can do instead; the labels are those of the stack's route (infra/render/operator.py)."""
    where, labels = (
        "slipway:monitoring.operator",
        f"{TEST_NAME} namespace={namespace} stack={stack} test=true",
    )
    what = f"true: the cluster's {OPERATOR} runs the Prometheus and the Alertmanager of {stack}"
    remedy = f"ask where they are; amtool --alertmanager.url=URL alert, or alert add {labels} for a test"
    return UserError.of(where, what, remedy)


def send_test(where: Place, moment: datetime) -> list[str]:
    """Posts the test alert (Alertmanager's API, version 2); by which ways it is told. Raises UserError."""
    with client(where, where.alertmanager) as server:
        ways = receivers(answered(where, server.get("/api/v2/status"))["config"]["original"])
        answered(where, server.post("/api/v2/alerts", json=[test_alert(where.stack, moment)]))
    return ways


def test_alert(stack: str, moment: datetime) -> dict[str, Any]:
    """As Prometheus would post it; it is told at once, also in quiet hours."""
    labels = {"alertname": TEST_NAME, "severity": "warning", "part": "test", "test": "true", "stack": stack}
    return {
        "labels": labels,
        "annotations": {
            "summary": f"A test of the alerts of {stack}: nothing is wrong",
            "description": "Somebody wants to know whether alerts arrive. They do.",
        },
        "startsAt": moment.isoformat(),
        "endsAt": (moment + timedelta(minutes=TEST_MINUTES)).isoformat(),
    }


def receivers(configuration: str) -> list[str]:
    """The ways of the running Alertmanager in words: ``Slack #alerts``, ``mail to a@example.com``."""
    every = yaml.safe_load(configuration).get("receivers") or ()
    found = [receiver for receiver in every if receiver["name"] == RECEIVER]
    return [
        f"{word} {way[key]}"
        for receiver in found
        for kind, (word, key) in WAYS.items()
        for way in receiver.get(kind) or ()
    ]


def firing(where: Place) -> list[Firing]:
    """What fires now, the oldest last, and what is about to. Raises UserError."""
    with client(where, where.alertmanager) as server:
        told = answered(where, server.get("/api/v2/alerts"))
    with client(where, where.prometheus) as server:
        all_of_them = answered(where, server.get("/api/v1/alerts"))["data"]["alerts"]
    return sorted([*_told(told), *_pending(all_of_them)], key=lambda alert: alert.since, reverse=True)


def _told(alerts: Iterable[dict[str, Any]]) -> Iterator[Firing]:
    for alert in alerts:
        status = alert["status"]
        held = SILENCED if status["silencedBy"] else BEHIND if status["inhibitedBy"] else TOLD
        yield _firing(alert, held, alert["startsAt"])


def _pending(alerts: Iterable[dict[str, Any]]) -> Iterator[Firing]:
    for alert in alerts:
        if alert["state"] == "pending":
            yield _firing(alert, "pending", alert["activeAt"])


def _firing(alert: dict[str, Any], state: str, since: str) -> Firing:
    labels, moment = alert["labels"], datetime.fromisoformat(since[:19] + "+00:00").astimezone(UTC)
    return Firing(
        name=labels.get("alertname", ""),
        severity=labels.get("severity", ""),
        state=state,
        since=moment.isoformat(),
        summary=alert["annotations"].get("summary", ""),
        labels=labels,
    )


@contextmanager
def client(where: Place, url: str) -> Iterator[httpx.Client]:
    """Asks one of the stack's servers, forwarded where only pods reach it. Raises UserError."""
    with reach.asking(where.stack, url, where.environment, TIMEOUT_SECONDS) as server:
        yield server


def answered(where: Place, answer: httpx.Response) -> Any:
    """The answer's JSON, or None where it has none. Raises UserError for a refusal."""
    taken = reach.accepted(where.stack, answer)
    return taken.json() if taken.content else None
