"""What `slipway backup status` calls well, late and wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from infra import backup_health

pytestmark = pytest.mark.unit
NEW = "20261128T030000Z-00000002"


def backup(name: str, verified: str | None = None) -> dict[str, Any]:
    created = f"{name[:4]}-{name[4:6]}-{name[6:8]}T03:00:00+00:00"
    return {"id": name, "created": created, "verified": verified, "problem": None}


MOMENT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def scheduled(name: str, schedule: str, **spec: Any) -> backup_health.Run:
    job = {"metadata": {"name": name}, "spec": {"schedule": schedule, "timeZone": "Asia/Seoul", **spec}}
    return backup_health.run_of(job, MOMENT)


def test_the_next_run_is_told_in_utc_and_none_for_what_is_suspended() -> None:
    assert scheduled("backup-database", "0 3 * * *").next == "2026-11-28T18:00:00+00:00"
    suspended = scheduled("backup-database", "0 3 * * *", suspend=True)
    assert (suspended.next, suspended.schedule) == (None, "0 3 * * * Asia/Seoul (suspended)")
    assert scheduled("backup-restore", "0 0 1 1 *", suspend=True).schedule == "by hand"


def troubles(*backups: dict[str, Any], **spec: Any) -> list[str]:
    runs = [scheduled("backup-database", "0 3 * * *", **spec), scheduled("backup-drill", "30 6 * * *")]
    return backup_health._too_old(runs, list(backups), MOMENT)


def test_a_backup_of_today_that_a_drill_has_restored_is_no_trouble() -> None:
    assert troubles(backup(NEW, verified="2026-11-28T06:30:00+00:00")) == []


def test_no_backup_an_old_one_an_unverified_one_and_a_suspended_schedule_are_told() -> None:
    assert troubles() == [
        "backup-database: there is no backup",
        "backup-drill: there is no backup that a drill has restored",
    ]
    assert troubles(backup("20261126T030000Z-00000001", verified="2026-11-28T06:30:00+00:00")) == [
        "backup-database: the newest backup is 57 h old"
    ]
    assert troubles(backup(NEW, verified="2026-11-28T06:30:00+00:00"), suspend=True) == [
        "backup-database: is suspended"
    ]


def status(**archiver: Any) -> dict[str, Any]:
    plain = {"last_archived_seconds_ago": 20, "last_failed_seconds_ago": None, "waiting": 0}
    backups = [
        {"ended": "2026-11-22T02:00:07Z", "damaged": True},
        {"ended": "2026-11-23T02:00:07Z", "damaged": False},
        {"ended": "2026-11-24T02:00:07Z", "damaged": False},
    ]
    return {"backups": backups, "archiver": plain | archiver}


def test_an_archive_reaches_back_to_its_first_sound_base_backup() -> None:
    found = backup_health.archive_of(status())
    assert (found.restorable_from, found.age_seconds, found.failing) == ("2026-11-23T02:00:07Z", 20, False)
    assert backup_health._not_archived(found) == []


def test_archiving_that_failed_after_its_last_success_is_a_trouble() -> None:
    over = backup_health.archive_of(status(last_failed_seconds_ago=300))
    assert backup_health._not_archived(over) == []
    failing = backup_health.archive_of(status(last_failed_seconds_ago=3, waiting=4))
    assert backup_health._not_archived(failing) == [
        "backup-pitr: archiving fails, and 4 segments wait on the volume: "
        "kubectl logs postgres-0 --container postgres"
    ]


def test_an_archive_without_a_base_backup_restores_nothing_and_says_so() -> None:
    empty = backup_health.archive_of({**status(last_archived_seconds_ago=None), "backups": []})
    assert backup_health._not_archived(empty) == ["backup-pitr: there is no base backup yet"]
