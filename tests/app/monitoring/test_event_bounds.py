"""How many events wait at most, and how many the table keeps."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.core.context import Context
from app.core.monitoring import store
from app.core.monitoring.retention import SCHEDULE
from app.core.monitoring.store import time_id
from tests.app.monitoring.test_events import dropped, rows, scope
from tests.app.servers import Postgres

pytestmark = pytest.mark.integration


async def test_a_full_queue_drops_the_newest_and_counts_them(
    context: Context, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_WAITING", 3)
    traces = [uuid.uuid4().hex for _ in range(5)]
    for trace in traces:
        context.events.record(scope(trace), "ERR_1000", "m", None)
    assert dropped(context) == 2
    await context.events.flush()
    assert [rows(postgres, f"trace_id = '{trace}'") for trace in traces] == [1, 1, 1, 0, 0]


async def test_many_warnings_leave_room_for_errors(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_WAITING", 5)
    monkeypatch.setattr(store, "FOR_ERRORS", 2)
    for code in ["ERR_1002"] * 4 + ["ERR_1000"] * 3:
        context.events.record(scope("a" * 32), code, "m", None)
    kept = [event["error_code"] for event in context.events._waiting]
    context.events._waiting.clear()
    assert kept == ["ERR_1002"] * 3 + ["ERR_1000"] * 2
    assert dropped(context) == 2


async def test_old_events_are_forgotten_and_young_ones_kept(
    context: Context, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "DELETE_BATCH", 2)
    trace, now = uuid.uuid4().hex, datetime.now(UTC)
    days = context.settings.event_retention_days
    for age in (0, days - 1, days + 1, days + 2, days + 3):
        context.events.record(scope(trace), "ERR_1000", "m", None)
        moment = now - timedelta(days=age)
        context.events._waiting[-1].update(id=time_id(moment), occurred_at=moment)
    await context.events.flush()
    await SCHEDULE.run(context)
    assert rows(postgres, f"trace_id = '{trace}'") == 2
    assert await context.events.forget(now - timedelta(days=days)) == 0
    assert SCHEDULE.cron(context) == "20 * * * *"


async def test_of_more_events_than_the_table_may_have_the_oldest_are_forgotten(
    context: Context, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_ROWS", 2)
    monkeypatch.setattr(store, "DELETE_BATCH", 2)
    traces = [uuid.uuid4().hex for _ in range(5)]
    for trace in traces:
        context.events.record(scope(trace), "ERR_1000", "m", None)
        await asyncio.sleep(0.002)  # ids are ordered by milliseconds
    await context.events.flush()
    assert await context.events.forget(datetime.now(UTC) - timedelta(days=30)) >= 3
    assert [rows(postgres, f"trace_id = '{trace}'") for trace in traces] == [0, 0, 0, 1, 1]
