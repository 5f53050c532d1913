"""Each fault fires its alerts and no other, in time; one of them is told; all are silent when it is over."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from infra.monitoring import catalogue, inhibition
from infra.monitoring.alert import Alert
from infra.render import alerts as render
from infra.settings.model import Settings
from tests.infra.monitoring import faults, promtool, series, stacks
from tests.infra.monitoring.fault import Fault
from tests.infra.monitoring.promtool import Moment
from tests.infra.monitoring.series import Timeline

pytestmark = pytest.mark.unit
BEGIN = 10  # minutes in which all is well
UNITS = {"s": 1, "m": 60, "h": 3600}
# Of no stack: nodes, and the servers of the monitoring itself.
GLOBAL = re.compile("Node|Prometheus(?!Down)|Alertmanager|Notifications|Cluster|Watchdog")
WATCHDOG = ("Watchdog", None)


@cache
def rules(settings: Settings) -> str:
    causes = inhibition.silenced(settings)
    return render.rules(catalogue.groups(settings), catalogue.recordings(settings), causes=causes)


def seconds(duration: str) -> int:
    return int(duration[:-1]) * UNITS[duration[-1]]


def counted(settings: Settings, names: Iterable[str]) -> dict[tuple[str, str | None], int]:
    """Each once, with the namespace where it is an alert of the stack."""
    return {(name, None if GLOBAL.match(name) else settings.namespace_name): 1 for name in names}


@pytest.mark.parametrize("title", faults.FAULTS)
def test_a_fault_fires_its_alerts_and_no_other_and_they_end_with_it(title: str, tmp_path: Path) -> None:
    proved(faults.FAULTS[title], tmp_path)


SLOW = (
    "no replica is available", "a replica says that it is not healthy", "a replica does not answer at all",
    "half of the requests fail", "a tenth of the requests takes longer than ten seconds",
    "the archive refuses segments", "Alertmanager does not answer",
)  # fmt: skip


@pytest.mark.parametrize("title", SLOW)
def test_with_one_reading_a_minute_a_fault_is_told_some_readings_later(title: str, tmp_path: Path) -> None:
    fault = faults.FAULTS[title]
    # Four readings fill the shortest range where eight did.
    proved(replace(fault, settings=stacks.slow(), step=60, minutes=fault.minutes + 4), tmp_path)


def proved(fault: Fault, tmp_path: Path) -> None:
    """It fires its alerts and no other in time, and all are silent afterwards."""
    end = BEGIN + fault.minutes
    timeline = Timeline(fault.step, BEGIN, end, end + fault.calm)
    written = series.written(fault.settings, fault.bad, timeline)
    alert = catalogue.alerts(fault.settings)[fault.told]
    firing = {WATCHDOG: 1, **counted(fault.settings, fault.firing)}
    found = [
        Moment(BEGIN * 60 - fault.step, {WATCHDOG: 1}),
        Moment(end * 60 - fault.step, firing),
    ]
    if waits := seconds(alert.lasts):  # not before its time, whatever the figures are
        found.append(Moment(BEGIN * 60 + waits - fault.step, {}, of=alert.name))
    # Also not told later on: the windows of the error budget remember it for hours.
    found += [Moment((end + at) * 60 - fault.step, {WATCHDOG: 1}) for at in range(20, fault.calm + 1, 10)]
    promtool.moments(tmp_path, rules(fault.settings), fault.step, written, found)


@pytest.mark.parametrize("title", faults.FAULTS)
def test_one_alert_is_told_of_each_fault(title: str) -> None:
    fault = faults.FAULTS[title]
    silenced = {
        name
        for rule in inhibition.inhibitions(fault.settings)
        if set(rule.causes) & set(fault.firing)
        for name in rule.consequences
    }
    assert [name for name in fault.firing if name not in silenced] == [fault.told]


def every() -> dict[str, Alert]:
    return {**catalogue.alerts(stacks.full()), **catalogue.alerts(stacks.sandbox())}


def test_every_alert_of_the_catalogue_is_fired_by_a_test() -> None:
    fired = {name for fault in faults.FAULTS.values() for name in fault.firing}
    elsewhere = {"Watchdog", "NodeDiskFillsUp", "VolumeFillsUp"} | {name for name in every() if "Slo" in name}
    assert fired | elsewhere == set(every())


@pytest.mark.parametrize(
    "settings", [stacks.full(), stacks.slow(), stacks.sandbox()], ids=["outside", "slow", "sandbox"]
)
def test_while_all_is_well_only_the_watchdog_fires(settings: Settings, tmp_path: Path) -> None:
    step = settings.monitoring.scrape_interval_seconds
    timeline = Timeline(step, 60, 60, 60)
    found = [Moment(minute * 60, {WATCHDOG: 1}) for minute in (1, 30, 59)]
    promtool.moments(tmp_path, rules(settings), step, series.written(settings, {}, timeline), found)
