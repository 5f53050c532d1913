"""Recurring transactions through export and import: what is done stays done, and no month gets two."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.app.test_backup import COFFEE, PAID, RENT, exported, imported
from tests.app.test_recurring import add_template, generate

pytestmark = pytest.mark.integration


async def only_template(client: httpx.AsyncClient) -> dict[str, Any]:
    """The one template that the user has."""
    (template,) = (await client.get("/recurring")).json()["items"]
    found: dict[str, Any] = template
    return found


async def test_a_browsers_template_goes_on_after_its_last_entry(alice: httpx.AsyncClient) -> None:
    await imported(alice, {"transactions": [PAID], "recurring_transactions": [RENT]})
    template = await only_template(alice)
    assert template["generated_until"] == "2026-01"
    made = await generate(alice, template, "2026-03")
    assert [entry["date"] for entry in made["entries"]] == ["2026-02-28", "2026-03-31"]


async def test_a_browsers_template_without_entries_begins_at_its_start(alice: httpx.AsyncClient) -> None:
    await imported(alice, {"recurring_transactions": [RENT, RENT | {"id": None, "day_of_month": 5}]})
    for template in (await alice.get("/recurring")).json()["items"]:
        assert template["generated_until"] is None
        assert (await generate(alice, template, "2025-03"))["created"] == 3


async def test_what_was_done_and_moved_survives_the_way_out_and_in(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    template = await add_template(alice, day_of_month=5)
    moved, removed, _ = (await generate(alice, template, "2026-03"))["entries"]
    wanted = {"date": "2026-03-05", "description": "1일 이체", "amount": "550000", "type": "expense"}
    change = wanted | {"recurring_id": template["id"], "status": "scheduled"}
    await alice.put(f"/transactions/{moved['id']}", json=change)
    await alice.delete(f"/transactions/{removed['id']}")
    file = await exported(alice)
    assert [entry["occurrence"] for entry in file["transactions"]] == ["2026-01", "2026-03"]
    assert [row["generated_until"] for row in file["recurring_transactions"]] == ["2026-03"]
    await imported(bob, file)
    assert await exported(bob) == file
    assert (await generate(bob, await only_template(bob), "2026-03"))["created"] == 0


async def test_an_older_file_makes_nothing_undone(alice: httpx.AsyncClient) -> None:
    template = await add_template(alice)
    await generate(alice, template, "2026-01")
    file = await exported(alice)
    await generate(alice, template, "2026-03")
    assert (await imported(alice, file))["recurring_skipped"] == 1
    assert (await only_template(alice))["generated_until"] == "2026-03"


async def test_a_newer_file_takes_the_template_further(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await generate(alice, await add_template(alice), "2026-01")
    await imported(bob, await exported(alice))
    await generate(alice, await only_template(alice), "2026-03")
    report = await imported(bob, await exported(alice))
    assert (report["imported"], report["skipped"], report["recurring_skipped"]) == (2, 1, 1)
    assert await exported(bob) == await exported(alice)
    assert (await generate(bob, await only_template(bob), "2026-03"))["created"] == 0


async def test_a_changed_and_a_restored_entry_of_one_month_both_stay(alice: httpx.AsyncClient) -> None:
    template = await add_template(alice)
    (entry,) = (await generate(alice, template, "2026-01"))["entries"]
    file = await exported(alice)
    changed = {"date": "2026-01-31", "description": "", "amount": "1", "type": "expense"}
    await alice.put(f"/transactions/{entry['id']}", json=changed | {"recurring_id": template["id"]})
    assert (await imported(alice, file))["imported"] == 1
    months = [row["occurrence"] for row in (await exported(alice))["transactions"]]
    assert sorted(months, key=str) == ["2026-01", None]


async def test_a_month_of_no_template_is_forgotten(alice: httpx.AsyncClient) -> None:
    await imported(alice, {"transactions": [COFFEE | {"occurrence": "2026-01"}]})
    assert [row["occurrence"] for row in (await exported(alice))["transactions"]] == [None]


async def test_a_wrong_month_is_named(alice: httpx.AsyncClient) -> None:
    file = {
        "transactions": [PAID | {"occurrence": "2026-13"}],
        "recurring_transactions": [RENT | {"generated_until": 7}],
    }
    body = (await alice.post("/backup/import", json=file)).json()
    assert body["details"]["problems"] == [
        {"field": "transactions[0].occurrence", "problem": "must be a month like 2026-01"},
        {"field": "recurring_transactions[0].generated_until", "problem": "must be a month like 2026-01"},
    ]
