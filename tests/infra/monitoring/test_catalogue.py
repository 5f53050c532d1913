"""The catalogue as a whole: nothing without runbook and dashboard, and only of what a stack has."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.monitoring import catalogue
from infra.monitoring.alert import Severity
from infra.paths import ROOT
from infra.render import alerts as render
from infra.settings import check
from infra.settings.backups import Backups
from infra.settings.ingress import Ingress
from infra.settings.model import Settings
from infra.settings.redis import MaxmemoryPolicy
from infra.settings.slo import Slo
from tests.infra.monitoring import promtool, stacks

pytestmark = pytest.mark.unit
TEAM_STACKS = sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*-*.yaml"))


def without(**sections: object) -> set[str]:
    """Names of the alerts of the full stack with these sections changed."""
    return set(catalogue.alerts(stacks.full().model_copy(update=sections)))


@pytest.mark.parametrize("stack", TEAM_STACKS)
def test_promtool_takes_the_rules_of_every_team_stack(stack: str, tmp_path: Path) -> None:
    settings = check.load(stack)
    promtool.check(tmp_path, render.rules(catalogue.groups(settings), catalogue.recordings(settings)))


@pytest.mark.parametrize("settings", [stacks.full(), stacks.sandbox()], ids=["outside", "sandbox"])
def test_promtool_takes_the_rules_with_their_texts(settings: Settings, tmp_path: Path) -> None:
    promtool.check(tmp_path, render.rules(catalogue.groups(settings), catalogue.recordings(settings)))


@pytest.mark.parametrize("settings", [stacks.full(), stacks.sandbox()], ids=["outside", "sandbox"])
def test_every_alert_has_a_runbook_and_says_what_to_do_first(settings: Settings) -> None:
    for alert in catalogue.alerts(settings).values():
        assert (ROOT / alert.runbook).is_file(), alert.name
        assert "slipway " in alert.remedy or "runbook" in alert.remedy, alert.name
        assert alert.summary[0].isupper(), alert.name
        assert not alert.summary.endswith("."), alert.name
        assert alert.description.endswith("."), alert.name


def test_no_two_alerts_have_one_name() -> None:
    listed = [alert.name for group in catalogue.groups(stacks.full()).values() for alert in group]
    assert len(listed) == len(set(listed))


def test_only_the_watchdog_is_of_no_severity() -> None:
    found = [each.name for each in catalogue.alerts(stacks.full()).values() if each.severity is Severity.NONE]
    assert found == ["Watchdog"]


def test_a_rule_carries_severity_part_runbook_and_dashboard() -> None:
    alert = catalogue.alerts(stacks.full())["DatabaseDown"]
    text = render.rules({"database": [alert]})
    for line in (
        "severity: critical",
        "part: database",
        "dashboard: postgres",
        "docs/runbooks/DatabaseDown.md",
    ):
        assert line in text


def test_a_stack_without_backups_has_no_alerts_on_them() -> None:
    assert not {name for name in without(backups=Backups()) if name.startswith("Backup")}


def test_a_stack_without_an_archive_has_no_alerts_on_it() -> None:
    names = without(backups=Backups(enabled=True, bucket="example-backups"))
    assert "BackupTooOld" in names
    assert not {name for name in names if "Archive" in name}


def test_a_stack_that_no_host_leads_to_has_no_certificate() -> None:
    assert not {name for name in without(ingress=Ingress()) if name.startswith("Certificate")}


def test_a_stack_without_a_promise_has_no_alerts_on_it() -> None:
    silent = stacks.full().model_copy(update={"slo": Slo(enabled=False)})
    assert not {name for name in catalogue.alerts(silent) if name.startswith("Slo")}
    assert catalogue.recordings(silent) == ()


def test_a_service_without_metrics_is_watched_from_outside_alone() -> None:
    service = stacks.full().service.model_copy(update={"enable_metrics": False})
    names = without(service=service)
    assert {name for name in names if name.startswith(("Service", "Slo"))} == {"ServiceDown"}


def test_a_cache_that_may_drop_every_key_is_never_too_full() -> None:
    redis = stacks.full().redis.model_copy(update={"maxmemory_policy": MaxmemoryPolicy.ALLKEYS_LRU})
    assert "CacheMemoryFull" not in without(redis=redis)


def test_only_a_stack_with_a_cpu_limit_is_held_back_and_one_that_grows_can_be_at_its_most() -> None:
    plain = stacks.sandbox()
    assert not {"ContainerThrottled", "AutoscalerAtMost"} & set(catalogue.alerts(plain))
    assert {"ContainerThrottled", "AutoscalerAtMost"} <= set(catalogue.alerts(stacks.full()))
