"""What may be asked, in which words it is refused, and that no value ever becomes a part of the query."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core.middleware.request import REQUEST_ID
from infra.errors import UserError
from infra.logs import asking, levels, lines
from infra.logs.levels import Level
from infra.settings.logs import Store

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
TRACE = "4f9d2c1e8b7a4c55a1d0f3e2b6c7d8e9"


def test_a_trace_id_is_what_the_service_takes_as_one() -> None:
    assert asking.TRACE.pattern == REQUEST_ID.pattern


@pytest.mark.parametrize(
    ("given", "since"),
    [
        ({}, datetime(2026, 11, 28, 11, 0, tzinfo=UTC)),
        ({"trace": TRACE}, None),
        ({"trace": TRACE, "since": "2d"}, datetime(2026, 11, 26, 12, 0, tzinfo=UTC)),
        ({"since": "90s"}, datetime(2026, 11, 28, 11, 58, 30, tzinfo=UTC)),
        ({"since": "2026-11-28T03:00+09:00"}, datetime(2026, 11, 27, 18, 0, tzinfo=UTC)),
    ],
)
def test_the_last_hour_is_searched_and_for_a_trace_all_that_is_kept(
    given: dict[str, str], since: datetime | None
) -> None:
    assert asking.search(NOW, **given).since == since


def test_a_whole_traceparent_is_a_trace_id_too() -> None:
    assert asking.search(NOW, trace=f"00-{TRACE}-00f067aa0ba902b7-01").trace == TRACE


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UserError) as failed:
        asking.search(
            NOW,
            trace='x" or *',
            level="loud",
            app="a b",
            words="\x1b",
            since="soon",
            until="2026-11-28T03:00",
        )
    assert failed.value.exit_code == 2
    assert [str(problem).partition("\n")[0] for problem in failed.value.problems] == [
        "--trace 'x\" or *': is no trace id",
        "--level 'loud': is no level",
        "--app 'a b': is no part's name",
        "--grep '\\x1b': is empty, longer than 500 characters, or has characters that no line has",
        "--since 'soon': is neither an age nor a moment",
        "--until '2026-11-28T03:00': says no time zone",
    ]


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UserError, match="--since: 1h is not before --until 2h"):
        asking.search(NOW, since="1h", until="2h")


def test_only_the_store_that_can_have_it_is_asked() -> None:
    assert asking.search(NOW, app="service").stores == (Store.SERVICE,)
    assert asking.search(NOW, app="postgres").stores == (Store.PARTS,)
    assert asking.search(NOW).stores == tuple(Store)


def test_what_was_searched_is_told_in_words() -> None:
    wanted = asking.search(NOW, level="error", app="service", words="out of memory", since="2h", until="1h")
    assert wanted.told == (
        "level error or worse, app service, words 'out of memory', since 2026-11-28 10:00:00 UTC, "
        "until 2026-11-28 11:00:00 UTC"
    )


@pytest.mark.parametrize(
    ("field", "message", "level"),
    [
        ("error", "whatever", Level.ERROR),
        ("FATAL", "of Kubernetes", Level.CRITICAL),
        ("info", "ERROR: what a user wrote", Level.INFO),
        ("", "2026-11-28 11:41:01.785 UTC [378] a@b LOG:  duration: 633 ms  statement: COMMIT", Level.INFO),
        ("", '2026-11-28 11:41:01.785 UTC [378] a@b ERROR:  relation "x" does not exist', Level.ERROR),
        ("", "2026-11-28 11:41:01.785 UTC [378] FATAL:  terminating connection", Level.CRITICAL),
        ("", "1:M 28 Nov 2026 11:29:41.369 * Ready to accept connections", Level.INFO),
        ("", "1:M 28 Nov 2026 11:29:41.369 # Out of room", Level.WARNING),
        ("", "ts=2026-11-28T11:29:43Z caller=main.go:973 level=error msg=x", Level.ERROR),
        ("", 'time="2026-11-28T11:29:41Z" level=warning msg="x"', Level.WARNING),
        ("", "[INTERNAL ERROR]: Bad Gateway", Level.ERROR),
        ("", "the first line", None),
        ("", "an errorless terror", None),
    ],
)
def test_the_level_of_each_kind_of_line_is_known(field: str, message: str, level: Level | None) -> None:
    assert levels.of(field, message) is level


def test_a_line_that_was_read_twice_is_shown_once_and_the_oldest_first() -> None:
    rows = [
        {"_time": "2026-11-28T11:00:00.07Z", "_msg": "b"},
        {"_time": "2026-11-28T11:00:00.0701Z", "_msg": "c"},
        {"_time": "2026-11-28T11:00:00Z", "_msg": "a"},
        {"_time": "2026-11-28T11:00:00.07Z", "_msg": "b"},
    ]
    assert [line.message for line in lines.in_order(map(lines.of_row, rows))] == ["a", "b", "c"]


def test_a_line_can_paint_over_no_other() -> None:
    assert lines.harmless("a\x1b[2J\rb\x9b\tc\nd") == "a\\x1b[2J\\x0db\\x9b\tc\nd"
