"""Changes of one version at the same time: one is stored, the others are told that they are late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.app.dispatch.test_races import AT_ONCE, outcomes
from tests.app.test_recurring import RENT, add_template
from tests.app.test_transactions import ENTRY

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]


async def race(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    """Puts many descriptions with the first version; what is stored in the end is the winner's."""
    wanted = [body | {"description": str(number), "version": 1} for number in range(AT_ONCE)]
    answers = await asyncio.gather(*(http.put(path, json=one) for one in wanted))
    assert outcomes(answers) == {"200": 1, "ERR_1504": AT_ONCE - 1}
    refused = [answer.json()["details"] for answer in answers if not answer.is_success]
    assert refused == [{"version": 2}] * (AT_ONCE - 1)
    assert [answer.json() for answer in answers if answer.is_success] == [(await http.get(path)).json()]


async def test_of_many_changes_of_one_entry_one_wins(alice: httpx.AsyncClient, add: Add) -> None:
    await race(alice, f"/transactions/{(await add())['id']}", ENTRY)


async def test_of_many_changes_of_one_template_one_wins(alice: httpx.AsyncClient) -> None:
    await race(alice, f"/recurring/{(await add_template(alice))['id']}", RENT)
