"""The list of dispatches at a million rows: the time its statements take, and the plans behind them.

Runs by itself: a temporary PostgreSQL, the real migrations, the statements that the repository sends.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, select, text

from app.core.database import Database
from app.dispatch.lists import Lists, narrow
from app.dispatch.models import Dispatch, Driver, Order
from app.dispatch.paging import REACH, Cursor
from app.dispatch.repository import DispatchRepository
from app.dispatch.schemas import DispatchQuery, OrderQuery
from tests.app.conftest import make_settings
from tests.bench.dispatch_rows import ROWS, SHARES, filled

AIM_MILLISECONDS = 20.0
CALLS = 30  # of each kind


@dataclass
class Clock:
    """Seconds that the statements of one call took, and each statement with its parameters."""

    seconds: float = 0.0
    sent: list[tuple[str, Any]] = field(default_factory=list)
    begun: float = 0.0

    def before(self, _c: object, _k: object, statement: str, parameters: Any, *_rest: object) -> None:
        """The driver gets the statement."""
        self.sent.append((statement, parameters))
        self.begun = time.perf_counter()

    def after(self, *_rest: object) -> None:
        """All rows have come."""
        self.seconds += time.perf_counter() - self.begun


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Bench:
    """Calls the repository as the service does, and takes the statements' times."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.random = random.Random(7)  # the same calls in every run
        self.users: dict[str, uuid.UUID] = {}
        self.drivers: dict[uuid.UUID, list[int]] = {}
        engine = database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", self.clock.before)
        event.listen(engine, "after_cursor_execute", self.clock.after)

    async def prepare(self) -> None:
        """Who there is."""
        async with self.database.transaction() as session:
            rows = await session.execute(text("SELECT clerk_user_id, id FROM users"))
            self.users = {name: key for name, key in rows}
            for owner, driver in await session.execute(select(Driver.owner_id, Driver.id)):
                self.drivers.setdefault(owner, []).append(driver)

    def owner(self) -> uuid.UUID:
        """One of the owners; the large ones as often as the small ones."""
        return self.users[f"owner{self.random.randint(1, len(SHARES))}"]

    async def listed(self, user: uuid.UUID, *, mobile: bool = False, **fields: Any) -> int:
        """One list of dispatches; how many rows came."""
        query = DispatchQuery(**fields)
        lists = Lists(self.database, user)
        if mobile:
            found = await lists.seen(query.window(), narrow(Dispatch, query))
        else:
            found = await lists.own(Dispatch, query.window(), narrow(Dispatch, query))
        return len(found.rows)

    async def orders(self, user: uuid.UUID, **fields: Any) -> int:
        """One list of orders."""
        query = OrderQuery(**fields)
        lists = Lists(self.database, user)
        return len((await lists.own(Order, query.window(), narrow(Order, query))).rows)

    def deep(self) -> str:
        """A cursor anywhere in the last two years."""
        minutes = self.random.randint(0, ROWS)
        at = time.time() - minutes * 60
        return Cursor(_moment(at), 2**40).text()

    def days(self) -> dict[str, Any]:
        """A week anywhere in the last two years."""
        end = _moment(time.time() - self.random.randint(0, ROWS) * 60)
        begin = _moment(end.timestamp() - 6 * 86_400)
        return {"date_from": f"{begin:%Y-%m-%d}", "date_to": f"{end:%Y-%m-%d}"}

    def kinds(self) -> dict[str, Callable[[], Awaitable[int]]]:
        """One call of each kind."""
        pick, number = self.random.choice, self.random.randint

        def driver() -> dict[str, Any]:
            owner = self.owner()
            return {"user": owner, "driver_id": pick(self.drivers[owner])}

        return {
            "first part": lambda: self.listed(self.owner(), page_size=number(10, 100)),
            "deep cursor": lambda: self.listed(self.owner(), cursor=self.deep()),
            "page near the end of the pages": lambda: self.listed(
                self.owner(), page=number(150, REACH // 50)
            ),
            "by status, rare": lambda: self.listed(self.owner(), status=pick(["ASSIGNED", "IN_TRANSIT"])),
            "by status, deep": lambda: self.listed(self.owner(), status="REJECTED", cursor=self.deep()),
            "by driver": lambda: self.listed(**driver()),
            "by a week": lambda: self.listed(self.owner(), **self.days()),
            "by driver, status and a week": lambda: self.listed(
                **driver(), status="COMPLETED", **self.days()
            ),
            "a word of a third": lambda: self.listed(self.owner(), q="서울시"),
            "a word of a percent": lambda: self.listed(self.owner(), q=f"{number(10, 99)}구"),
            "a word of a few": lambda: self.listed(self.owner(), q=f"{number(1000, 1999)}동"),
            "two words": lambda: self.listed(self.owner(), q=f"부산시 {number(10, 99)}군"),
            "words that are nowhere": lambda: self.listed(self.owner(), q=f"한라산 {number(1, 99)}구"),
            "a beginning": lambda: self.listed(self.owner(), q=f"{number(100, 199)}*"),
            "mobile, as the dispatcher": lambda: self.listed(self.owner(), mobile=True),
            "mobile, as a driver": lambda: self.listed(self.users["driver"], mobile=True, cursor=self.deep()),
            "orders, first part": lambda: self.orders(self.owner()),
            "orders, a word of a percent": lambda: self.orders(self.owner(), q=f"{number(10, 99)}구"),
            "orders, by status and a week": lambda: self.orders(
                self.owner(), status="COMPLETED", **self.days()
            ),
        }

    async def measure(self) -> dict[str, list[float]]:
        """Milliseconds of CALLS calls of each kind, in a mixed order, after one round that does not count."""
        kinds = self.kinds()
        order = [name for name in kinds for _ in range(CALLS)]
        self.random.shuffle(order)
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for name in [*kinds, *order]:
            self.clock.seconds = 0.0
            self.clock.sent.clear()
            await kinds[name]()
            taken[name].append(self.clock.seconds * 1000)
        return {name: times[1:] for name, times in taken.items()}

    async def plan(self, name: str) -> str:
        """The nodes of the list's plan that read tables, with their indexes."""
        self.clock.sent.clear()
        await self.kinds()[name]()
        async with self.database.transaction() as session:
            await session.execute(text("SELECT 1"))  # the driver begins the transaction with it
            raw = (await (await session.connection()).get_raw_connection()).driver_connection
            assert raw is not None
            for statement, parameters in list(self.clock.sent):
                explain = "EXPLAIN " * (" FROM " in statement.replace("\n", " "))
                rows = await raw.fetch(explain + statement, *parameters)
                if explain:
                    break
        lines = [row[0] for row in rows]
        scans = [found[1] for line in lines if (found := re.search(r"(?:->\s+)?(\w[\w ]*Scan.*?)  \(", line))]
        return "; ".join(dict.fromkeys(scans))

    async def floor(self) -> float:
        """Milliseconds of a statement that reads nothing."""
        times = []
        for _ in range(200):
            self.clock.seconds = 0.0
            async with self.database.transaction() as session:
                await session.execute(text("SELECT 1"))
            times.append(self.clock.seconds * 1000)
        return statistics.median(times)

    async def summary(self) -> float:
        """Milliseconds of the largest owner's counts, uncached."""
        times = []
        for _ in range(5):
            self.clock.seconds = 0.0
            async with self.database.transaction() as session:
                await DispatchRepository(session, self.users["owner1"]).counts(_moment(time.time() - 43_200))
            times.append(self.clock.seconds * 1000)
        return statistics.median(times)


def percentile(times: list[float], share: float) -> float:
    """The value that this share of the times does not exceed."""
    return sorted(times)[max(0, round(share * len(times)) - 1)]


async def run(address: str) -> dict[str, float]:
    """Prints a line and a plan for each kind of call; the figures of all calls together."""
    database = Database(make_settings(address, "redis://127.0.0.1:1/0"))
    bench = Bench(database)
    await bench.prepare()
    floor, taken = await bench.floor(), await bench.measure()
    for name, times in taken.items():
        p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
        print(f"{name:32} p50 {p50:7.2f}  p95 {p95:7.2f} ms   {p95 / floor:.1f}")
        print(f"    {await bench.plan(name)}")
    every = [one for times in taken.values() for one in times]
    summary = await bench.summary()
    await database.close()
    p95 = percentile(every, 0.95)
    print(f"a statement that reads nothing   p50 {floor:7.2f} ms   1.0")
    print(f"all {len(every)} calls                    p95 {p95:7.2f} ms   {p95 / floor:.1f}")
    print(f"the summary, uncached            p50 {summary:7.2f} ms   {summary / floor:.1f}")
    return {"dispatch_list_p95_ms": p95, "dispatch_list_floor_ms": floor, "dispatch_summary_ms": summary}


def main() -> dict[str, float]:
    """Prints a line and a plan for each kind of call; returns all figures."""
    with filled() as address:
        return asyncio.run(run(address))


def refuse_slow(figures: dict[str, float]) -> None:
    """Ends with an error above the aim."""
    if figures["dispatch_list_p95_ms"] > AIM_MILLISECONDS:
        raise SystemExit(f"p95 is above the aim of {AIM_MILLISECONDS} ms")


if __name__ == "__main__":
    found = main()
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    refuse_slow(found)
