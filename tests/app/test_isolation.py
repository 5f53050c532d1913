"""Every route that takes an id, against another user's ids: nothing is shown, nothing is changed.

The routes come from the OpenAPI document. A new id without a way to make one, or a new route that answers
differently, fails here.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import text

from app.core.context import Context
from app.core.database import Base
from app.core.jobs.models import BatchJob
from app.main import create_app, make_context
from app.modules import REGISTRY
from tests.app.conftest import make_settings
from tests.app.dispatch.conftest import Dispatcher
from tests.app.test_recurring import add_template

pytestmark = pytest.mark.integration
REFUSED = {404, 409, 422}
EXEMPT = {  # names of ids that are nobody's
    "trace_id": "of a request; the route is the admins'",
    ("POST /backup/import", "recurring_id"): "a number inside the file",
    ("POST /api/v1/drivers", "user_id"): "the person who drives, and is told nothing",
    ("PUT /api/v1/drivers/{driver_id}", "user_id"): "the person who drives, and is told nothing",
}
IDS = ("_id", "_ids")
ALSO_IDS = {"category": "category_id"}  # parameters of queries that take an id among other things


class Route(NamedTuple):
    """One operation with the names of the ids it takes in its path, its query and its body."""

    method: str
    path: str
    in_path: tuple[str, ...]
    in_query: tuple[str, ...]
    in_body: tuple[str, ...]
    body: Any

    @property
    def name(self) -> str:
        """As in a request's first line."""
        return f"{self.method} {self.path}"


def document() -> dict[str, Any]:
    """The OpenAPI document of the service with every module; nothing connects for it."""
    settings = make_settings("postgresql://nobody:x@127.0.0.1:1/x", "redis://127.0.0.1:1/0")
    made = make_context(settings, {name: module.settings() for name, module in REGISTRY.items()})
    return create_app(made).openapi()


def resolved(found: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema behind references and "or null"."""
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    if "$ref" in schema:
        schema = found["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return schema


def ids_of(found: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """The names of all properties that take ids, at any depth."""
    for name, part in resolved(found, schema).get("properties", {}).items():
        if name.endswith(IDS):
            yield name
        yield from ids_of(found, part.get("items", part))


def routes() -> Iterator[Route]:
    """Every operation that takes an id."""
    found = document()
    for path, item in found["paths"].items():
        for method, operation in item.items():
            parameters = operation.get("parameters", [])
            in_path, in_query = (
                tuple(
                    part["name"]
                    for part in parameters
                    if part["in"] == where and ALSO_IDS.get(part["name"], part["name"]).endswith(IDS)
                )
                for where in ("path", "query")
            )
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = content.get("schema", {})
            in_body = tuple(dict.fromkeys(ids_of(found, schema)))
            example = resolved(found, schema).get("example")
            if in_path or in_query or in_body:
                yield Route(method.upper(), path, in_path, in_query, in_body, example)


def is_exempt(route: Route, name: str) -> bool:
    return name in EXEMPT or (route.name, name) in EXEMPT


ROUTES = list(routes())
PATHS = [route for route in ROUTES if route.in_path]
REFERENCES = [
    pytest.param(route, name, id=f"{route.name} {name}")
    for route in ROUTES
    for name in (*route.in_query, *route.in_body)
    if not is_exempt(route, name)
]


class Person:
    """A user with a way to make one of everything."""

    def __init__(self, http: httpx.AsyncClient, context: Context, key: str) -> None:
        self.http = http
        self.key = key
        self._context = context
        self._desk = Dispatcher(http)

    async def _post(self, path: str, **body: object) -> Any:
        response = await self.http.post(path, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    async def _entry(self) -> Any:
        return await self._post(
            "/transactions", date="2026-01-15", description="", amount="1", type="expense"
        )

    async def _category(self) -> Any:
        return await self._post("/categories", name=f"c{uuid.uuid4().hex}")

    async def _driver(self) -> Any:
        """The person, who is somewhere: an account drives once."""
        for driver in (await self.http.get("/api/v1/drivers")).json()["items"]:
            return driver
        driver = await self._desk.driver(user_id=self.key)
        await self._desk.send("POST", "/mobile/location", 200, latitude=37.5, longitude=127.0)
        return driver

    async def _dispatch(self) -> Any:
        return await self._desk.dispatch(driver_id=(await self._driver())["id"])

    async def _job(self) -> Any:
        async with self._context.database.transaction() as session:
            job = BatchJob(user_id=uuid.UUID(self.key), kind="test", total_items=1)
            session.add(job)
            await session.flush()
            return {"id": str(job.id)}

    async def make(self, name: str) -> Any:
        """The id of a new thing of this person's, by the name of the parameter that takes it."""
        makers: dict[str, Callable[[], Awaitable[Any]]] = {
            "transaction_id": self._entry,
            "category_id": self._category,
            "recurring_id": lambda: add_template(self.http),
            "job_id": self._job,
            "client_id": self._desk.client,
            "vehicle_id": self._desk.vehicle,
            "order_id": self._desk.order,
            "driver_id": self._driver,
            "dispatch_id": self._dispatch,
        }
        return (await makers[ALSO_IDS.get(name, name)]())["id"]

    async def ask(self, route: Route, ids: dict[str, Any]) -> httpx.Response:
        """The route with its example, these ids, and own ones where it needs others."""
        path = {name: ids.get(name) or await self.make(name) for name in route.in_path}
        query = {name: ids[name] for name in route.in_query if name in ids}
        body = None if route.body is None else dict(route.body)
        for name in route.in_body:
            if body is not None and (name in ids or name in body) and not is_exempt(route, name):
                body[name] = ids.get(name) or await self.make(name)
        url = route.path.format(**path)
        return await self.http.request(route.method, url, params=query, json=body)

    async def rows(self) -> dict[str, str]:
        """Everything that is this person's, by table and the column that says so."""
        found = {}
        async with self._context.database.transaction() as session:
            for table, column in owned():
                query = f"SELECT coalesce(string_agg(t::text, ' ' ORDER BY t::text), '') FROM {table} t"  # noqa: S608
                narrowed = text(f"{query} WHERE {column} = :key")
                found[f"{table}.{column}"] = str(await session.scalar(narrowed, {"key": uuid.UUID(self.key)}))
        return found


def owned() -> Iterator[tuple[str, str]]:
    """(table, column) of every reference to a user."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if any(key.target_fullname == "users.id" for key in column.foreign_keys):
                yield table.name, column.name


@pytest.fixture
async def owner(alice: httpx.AsyncClient, context: Context) -> Person:
    """Whose things they are."""
    return Person(alice, context, (await alice.get("/auth/me")).json()["id"])


@pytest.fixture
async def stranger(bob: httpx.AsyncClient, context: Context) -> Person:
    """Who has only learnt their ids."""
    return Person(bob, context, (await bob.get("/auth/me")).json()["id"])


@pytest.mark.unit
def test_the_matrix_has_every_module_and_every_kind_of_id() -> None:
    names = {name for route in ROUTES for name in (*route.in_path, *route.in_query, *route.in_body)}
    assert {"transaction_id", "category_id", "recurring_id", "job_id", "order_id", "dispatch_id"} <= names
    assert len(PATHS) > 25
    assert len(REFERENCES) > 10
    known = {key if isinstance(key, str) else key[1] for key in EXEMPT}
    assert known <= names


@pytest.mark.parametrize("route", PATHS, ids=lambda route: route.name)
async def test_another_users_id_in_a_path_is_not_found(owner: Person, stranger: Person, route: Route) -> None:
    ids = {name: await owner.make(name) for name in route.in_path}
    before = await owner.rows()
    answer = await stranger.ask(route, ids)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ERR_1002")
    assert await owner.rows() == before
    assert (await owner.ask(route, ids)).status_code not in {404, 405, 422, 500}  # its owner is understood


@pytest.mark.parametrize(("route", "name"), REFERENCES)
async def test_another_users_id_is_no_reference(
    owner: Person, stranger: Person, route: Route, name: str
) -> None:
    ids = {name: await owner.make(name)}
    ids |= {other: await stranger.make(other) for other in route.in_path}
    needed = {other: await stranger.make(other) for other in route.in_body if other in (route.body or {})}
    before = (await owner.rows(), await stranger.rows())
    answer = await stranger.ask(route, needed | ids)
    if route.method == "GET":
        assert answer.status_code in REFUSED or answer.json()["items"] == []
    else:
        assert answer.status_code in REFUSED
    assert (await owner.rows(), await stranger.rows()) == before
    own = await stranger.ask(route, ids | {name: await stranger.make(name)})
    assert own.status_code not in {404, 405, 422, 500}  # an own one is understood
