"""Categories over HTTP: the fifteen defaults, one's own, and what protects both."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration
PET = {"name": "반려동물", "emoji": "🐈"}


async def test_everybody_has_the_fifteen_defaults_in_the_seeds_order(alice: httpx.AsyncClient) -> None:
    found = (await alice.get("/categories")).json()
    labels = [f"{category['emoji']} {category['name']}" for category in found]
    assert len(labels) == 15
    assert labels[:4] == ["🍚 식비", "🍪 간식류", "☕ 카페", "🏀 농구 패배"]
    assert labels[-1] == "📦 기타"
    assert all(category["is_default"] for category in found)


async def test_an_own_category_comes_after_the_defaults_and_only_for_its_owner(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    created = (await alice.post("/categories", json=PET)).json()
    assert created == PET | {"id": created["id"], "is_default": False}
    assert (await alice.get("/categories")).json()[-1] == created
    assert len((await bob.get("/categories")).json()) == 15
    path = f"/categories/{created['id']}"
    answers = [await bob.put(path, json=PET), await bob.delete(path)]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_nobody_files_under_another_users_category(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    mine = (await alice.post("/categories", json=PET)).json()["id"]
    entry = {"date": "2026-01-15", "description": "", "amount": 1, "type": "expense", "category_id": mine}
    assert (await bob.post("/transactions", json=entry)).status_code == 422
    assert (await alice.post("/transactions", json=entry)).status_code == 201


async def test_a_category_is_renamed_and_removed(alice: httpx.AsyncClient) -> None:
    path = f"/categories/{(await alice.post('/categories', json=PET)).json()['id']}"
    renamed = (await alice.put(path, json={"name": " 고양이 ", "emoji": ""})).json()
    assert (renamed["name"], renamed["emoji"]) == ("고양이", "")
    assert (await alice.put(path, json=renamed | {"name": "개"})).status_code == 422  # id is no field to send
    assert (await alice.delete(path)).status_code == 204
    assert (await alice.delete(path)).json()["message"] == "Category not found"


async def test_a_twin_is_refused(alice: httpx.AsyncClient) -> None:
    mine = (await alice.post("/categories", json=PET)).json()
    other = (await alice.post("/categories", json=PET | {"emoji": "🐕"})).json()
    for response in (
        await alice.post("/categories", json=PET),
        await alice.post("/categories", json={"name": "식비", "emoji": "🍚"}),
        await alice.put(f"/categories/{other['id']}", json=PET),
    ):
        assert (response.status_code, response.json()["error_code"]) == (409, "ERR_1003")
    assert (await alice.put(f"/categories/{mine['id']}", json=PET)).status_code == 200


async def test_the_defaults_cannot_be_changed(alice: httpx.AsyncClient) -> None:
    path = f"/categories/{(await alice.get('/categories')).json()[0]['id']}"
    for response in (await alice.put(path, json=PET), await alice.delete(path)):
        assert (response.status_code, response.json()["error_code"]) == (409, "ERR_1502")


async def test_a_category_in_use_stays(
    alice: httpx.AsyncClient, add: Callable[..., Awaitable[dict[str, Any]]]
) -> None:
    category = (await alice.post("/categories", json=PET)).json()
    entry = await add(category_id=category["id"])
    refused = (await alice.delete(f"/categories/{category['id']}")).json()
    assert (refused["error_code"], refused["details"]) == ("ERR_1501", {"entries": 1})
    await alice.delete(f"/transactions/{entry['id']}")
    assert (await alice.delete(f"/categories/{category['id']}")).status_code == 204


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "},
        {"name": "x" * 101},
        {"name": "x", "emoji": "ab"},
        {"name": "🐈 x"},
        {"name": "x", "emoji": "🐈" * 11},
        {"name": "x\x07"},
        {},
    ],
)
async def test_a_category_that_cannot_be_is_refused(alice: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    response = await alice.post("/categories", json=wrong)
    assert (response.status_code, response.json()["error_code"]) == (422, "ERR_1001")


async def test_what_does_not_exist_is_not_found(alice: httpx.AsyncClient) -> None:
    path = f"/categories/{uuid.uuid4()}"
    assert [(await alice.put(path, json=PET)).status_code, (await alice.delete(path)).status_code] == [
        404,
        404,
    ]
