"""Changes of one version at the same time: one is stored, the others are told that they are late."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from app.core.context import Context
from app.ledger.models import Book
from tests.app.dispatch.test_races import AT_ONCE, outcomes
from tests.app.test_account_deletion import WAITING
from tests.app.test_recurring import RENT, add_template
from tests.app.test_transactions import ENTRY

pytestmark = pytest.mark.integration
WRITERS = 3  # at least; the pool has five connections, and two are the test's
Add = Callable[..., Awaitable[dict[str, Any]]]


@asynccontextmanager
async def held_up(context: Context, http: httpx.AsyncClient) -> AsyncIterator[None]:
    """Ends when several writers of the account wait: before that, none of them can end."""
    account = (await http.get("/auth/me")).json()["id"]
    async with context.database.transaction() as session:
        book = select(Book).where(Book.user_id == uuid.UUID(account)).with_for_update()
        assert await session.scalar(book)
        yield
        async with context.database.reading() as other, asyncio.timeout(30):
            while (await other.scalar(text(WAITING)) or 0) < WRITERS:
                await asyncio.sleep(0.01)


async def race(context: Context, http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    """Puts many descriptions with the first version; what is stored in the end is the winner's."""
    wanted = [body | {"description": str(number), "version": 1} for number in range(AT_ONCE)]
    async with held_up(context, http):
        sent = [asyncio.create_task(http.put(path, json=one)) for one in wanted]
    answers = await asyncio.gather(*sent)
    assert outcomes(answers) == {"200": 1, "ERR_1504": AT_ONCE - 1}
    refused = [answer.json()["details"] for answer in answers if not answer.is_success]
    assert refused == [{"version": 2}] * (AT_ONCE - 1)
    assert [answer.json() for answer in answers if answer.is_success] == [(await http.get(path)).json()]


async def test_of_many_changes_of_one_entry_one_wins(
    context: Context, alice: httpx.AsyncClient, add: Add
) -> None:
    await race(context, alice, f"/transactions/{(await add())['id']}", ENTRY)


async def test_of_many_changes_of_one_template_one_wins(context: Context, alice: httpx.AsyncClient) -> None:
    await race(context, alice, f"/recurring/{(await add_template(alice))['id']}", RENT)
