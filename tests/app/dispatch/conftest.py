"""A dispatcher's orders, vehicles and drivers, made over HTTP."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

ORDER = {
    "pickup_address": "서울시 강남구 역삼동 1",
    "delivery_address": "부산시 해운대구 우동 2",
    "cargo_type": "frozen",
    "weight": 100.0,
}
SECRET_ADDRESS = "비밀동 77-1234"
Json = dict[str, Any]


class Dispatcher:
    """One account that takes orders and sends vehicles."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self._numbers = itertools.count(1)

    async def send(self, method: str, path: str, expected: int, /, **body: object) -> Any:
        """The answer to a request that must have this status."""
        response = await self.http.request(method, f"/api/v1{path}", json=body or None)
        assert response.status_code == expected, response.text
        return response.json() if response.content else None

    async def get(self, path: str, status: int = 200) -> Any:
        """What is stored."""
        return await self.send("GET", path, status)

    async def refused(self, method: str, path: str, code: str, /, **body: object) -> Json:
        """The details of an error that must have this code."""
        response = await self.http.request(method, f"/api/v1{path}", json=body or None)
        assert response.json()["error_code"] == code, response.text
        details: Json = response.json()["details"]
        return details

    async def client(self, **fields: object) -> Json:
        """A new client."""
        made: Json = await self.send("POST", "/clients", 201, **({"name": "한빛식품"} | fields))
        return made

    async def vehicle(self, **fields: object) -> Json:
        """A new vehicle with a plate of its own."""
        plate = {"license_plate": f"{next(self._numbers):02}가 {id(self) % 10_000:04}"}
        made: Json = await self.send("POST", "/vehicles", 201, **(plate | fields))
        return made

    async def driver(self, **fields: object) -> Json:
        """A new driver."""
        made: Json = await self.send("POST", "/drivers", 201, **({"name": "김기사"} | fields))
        return made

    async def order(self, **fields: object) -> Json:
        """A new order of a new client."""
        wanted = ORDER | fields
        if "client_id" not in wanted:
            wanted["client_id"] = (await self.client())["id"]
        made: Json = await self.send("POST", "/orders", 201, **wanted)
        return made

    async def dispatch(self, **fields: object) -> Json:
        """A new dispatch of a new order with a new vehicle and a new driver."""
        made: Json = await self.send("POST", "/dispatches", 201, **(await self.parts(**fields)))
        return made

    async def parts(self, **fields: object) -> Json:
        """What a dispatch is made of; new where it is not given."""
        wanted: Json = dict(fields)
        for name, make in (("order", self.order), ("vehicle", self.vehicle), ("driver", self.driver)):
            if f"{name}_id" not in wanted:
                wanted[f"{name}_id"] = (await make())["id"]
        return wanted

    async def move(self, key: int, *statuses: str) -> Json:
        """The dispatch after these statuses."""
        moved: Json = {}
        for status in statuses:
            moved = await self.send("PUT", f"/dispatches/{key}/status", 200, status=status)
        return moved


@pytest.fixture
def desk(alice: httpx.AsyncClient) -> Dispatcher:
    """alice, who dispatches."""
    return Dispatcher(alice)


@pytest.fixture
def other(bob: httpx.AsyncClient) -> Dispatcher:
    """bob, another dispatcher."""
    return Dispatcher(bob)
