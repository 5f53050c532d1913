"""Which limits a path has, whom a request counts for, and what the headers show."""

from __future__ import annotations

import pytest

from app.core.auth.users import Identity
from app.core.rate_limit import covers, principal_of, rules, shown
from app.core.redis import Script
from app.core.values import Limits

pytestmark = pytest.mark.unit


def scope(path: str = "/", client: str = "192.0.2.1", subject: str = "") -> dict[str, object]:
    identity = Identity(subject, "") if subject else None
    return {"path": path, "state": {"client": client, "identity": identity}}


def test_a_prefix_covers_whole_segments_only() -> None:
    paths = ("/api/ask", "/api/ask/", "/api/ask/1", "/api/asking", "/api", "/x/api/ask")
    assert [path for path in paths if covers("/api/ask", path)] == ["/api/ask", "/api/ask/", "/api/ask/1"]
    assert covers("", "/anything")


def test_the_longest_prefix_is_tried_first() -> None:
    own, general = Limits(1, 2, 3), Limits(4, 5, 6)
    made = rules(general, {"/api": own, "/": own, "/api/ask/": own, "/b": own}, (60, 0, 1, 2))
    assert [rule.prefix for rule in made] == ["/api/ask", "/api", "/b", "", ""]
    assert made[-1].limits == general
    assert {rule.limits for rule in made[:-1]} == {(4, 5, 6, 1, 2, 3)}
    assert not set(made[-2].names[5:]) & set(made[-1].names)  # "/" has counters of its own


def test_a_principal_is_the_subject_or_the_address() -> None:
    assert principal_of(scope(subject="u1")) == "user:u1"
    assert principal_of(scope(subject="u1"), by_address=True) == "address:192.0.2.1"
    assert principal_of({"path": "/"}) == "address:"
    same = {principal_of(scope(client=f"2001:db8:1:2::{host}")) for host in ("1", "ffff", "a:b:c")}
    assert len(same) == 1
    assert principal_of(scope(client="2001:db8:1:3::1")) not in same
    assert principal_of(scope(client="testclient")) == "address:testclient"


def test_the_tighter_counter_is_shown_and_nothing_remains_in_a_block() -> None:
    counters = [50, 1000, 900, 1000, 9000, 1000, 3, 2500, 99, 1000, 9500, 1000]
    limits = [60, 1000, 10_000, 10, 100, 20_000]
    assert dict(shown(limits, counters, blocked=False)) == {
        b"x-ratelimit-limit-minute": b"10",
        b"x-ratelimit-remaining-minute": b"3",
        b"x-ratelimit-reset-minute": b"3",
        b"x-ratelimit-limit-hour": b"100",
        b"x-ratelimit-remaining-hour": b"99",
        b"x-ratelimit-reset-hour": b"1",
        b"x-ratelimit-limit-day": b"10000",
        b"x-ratelimit-remaining-day": b"9000",
        b"x-ratelimit-reset-day": b"1",
    }
    blocked = dict(shown(limits, counters, blocked=True))
    assert {blocked[name] for name in blocked if b"remaining" in name} == {b"0"}


def test_a_script_is_known_by_its_sha1() -> None:
    assert Script("return 1").digest == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
