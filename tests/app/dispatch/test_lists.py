"""Lists: every row once, in one order, whatever is written meanwhile; filters; few statements."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import insert, select, update

from app.core.context import Context
from app.dispatch import paging
from app.dispatch.lists import terms
from app.dispatch.models import Client, Dispatch, Order, Vehicle
from tests.app.dispatch.conftest import ORDER, Dispatcher
from tests.app.dispatch.test_access import account_of

pytestmark = pytest.mark.integration
KINDS = ("orders", "dispatches", "vehicles", "drivers", "clients", "mobile/dispatches")


async def walk(desk: Dispatcher, path: str, size: int) -> list[int]:
    """The ids of the whole list, part by part."""
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        sign = "&" if "?" in path else "?"
        found = await desk.get(f"{path}{sign}page_size={size}" + (f"&cursor={cursor}" if cursor else ""))
        assert len(found["items"]) == size or found["next_cursor"] is None
        seen += [item["id"] for item in found["items"]]
        cursor = found["next_cursor"]
    return seen


async def many_clients(context: Context, desk: Dispatcher, count: int) -> list[int]:
    """So many clients made at the same moment; their ids."""
    first = await desk.client()
    async with context.database.transaction() as session:
        owner = await session.scalar(select(Client.owner_id).where(Client.id == first["id"]))
        rows = [{"owner_id": owner, "name": str(number)} for number in range(count - 1)]
        made = await session.scalars(insert(Client).returning(Client.id), rows)
        return [first["id"], *made]


@pytest.mark.parametrize("size", [1, 3, 7, 10])
async def test_a_walk_by_cursor_shows_every_row_once(desk: Dispatcher, context: Context, size: int) -> None:
    keys = await many_clients(context, desk, 7)
    assert await walk(desk, "/clients", size) == sorted(keys, reverse=True)


async def test_rows_made_meanwhile_neither_repeat_nor_hide_any(desk: Dispatcher, context: Context) -> None:
    keys = await many_clients(context, desk, 6)
    first = await desk.get("/clients?page_size=3")
    await desk.client()
    await desk.send("DELETE", f"/clients/{first['items'][2]['id']}", 204)
    rest = await desk.get(f"/clients?page_size=3&cursor={first['next_cursor']}")
    shown = [item["id"] for item in first["items"] + rest["items"]]
    assert shown == sorted(keys, reverse=True)
    assert rest["next_cursor"] is None


async def test_pages_have_numbers_and_a_total(desk: Dispatcher, context: Context) -> None:
    keys = sorted(await many_clients(context, desk, 7), reverse=True)
    pages = [await desk.get(f"/clients?page={page}&page_size=3") for page in (1, 2, 3, 4)]
    assert [[item["id"] for item in page["items"]] for page in pages] == [keys[:3], keys[3:6], keys[6:], []]
    assert {(page["total"], page["total_is_exact"]) for page in pages} == {(7, True)}
    assert [page["page"] for page in pages] == [1, 2, 3, 4]


async def test_a_total_is_counted_up_to_a_bound(
    desk: Dispatcher, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many_clients(context, desk, 7)
    monkeypatch.setattr("app.dispatch.lists.REACH", 5)
    monkeypatch.setattr(paging, "REACH", 5)
    found = await desk.get("/clients?page=1&page_size=3")
    assert (found["total"], found["total_is_exact"]) == (5, False)
    details = await desk.refused("GET", "/clients?page=2&page_size=3", "ERR_1001")
    assert details["problems"][0]["problem"] == "pages reach the first 5 rows; go on by cursor"


async def test_by_cursor_nothing_is_counted(desk: Dispatcher, statements: list[str]) -> None:
    await desk.client()
    statements.clear()
    found = await desk.get("/clients")
    assert (found["page"], found["total"], found["total_is_exact"]) == (None, None, None)
    assert not any("count(" in statement for statement in statements)


BAD_QUERIES = [
    "cursor=x",
    "cursor=",
    "cursor=99999999999999999-1",
    "cursor=-1-1",
    "cursor=1-9999999999999999999",
    "cursor=1-1&page=1",
    "page=0",
    "page=10001",
    "page_size=0",
    "page_size=101",
    "page=9223372036854775808",
    "page=101&page_size=100",
    "colour=red",
]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_query_that_cannot_be_is_refused(desk: Dispatcher, kind: str) -> None:
    for query in BAD_QUERIES:
        assert (await desk.refused("GET", f"/{kind}?{query}", "ERR_1001"))["total"] == 1, query


@pytest.mark.parametrize("kind", ["orders", "dispatches", "mobile/dispatches"])
async def test_each_status_is_a_filter(desk: Dispatcher, kind: str) -> None:
    keys = [await desk.dispatch() for _ in range(3)]
    await desk.move(keys[0]["id"], "COMPLETED")
    name = "order_id" if kind == "orders" else "id"
    done = (await desk.get(f"/{kind}?status=COMPLETED"))["items"]
    assert [item["id"] for item in done] == [keys[0][name]]
    running = (await desk.get(f"/{kind}?status=ASSIGNED"))["items"]
    assert [item["id"] for item in running] == [keys[2][name], keys[1][name]]


@pytest.mark.parametrize("kind", ["dispatches", "mobile/dispatches"])
async def test_a_driver_is_a_filter(desk: Dispatcher, kind: str) -> None:
    first, _ = await desk.dispatch(), await desk.dispatch()
    found = (await desk.get(f"/{kind}?driver_id={first['driver_id']}"))["items"]
    assert [item["id"] for item in found] == [first["id"]]
    assert (await desk.get(f"/{kind}?driver_id={2**62}"))["items"] == []


@pytest.mark.parametrize("kind", ["orders", "dispatches", "mobile/dispatches"])
async def test_days_are_korean_and_inclusive(desk: Dispatcher, context: Context, kind: str) -> None:
    dispatches = [await desk.dispatch() for _ in range(3)]
    moments = ("2026-01-30T14:59:59Z", "2026-01-30T15:00:00Z", "2026-01-31T14:59:59.999999Z")
    async with context.database.transaction() as session:
        for dispatch, moment in zip(dispatches, moments, strict=True):
            for model, key in ((Dispatch, dispatch["id"]), (Order, dispatch["order_id"])):
                await session.execute(
                    update(model).where(model.id == key).values(created_at=datetime.fromisoformat(moment))
                )
    name = "order_id" if kind == "orders" else "id"
    expected = {
        "date_from=2026-01-31": [2, 1],
        "date_to=2026-01-30": [0],
        "date_from=2026-01-31&date_to=2026-01-31": [2, 1],
        "date_from=2026-02-01": [],
        "date_from=1900-01-01&date_to=2999-12-31": [2, 1, 0],
    }
    for query, places in expected.items():
        found = [item["id"] for item in (await desk.get(f"/{kind}?{query}"))["items"]]
        assert found == [dispatches[place][name] for place in places], query


async def test_days_the_wrong_way_round_are_refused(desk: Dispatcher) -> None:
    details = await desk.refused("GET", "/orders?date_from=2026-02-01&date_to=2026-01-31", "ERR_1001")
    assert details["problems"] == [{"field": "query", "problem": "date_from must not be after date_to"}]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("강남구", "'강남구'"),
        (" 강남구  역삼* ", "'강남구' & '역삼':*"),
        ("a'b\\c", "'a''b\\\\c'"),
        ("a & !b | (c)", "'a' & '&' & '!b' & '|' & '(c)'"),
        ("** *", None),
        ("", None),
    ],
)
def test_words_are_never_operators(words: str, query: str | None) -> None:
    assert terms(words) == query


@pytest.mark.parametrize("kind", ["orders", "dispatches", "mobile/dispatches"])
async def test_words_of_both_addresses_are_found(desk: Dispatcher, kind: str) -> None:
    other = {"pickup_address": "인천시 중구 운서동 3", "delivery_address": "Suwon-si O'Neill 😀 창고"}
    first = await desk.dispatch()
    second = await desk.dispatch(order_id=(await desk.order(**other))["id"])
    places = {
        "강남구": [first],
        "강남구 해운대구": [first],
        "강남": [],
        "강남*": [first],
        "운서* 중구": [second],
        "강남구 운서동": [],
        "SUWON*": [second],
        "o'neill": [second],
        "'; DROP TABLE orders; --": [],
        "\\": [],
        "강남구 & !역삼동": [first],
        "": [second, first],
    }
    name = "order_id" if kind == "orders" else "id"
    for words, expected in places.items():
        response = await desk.http.get(f"/api/v1/{kind}", params={"q": words})
        assert response.status_code == 200, response.text
        assert [item["id"] for item in response.json()["items"]] == [row[name] for row in expected], words


async def test_words_typed_in_two_unicode_forms_are_one(desk: Dispatcher) -> None:
    await desk.order(pickup_address="\u1112\u1161\u11ab\u1100\u1173\u11af")  # the letters of 한글, one by one
    found = await desk.http.get("/api/v1/orders", params={"q": "한글"})
    assert len(found.json()["items"]) == 1


async def test_a_search_goes_on_by_cursor_and_is_counted(desk: Dispatcher) -> None:
    keys = [(await desk.order(pickup_address=f"서울시 {number}"))["id"] for number in range(5)]
    assert await walk(desk, "/orders?q=서울시", 2) == keys[::-1]
    assert (await desk.get("/orders?q=서울시&page=2&page_size=2"))["total"] == 5


async def test_a_drivers_list_is_one_list(
    desk: Dispatcher, other: Dispatcher, bob: httpx.AsyncClient
) -> None:
    driver = await desk.driver(user_id=await account_of(bob))
    keys = []
    for _ in range(3):
        theirs = await desk.dispatch(driver_id=driver["id"])
        await desk.move(theirs["id"], "COMPLETED")
        keys += [theirs["id"], (await other.dispatch())["id"]]
    assert await walk(other, "/mobile/dispatches", 4) == keys[::-1]
    page = await other.get("/mobile/dispatches?page=2&page_size=4")
    assert ([item["id"] for item in page["items"]], page["total"]) == (keys[1::-1], 6)
    assert await walk(other, "/mobile/dispatches?status=COMPLETED&q=강남구", 2) == keys[4::-2]


@pytest.mark.parametrize("kind", ["orders", "dispatches", "mobile/dispatches", "vehicles"])
async def test_a_list_of_a_hundred_costs_the_statements_of_one(
    desk: Dispatcher, context: Context, statements: list[str], kind: str
) -> None:
    await desk.dispatch()
    counts = []
    for rows in (1, 100):
        if rows > 1:
            await _copy(context, desk, rows - 1)
        for query in ("page_size=100", "page=1&page_size=100"):
            statements.clear()
            assert len((await desk.get(f"/{kind}?{query}"))["items"]) == rows
            counts.append(len(statements))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 4


async def _copy(context: Context, desk: Dispatcher, count: int) -> None:
    """More completed dispatches, each with an order, a vehicle and a driver of its own."""
    first = (await desk.get("/dispatches"))["items"][0]
    async with context.database.transaction() as session:
        row = await session.get_one(Dispatch, first["id"])
        client = (await desk.client())["id"]
        wanted = {**ORDER, "owner_id": row.owner_id, "client_id": client}
        orders = await session.scalars(insert(Order).returning(Order.id), [wanted] * count)
        vehicles = await session.scalars(
            insert(Vehicle).returning(Vehicle.id),
            [{"owner_id": row.owner_id, "license_plate": str(number)} for number in range(count)],
        )
        same = {"owner_id": row.owner_id, "driver_id": row.driver_id, "status": "COMPLETED"}
        rows = [
            same | {"order_id": order, "vehicle_id": vehicle}
            for order, vehicle in zip(orders.all(), vehicles.all(), strict=True)
        ]
        await session.execute(insert(Dispatch), rows)


async def test_rows_of_one_moment_are_ordered_by_their_ids(desk: Dispatcher, context: Context) -> None:
    keys = await many_clients(context, desk, 20)
    async with context.database.transaction() as session:
        at = select(Client.created_at).where(Client.id == keys[0]).scalar_subquery()
        await session.execute(update(Client).where(Client.id.in_(keys)).values(created_at=at))
        moved = {"created_at": Client.created_at - timedelta(hours=1)}
        await session.execute(update(Client).where(Client.id == keys[5]).values(moved))
    expected = [*sorted(set(keys) - {keys[5]}, reverse=True), keys[5]]
    assert await walk(desk, "/clients", 6) == expected
