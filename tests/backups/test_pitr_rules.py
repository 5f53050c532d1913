"""Which moment can be restored from what, which backup is due, and what pgBackRest's errors mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from infra.backups.pitr import history, repository, schedule, target
from infra.backups.pitr.history import Branch
from infra.backups.pitr.repository import Backup, Info
from infra.errors import UserError

pytestmark = pytest.mark.unit
SUNDAY = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
SCHEDULES = schedule.Schedules("0 2 * * 0", "0 2 * * 1-6", ZoneInfo("UTC"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def backup(ended: datetime, kind: str = "full", **changed: object) -> Backup:
    values: dict[str, object] = {
        "label": f"{ended:%Y%m%d-%H%M%S}F",
        "kind": kind,
        "begun": ended - timedelta(minutes=1),
        "ended": ended,
        "timeline": 1,
        "stop_lsn": 100,
        "bytes": 1,
        "stored_bytes": 1,
        "damaged": False,
    }
    return Backup(**(values | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T03:00:05Z", "2026-11-20T03:00:05Z"),
        (" 2026-11-20T12:00:05.25+09:00 ", "2026-11-20T03:00:05.250000Z"),
        ("2026-11-20 03:00:05+00:00", "2026-11-20T03:00:05Z"),
    ],
)
def test_a_moment_with_a_time_zone_is_the_same_moment_in_utc(text: str, moment: str) -> None:
    assert target.stamp(target.parse(text, SUNDAY)) == moment


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is no moment"),
        ("2026-02-30T00:00:00Z", "is no moment"),
        ("2026-11-20T03:00:05", "has no time zone"),
        ("2026-11-20", "has no time zone"),
        ("2026-11-22T02:00:01Z", "has not come yet: it is 2026-11-22T02:00:00Z"),
    ],
)
def test_what_is_no_moment_of_the_past_is_a_usage_error(text: str, what: str) -> None:
    with pytest.raises(UserError, match=what) as raised:
        target.parse(text, SUNDAY)
    assert raised.value.exit_code == 2


def test_the_newest_sound_backup_before_the_moment_is_taken() -> None:
    old, new = backup(SUNDAY), backup(SUNDAY + DAY)
    damaged = backup(SUNDAY + 2 * DAY, damaged=True)
    late = backup(SUNDAY + 3 * DAY)
    found = target.choose([old, new, damaged, late], SUNDAY + 2 * DAY + HOUR, ())
    assert found is new


def test_a_moment_within_the_second_of_a_backup_s_end_is_too_early() -> None:
    with pytest.raises(UserError, match="name 2026-11-22T02:00:01Z or later"):
        target.choose([backup(SUNDAY)], SUNDAY + timedelta(milliseconds=999), ())
    assert target.choose([backup(SUNDAY)], SUNDAY + timedelta(seconds=1), ()).ended == SUNDAY


def test_without_a_backup_the_remedy_is_a_dump() -> None:
    with pytest.raises(UserError, match="restore a dump instead"):
        target.choose([backup(SUNDAY, damaged=True)], SUNDAY + DAY, ())


def test_a_backup_of_a_timeline_that_was_given_up_leads_nowhere() -> None:
    own = (Branch(1, 150), Branch(3, None))
    earlier = backup(SUNDAY, timeline=1, stop_lsn=150)
    beyond = backup(SUNDAY + HOUR, timeline=1, stop_lsn=151)
    given_up = backup(SUNDAY + 2 * HOUR, timeline=2, stop_lsn=160)
    assert target.choose([earlier, beyond, given_up], SUNDAY + DAY, own) is earlier
    mine = backup(SUNDAY + 3 * HOUR, timeline=3, stop_lsn=900)
    assert target.choose([earlier, beyond, given_up, mine], SUNDAY + DAY, own) is mine


def test_the_ancestors_of_a_timeline_stand_in_its_history_file(tmp_path: Path) -> None:
    file = tmp_path / "00000003.history"
    assert history.parents(file) == ()
    file.write_text("1\t0/5000000\tbefore 2026-11-20 03:00:05+00\n\n2\t1/A0\tbefore 2026-11-21\n")
    assert history.parents(file) == (Branch(1, 0x5000000), Branch(2, 0x1000000A0))


@pytest.mark.parametrize(
    ("backups", "after", "kind"),
    [
        ((), timedelta(), "full"),
        ((backup(SUNDAY, "diff"),), timedelta(), "full"),
        ((backup(SUNDAY, damaged=True),), timedelta(), "full"),
        ((backup(SUNDAY + HOUR),), DAY - timedelta(minutes=1), None),
        ((backup(SUNDAY + HOUR),), DAY, "diff"),
        ((backup(SUNDAY + HOUR), backup(SUNDAY + DAY + HOUR, "diff")), DAY + HOUR, None),
        (
            (backup(SUNDAY + HOUR),),
            5 * DAY,
            "diff",
        ),  # five slots were missed, and one backup makes up for all
        ((backup(SUNDAY + HOUR), backup(SUNDAY + 6 * DAY, "diff")), 7 * DAY, "full"),
    ],
)
def test_a_backup_is_due_once_its_slot_has_passed(
    backups: tuple[Backup, ...], after: timedelta, kind: str | None
) -> None:
    assert schedule.due(Info(backups, None, None), SCHEDULES, SUNDAY + after) == kind


def test_slots_are_those_of_the_team_s_time_zone() -> None:
    seoul = schedule.Schedules("0 2 * * 0", "0 2 * * 1-6", ZoneInfo("Asia/Seoul"))
    made = Info((backup(SUNDAY),), None, None)  # Sunday 11:00 in Seoul; the next slot is Monday 02:00 there
    assert schedule.due(made, seoul, SUNDAY + 14 * HOUR) is None
    assert schedule.due(made, seoul, SUNDAY + 15 * HOUR) == "diff"


def test_raw_bytes_of_a_wrong_key_never_reach_a_message() -> None:
    told = repository.told("info", "ERROR: [029]: x\nFormatError: key/value found outside: \x1b]0;\x00secret")
    assert str(told).startswith("point-in-time repository: cannot be read with this key\n")
    unknown = repository.told("backup", "WARN: y\nERROR: [999]: odd \x1b[31m bytes")
    assert "backup: ERROR: [999]: odd ?[31m bytes" in str(unknown)
