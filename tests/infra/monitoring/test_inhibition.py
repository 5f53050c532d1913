"""Which alert silences which: only alerts that there are, for a reason, and never in a circle."""

from __future__ import annotations

import pytest

from infra.monitoring import catalogue, inhibition
from infra.monitoring.alert import Severity
from infra.settings.model import Settings
from tests.infra.monitoring import stacks

pytestmark = pytest.mark.unit
STACKS = pytest.mark.parametrize("settings", [stacks.full(), stacks.sandbox()], ids=["outside", "sandbox"])


def test_every_name_is_that_of_an_alert() -> None:
    known = {**catalogue.alerts(stacks.full()), **catalogue.alerts(stacks.sandbox())}
    for rule in (*inhibition.RULES, inhibition.ONE_DISK):
        assert {*rule.causes, *rule.names} <= set(known), rule.causes
        assert rule.reason, rule.causes


@STACKS
def test_only_alerts_that_the_stack_has_are_spoken_of(settings: Settings) -> None:
    known = set(catalogue.alerts(settings))
    for rule in inhibition.inhibitions(settings):
        assert {*rule.causes, *rule.consequences} <= known
        assert not set(rule.causes) & set(rule.consequences)


@STACKS
def test_no_alert_silences_in_a_circle(settings: Settings) -> None:
    follows: dict[str, set[str]] = {}
    for rule in inhibition.inhibitions(settings):
        for cause in rule.causes:
            follows.setdefault(cause, set()).update(rule.consequences)

    def reached(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        found: set[str] = set()
        for other in follows.get(name, set()) - seen:
            found |= {other} | reached(other, seen | {other})
        return found

    assert [name for name in follows if name in reached(name)] == []


@STACKS
def test_no_warning_silences_what_somebody_is_woken_for(settings: Settings) -> None:
    severity = {name: alert.severity for name, alert in catalogue.alerts(settings).items()}
    wrong = [
        (cause, name)
        for rule in inhibition.inhibitions(settings)
        for cause in rule.causes
        for name in rule.consequences
        if severity[cause] is Severity.WARNING and severity[name] is Severity.CRITICAL
    ]
    assert wrong == []


@STACKS
def test_nothing_silences_the_watchdog_or_a_message_that_did_not_arrive(settings: Settings) -> None:
    silenced = {name for rule in inhibition.inhibitions(settings) for name in rule.consequences}
    assert not {"Watchdog", "NotificationsFail", "PrometheusCannotNotify"} & silenced


@STACKS
def test_what_one_cause_silences_is_gathered_from_all_rules(settings: Settings) -> None:
    found = inhibition.silenced(settings)
    pairs = {(cause, name) for cause, names in found.items() for name in names}
    assert pairs == {
        (cause, name)
        for rule in inhibition.inhibitions(settings)
        for cause in rule.causes
        for name in rule.consequences
    }
    assert "ServiceDown" in found["DatabaseDown"]
