"""The statements that searches send are answered by the index that was made for them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from app.core.context import Context
from tests.app.conftest import DATABASE
from tests.app.dispatch.conftest import Dispatcher
from tests.app.servers import Postgres

pytestmark = pytest.mark.integration
MANY = (  # searching is worth an index with so many rows only
    "INSERT INTO orders (owner_id, client_id, pickup_address, delivery_address, cargo_type, weight, status)"
    " SELECT owner_id, client_id, '서울시 지번' || n, delivery_address, cargo_type, weight, 'COMPLETED'"
    " FROM orders, generate_series(1, 5000) n WHERE id = {order_id}",
    "INSERT INTO dispatches (owner_id, order_id, vehicle_id, driver_id, status)"
    " SELECT o.owner_id, o.id, {vehicle_id}, {driver_id}, 'COMPLETED' FROM orders o"
    " WHERE o.client_id = (SELECT client_id FROM orders WHERE id = {order_id}) AND o.id <> {order_id}",
    "VACUUM ANALYZE orders, dispatches",  # the index is small only when its list of new rows is empty
)


async def test_a_search_is_answered_by_the_index_of_words(
    desk: Dispatcher, context: Context, postgres: Postgres
) -> None:
    dispatch = await desk.dispatch()
    postgres.sql(*(line.format(**dispatch) for line in MANY), database=DATABASE)
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if "to_tsquery" in statement:
            sent.append((statement, parameters))

    engine = context.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    for path in ("orders", "dispatches", "mobile/dispatches"):
        assert len((await desk.get(f"/{path}?q=지번77"))["items"]) == 1
    event.remove(engine, "before_cursor_execute", note)
    async with context.database.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw is not None
        plans = [await raw.fetch(f"EXPLAIN {statement}", *parameters) for statement, parameters in sent]
    assert len(plans) == 3
    for plan in plans:
        assert "idx_orders_address_fts" in "\n".join(line[0] for line in plan)
