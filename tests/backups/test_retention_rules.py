"""The decision which backups go: a table of cases, and what holds whatever there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.backups.manifest import Kind
from infra.backups.retention import OURS, Decision, Policy, Seen, check_clocks, decide
from infra.errors import UserError

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")
DEADLINE = timedelta(hours=2)
DISBELIEVED = "its manifest cannot be believed, so nothing shows that we made it"
LEFT_OVER = "left by a run that did not end well: no manifest after 24.0 hours"


def policy(days: int = 30, weekly: int = 0, monthly: int = 0) -> Policy:
    return Policy(days, weekly, monthly, DEADLINE, SEOUL)


def seen(
    days: float,
    *,
    kind: Kind | None = Kind.DATABASE,
    sound: bool = True,
    verified: bool = False,
    complete: bool = True,
    drilled: bool = False,
) -> Seen:
    """A backup that many days old; ``kind=None``: without a manifest that can be believed."""
    made = NOW - timedelta(days=days)
    return Seen(
        id=f"{days:g}-{kind}",
        made=made if kind else None,
        kind=kind,
        sound=sound and kind is not None,
        verified=made if verified else None,
        complete=complete,
        drilled=drilled or verified,
        written=made,
    )


def kept(*backups: Seen, rules: Policy | None = None) -> dict[str, str]:
    """id → reason of what stays."""
    return {each.id: each.reason for each in decide(backups, NOW, rules or policy()) if each.keep}


def test_a_backup_older_than_the_days_goes_and_a_younger_one_stays() -> None:
    assert set(kept(seen(0), seen(30), seen(31))) == {"0-database", "30-database"}


def test_every_decision_says_why() -> None:
    assert decide([seen(0), seen(29), seen(31)], NOW, policy()) == [
        Decision("0-database", True, "the newest of kind database"),
        Decision("29-database", True, "29.0 days older than the newest; 30 are kept"),
        Decision("31-database", False, "31.0 days older than the newest; 30 are kept"),
    ]


def test_the_newest_verified_one_stays_whatever_its_age() -> None:
    assert kept(seen(0), seen(300, verified=True), seen(400, verified=True)) == {
        "0-database": "the newest of kind database",
        "300-database": "the newest that a drill has verified",
    }


def test_the_newest_of_each_kind_stays() -> None:
    assert set(kept(seen(0), seen(200, kind=Kind.FULL), seen(207, kind=Kind.FULL))) == {
        "0-database",
        "200-full",
    }


def test_where_no_new_backup_comes_none_goes() -> None:
    assert set(kept(seen(100), seen(120))) == {"100-database", "120-database"}


def test_a_broken_newest_backup_does_not_stand_in_for_the_good_one_before_it() -> None:
    assert "100-database" in kept(seen(0, sound=False), seen(100))


def test_where_no_backup_is_sound_none_goes() -> None:
    reasons = kept(seen(0, sound=False), seen(100, sound=False))
    assert set(reasons.values()) == {"no backup is sound, so none goes"}


def test_the_last_of_each_week_stays_in_the_teams_time_zone() -> None:
    # Sunday 2026-11-22 16:00 UTC is Monday 01:00 in Seoul: the week of the newest, not one of its own.
    backups = [seen(0), *(seen(5.4583 + 7 * week) for week in range(4)), seen(6.9)]
    assert kept(*backups, rules=policy(days=1, weekly=3)) == {
        "0-database": "the newest of kind database",
        "6.9-database": "the last of 2026-W47",
        "19.4583-database": "the last of 2026-W46",
    }


def test_the_last_of_each_month_stays() -> None:
    found = kept(*(seen(day) for day in range(100)), rules=policy(days=1, monthly=3))
    assert found["28-database"] == "the last of 2026-10"
    assert found["59-database"] == "the last of 2026-09"
    assert set(found) == {"0-database", "1-database", "28-database", "59-database"}


@pytest.mark.parametrize(
    ("backup", "keep", "reason"),
    [
        (seen(40, kind=None, complete=True), True, DISBELIEVED),
        (seen(0.05, kind=None, complete=False), True, "no manifest yet: its run may still be under way"),
        (seen(1, kind=None, complete=False), False, LEFT_OVER),
        (
            seen(40, kind=None, complete=False, drilled=True),
            True,
            "its manifest is gone, though a drill restored it: who removed it?",
        ),
        (seen(-2), True, "its time lies in the future"),
    ],
)  # fmt: skip
def test_what_is_no_good_backup_of_the_past_is_told_apart(backup: Seen, keep: bool, reason: str) -> None:
    assert decide([seen(0.5), backup], NOW, policy())[1] == Decision(backup.id, keep, reason)


def test_only_names_that_we_write_are_ours() -> None:
    ours = (
        "manifest.json",
        "database.dump",
        "database.dump.zst.age",
        "redis.rdb.age",
        "configuration.tar.zst",
    )
    others = ("notes.txt", "database.dump.bak", "xmanifest.json", "manifest.json.old", "redis.rdb.gz")
    assert [name for name in (*ours, *others) if OURS.match(name)] == list(ours)


@pytest.mark.parametrize("hours", [-1.01, 1.01, 24 * 365])
def test_clocks_that_differ_by_more_than_an_hour_stop_it(hours: float) -> None:
    with pytest.raises(
        UserError, match=r"clocks: this pod has [^→]*→ nothing was removed; set both clocks right"
    ) as told:
        check_clocks(NOW + timedelta(hours=hours), NOW)
    assert "2026-11-28 03:00:00 UTC" in str(told.value)


def test_clocks_that_differ_by_less_do_not() -> None:
    check_clocks(NOW + timedelta(minutes=59), NOW)


ANY = st.builds(
    seen,
    st.integers(-3, 500),
    kind=st.sampled_from([None, *Kind]),
    sound=st.booleans(),
    verified=st.booleans(),
    complete=st.booleans(),
    drilled=st.booleans(),
)
POLICIES = st.builds(policy, st.integers(1, 60), st.integers(0, 6), st.integers(0, 6))


@given(st.lists(ANY, max_size=40, unique_by=lambda each: each.id), POLICIES)
def test_whatever_there_is_the_newest_verified_and_the_newest_sound_one_stay(
    backups: list[Seen], rules: Policy
) -> None:
    stays = kept(*backups, rules=rules)
    sound = [each for each in backups if each.made and each.sound and each.made <= NOW + timedelta(hours=1)]
    for group in (sound, [each for each in sound if each.verified]):
        if group:
            assert max(group, key=lambda each: each.made or NOW).id in stays


@given(st.lists(ANY, max_size=40, unique_by=lambda each: each.id), POLICIES)
def test_whatever_there_is_nothing_young_goes_and_nothing_that_we_may_not_have_made(
    backups: list[Seen], rules: Policy
) -> None:
    for each, decision in zip(backups, decide(backups, NOW, rules), strict=True):
        if not decision.keep:
            assert each.made or not each.complete
            assert NOW - each.written > min(DEADLINE, timedelta(days=rules.days))


@given(st.lists(ANY, max_size=40, unique_by=lambda each: each.id), POLICIES)
def test_a_second_run_removes_nothing_more(backups: list[Seen], rules: Policy) -> None:
    stays = kept(*backups, rules=rules)
    left = [each for each in backups if each.id in stays]
    assert set(kept(*left, rules=rules)) == set(stays)


@given(st.lists(ANY, max_size=40, unique_by=lambda each: each.id), POLICIES, st.integers(1, 60))
def test_longer_rules_never_remove_more(backups: list[Seen], rules: Policy, more: int) -> None:
    longer = Policy(rules.days + more, rules.weekly + more, rules.monthly + more, DEADLINE, SEOUL)
    assert set(kept(*backups, rules=rules)) <= set(kept(*backups, rules=longer))
