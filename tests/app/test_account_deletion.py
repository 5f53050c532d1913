"""An account that is deleted while it is written to: the one waits for the other, and neither fails."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.auth.schemas import ProviderUser
from app.core.auth.webhook import apply
from app.core.context import Context
from app.core.database import meaning
from app.core.errors import DatabaseAwayError
from app.dispatch.repository import DispatchRepository
from app.ledger.repository import LedgerRepository
from tests.app.dispatch.conftest import Dispatcher
from tests.app.test_recurring import RENT
from tests.app.test_transactions import ENTRY

pytestmark = pytest.mark.integration
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


class Case(NamedTuple):
    """The step of a write after which the account's deletion begins, and the request."""

    repository: type[Any]
    step: str
    method: str
    path: str
    victim: str = "alice"


CASES = [
    Case(LedgerRepository, "begin_write", "POST", "/transactions"),
    Case(LedgerRepository, "begin_write", "POST", "/recurring"),
    Case(DispatchRepository, "held_driver", "POST", "/api/v1/dispatches"),
    Case(DispatchRepository, "held_driver", "POST", "/api/v1/dispatches", "bob"),
    Case(DispatchRepository, "locked", "PUT", "/api/v1/dispatches/{}/status"),
    Case(DispatchRepository, "locked", "PUT", "/api/v1/dispatches/{}/status", "bob"),
    Case(DispatchRepository, "find", "PUT", "/api/v1/drivers/{}", "bob"),
]


async def body_of(case: Case, alice: httpx.AsyncClient, bob: httpx.AsyncClient) -> tuple[str, Any]:
    """The request's path and body, with bob as the driver's account."""
    desk, account = Dispatcher(alice), (await bob.get("/auth/me")).json()["id"]
    if "/api/" not in case.path:
        await alice.post("/transactions", json=ENTRY)  # makes the book
        return case.path, ENTRY if case.path == "/transactions" else RENT
    driver = await desk.driver(user_id=account)
    if "drivers" in case.path:
        return case.path.format(driver["id"]), {"name": "x", "version": 1}
    if case.method == "POST":
        return case.path, await desk.parts(driver_id=driver["id"])
    dispatch = await desk.dispatch(driver_id=driver["id"])
    return case.path.format(dispatch["id"]), {"status": "ACCEPTED"}


async def delete(context: Context, account: dict[str, str]) -> None:
    """What the provider's webhook does."""
    person = ProviderUser.model_validate({"id": account["clerk_user_id"]})
    async with context.database.transaction() as session:
        moment = await session.scalar(text("SELECT now()"))
        await apply(session, "user.deleted", person, moment)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.step} {case.path} {case.victim}")
async def test_a_write_and_a_deletion_at_once_both_succeed(
    context: Context,
    alice: httpx.AsyncClient,
    bob: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
) -> None:
    path, body = await body_of(case, alice, bob)
    victim = (await {"alice": alice, "bob": bob}[case.victim].get("/auth/me")).json()
    step = getattr(case.repository, case.step)
    deletions: list[asyncio.Task[None]] = []

    async def meanwhile(*arguments: Any, **named: Any) -> Any:
        done = await step(*arguments, **named)
        if not deletions:
            deletions.append(asyncio.create_task(delete(context, victim)))
            async with context.database.reading() as session, asyncio.timeout(10):
                while not await session.scalar(text(WAITING)):
                    await asyncio.sleep(0.01)
        return done

    monkeypatch.setattr(case.repository, case.step, meanwhile)
    answer = await alice.request(case.method, path, json=body)
    await asyncio.gather(*deletions)
    assert answer.is_success, answer.text
    gone = {"alice": alice, "bob": bob}[case.victim]
    assert (await gone.get("/auth/me")).status_code == 401


@pytest.mark.parametrize(
    ("repository", "path", "body"),
    [
        (LedgerRepository, "/transactions", ENTRY),
        (DispatchRepository, "/api/v1/clients", {"name": "한빛식품"}),
    ],
)
async def test_a_write_that_comes_too_late_is_refused_as_its_token_is(
    context: Context,
    alice: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    repository: type[Any],
    path: str,
    body: object,
) -> None:
    account = (await alice.get("/auth/me")).json()
    begin = repository.begin_write

    async def too_late(*arguments: Any, **named: Any) -> None:
        await delete(context, account)
        await begin(*arguments, **named)

    monkeypatch.setattr(repository, "begin_write", too_late)
    answer = await alice.post(path, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "ERR_1101")


@pytest.mark.unit
@pytest.mark.parametrize("error", [asyncpg.DeadlockDetectedError, asyncpg.SerializationError])
def test_what_only_the_time_was_wrong_for_may_be_tried_again(error: type[asyncpg.PostgresError]) -> None:
    with pytest.raises(DatabaseAwayError) as raised, meaning():
        raise DBAPIError("", None, error(""))
    assert (raised.value.status, raised.value.headers["Retry-After"]) == (503, "5")
