"""Each alert on backups fires when it must and is silent when it must, by Prometheus' own test runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.monitoring import catalogue
from infra.monitoring.alerts import backups
from infra.render import alerts as render
from infra.render.generate import profile
from infra.settings.backups import Backups
from infra.settings.model import Settings
from infra.settings.stack import Environment
from tests.infra.monitoring import promtool
from tests.infra.monitoring.promtool import Scenario

HERE = '{namespace="example-dev"}'  # of the profile
SUCCESS = f"backup_last_success_timestamp_seconds{HERE}"
VERIFIED = f"backup_last_verified_timestamp_seconds{HERE}"
DRILL = f"backup_drill_success{HERE}"
REACHABLE = f"backup_store_reachable{HERE}"
HOUR = 60
# A day's schedule, two hours' deadline and half an hour: 26.5 hours. promtool's clock begins at 0.
LIMIT = 26 * HOUR + 30
GOOD = {SUCCESS: "0+60x3000", VERIFIED: "0+60x3000", DRILL: "1x3000", REACHABLE: "1x3000"}


@pytest.fixture
def settings() -> Settings:
    """A stack whose backups have every default."""
    base = profile(Environment.DEV)
    return base.model_copy(update={"backups": Backups(enabled=True, bucket="ledger-backups")})


SCENARIOS = {
    "all is well": Scenario(GOOD, 3000),
    "the newest backup is as old as it may be": Scenario({**GOOD, SUCCESS: "0x3000"}, LIMIT),
    "no backup for longer": Scenario({**GOOD, SUCCESS: "0x3000"}, LIMIT + 7, ("BackupTooOld",)),
    "a backup late for less than the rule's patience": Scenario({**GOOD, SUCCESS: "0x3000"}, LIMIT + 3),
    "a new stack waits for its first night": Scenario({REACHABLE: "1x3000"}, LIMIT - 10),
    "a stack never made one": Scenario({REACHABLE: "1x3000"}, LIMIT + 2, ("BackupMissing",)),
    "no drill succeeded for longer": Scenario(
        {**GOOD, VERIFIED: "0x3000"}, LIMIT + 7, ("BackupNotVerified",)
    ),
    "a drill failed": Scenario({**GOOD, DRILL: "1x9 0x100"}, 10, ("BackupDrillFailed",)),
    "after a good drill it is silent again": Scenario({**GOOD, DRILL: "0x9 1x100"}, 11),
    "the store is away": Scenario({**GOOD, REACHABLE: "0x100"}, 16, ("BackupStoreUnreachable",)),
    "the store was away for a moment": Scenario({**GOOD, REACHABLE: "0x10 1x100"}, 16),
}


@pytest.mark.unit
@pytest.mark.parametrize("name", SCENARIOS)
def test_exactly_the_alerts_of_the_scenario_fire(name: str, settings: Settings, tmp_path: Path) -> None:
    groups = {"backups": backups.alerts(settings)}
    names = [alert.name for alert in groups["backups"] if alert.name != "BackupExporterAbsent"]
    rules = promtool.without_annotations(render.rules(groups))
    promtool.firing(tmp_path, rules, names, SCENARIOS[name])


@pytest.mark.unit
def test_every_alert_fires_in_one_scenario_and_is_silent_in_another(settings: Settings) -> None:
    fired = {name for scenario in SCENARIOS.values() for name in scenario.firing}
    assert fired | {"BackupExporterAbsent"} == {alert.name for alert in backups.alerts(settings)}


@pytest.mark.unit
def test_an_exporter_that_gives_no_figures_is_told(settings: Settings, tmp_path: Path) -> None:
    alone = [alert for alert in backups.alerts(settings) if alert.name == "BackupExporterAbsent"]
    rules = promtool.without_annotations(render.rules({"backups": alone}))
    own = {"namespace": settings.namespace_name}
    nobody = Scenario({}, 20, ("BackupExporterAbsent",), labels=own)
    promtool.firing(tmp_path, rules, ["BackupExporterAbsent"], nobody)
    promtool.firing(tmp_path, rules, ["BackupExporterAbsent"], Scenario({}, 10))
    there = f'backup_store_reachable{{namespace="{settings.namespace_name}"}}'
    promtool.firing(tmp_path, rules, ["BackupExporterAbsent"], Scenario({there: "1x100"}, 20))


@pytest.mark.unit
def test_promtool_takes_the_rules_with_their_texts(settings: Settings, tmp_path: Path) -> None:
    promtool.check(tmp_path, render.rules({"backups": backups.alerts(settings)}))


@pytest.mark.unit
def test_a_stack_without_backups_has_no_alerts_on_them(settings: Settings) -> None:
    without = settings.model_copy(update={"backups": Backups()})
    assert "backups" not in catalogue.groups(without)


@pytest.mark.unit
def test_the_limits_follow_the_schedules(settings: Settings) -> None:
    weekly = Backups(enabled=True, bucket="b-backups", schedule="0 3 * * 0", deadline_minutes=60)
    (old, *_) = backups.alerts(settings.model_copy(update={"backups": weekly}))
    assert old.expression.endswith(f"> {7 * 86400 + 3600 + 1800}")


@pytest.mark.unit
def test_every_alert_says_what_to_do_first(settings: Settings) -> None:
    for alert in backups.alerts(settings):
        assert "slipway " in alert.remedy, alert.name
        assert alert.summary, alert.name
        assert alert.name.startswith("Backup")
