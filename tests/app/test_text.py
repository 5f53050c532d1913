"""Any text people type is stored, found and given back as it is: emoji, all scripts, SQL and markup alike."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.app.test_recurring import add_template, generate

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]
TEXTS = [
    "'; DROP TABLE transactions; --",
    "' OR '1'='1",
    '" OR ""="',
    "1); DELETE FROM users WHERE (1=1",
    "x' UNION SELECT email FROM users --",
    "\\'; SELECT pg_sleep(9); --",
    "$1 %s %(name)s :name {0} ${x} {{x}}",
    "100% _ \\ /",
    "<script>alert(1)</script>",
    "점심 식사",
    "ランチ 午餐 غداء обед",
    "👨‍👩‍👧‍👦 1️⃣ 🇰🇷 🐈‍⬛",
    "café ½ Å",
    "\u200fright to left\u200e",
    "\U0001f9ff\U000e0067",
]


@pytest.mark.parametrize("text", TEXTS)
async def test_text_of_an_entry_is_kept_and_found(add: Add, alice: httpx.AsyncClient, text: str) -> None:
    await add(description="something else")
    stored = await add(description=text)
    assert (await alice.get(f"/transactions/{stored['id']}")).json()["description"] == text
    found = (await alice.get("/transactions", params={"q": text})).json()
    assert [item["description"] for item in found["items"]] == [text]
    assert (await alice.get("/transactions", params={"category": text})).json()["total"] == 0


@pytest.mark.parametrize("text", TEXTS)
async def test_text_of_a_category_is_kept_and_found(add: Add, alice: httpx.AsyncClient, text: str) -> None:
    name = f"a{text}"  # an emoji at the beginning would be the category's emoji
    category = (await alice.post("/categories", json={"name": name})).json()
    assert category["name"] == name
    await add(category_id=category["id"])
    assert (await alice.get("/transactions", params={"category": name})).json()["total"] == 1
    (row,) = (await alice.get("/stats/category")).json()["items"]
    assert row["category"] == category


@pytest.mark.parametrize("text", TEXTS)
async def test_text_of_a_template_is_kept_and_handed_on(alice: httpx.AsyncClient, text: str) -> None:
    template = await add_template(alice, template_name=text, description=text)
    assert (template["template_name"], template["description"]) == (text, text)
    assert (await alice.get("/recurring")).json()["items"] == [template]
    (entry,) = (await generate(alice, template, "2026-01"))["entries"]
    assert entry["description"] == text


async def test_every_text_survives_the_way_out_and_in(
    add: Add, alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    for text in TEXTS:
        await add(description=text)
        await alice.post("/categories", json={"name": f"a{text}"})
        await add_template(alice, template_name=text, description=text)
    file = (await alice.get("/backup/export")).json()
    assert {row["description"] for row in file["transactions"]} == set(TEXTS)
    assert (await bob.post("/backup/import", json=file)).status_code == 200
    assert (await bob.get("/backup/export")).json() == file


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/transactions", "type"),
        ("/transactions", "status"),
        ("/transactions", "date_from"),
        ("/transactions", "page"),
        ("/transactions", "cursor"),
        ("/recurring", "is_active"),
        ("/stats/summary", "year"),
        ("/stats/category", "type"),
        ("/stats/assets", "day"),
        ("/stats/assets", "from"),
    ],
)
@pytest.mark.parametrize("text", TEXTS[:6])
async def test_a_filter_of_another_kind_is_refused_in_words(
    alice: httpx.AsyncClient, path: str, parameter: str, text: str
) -> None:
    body = (await alice.get(path, params={parameter: text})).json()
    assert (body["error_code"], body["details"]["problems"][0]["field"]) == ("ERR_1001", f"query.{parameter}")


@pytest.mark.parametrize("text", ["nul\x00", "\x07bell", "\ud800", "a\x1b[31m"])
@pytest.mark.parametrize("field", ["template_name", "description"])
async def test_text_that_cannot_be_stored_is_refused(alice: httpx.AsyncClient, field: str, text: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = await alice.post("/recurring", content=json.dumps({field: text}), headers=headers)
    assert response.status_code == 422
    assert f"body.{field}" in [problem["field"] for problem in response.json()["details"]["problems"]]
