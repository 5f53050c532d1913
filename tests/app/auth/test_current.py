"""Who asks: users made at the first sight, roles, and accounts that ended while their tokens still run."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from app.core.auth.current import Admin
from app.core.auth.tokens import TokenVerifier
from app.core.auth.users import Identity, User, ensure_user
from app.core.context import Context
from app.core.database import Base
from tests.app.auth.conftest import Ask
from tests.app.auth.provider import token

pytestmark = pytest.mark.integration


async def test_me_is_the_person_of_the_token(ask: Ask, subject: str) -> None:
    answer = await ask(token(sub=subject, role="admin")).get("/auth/me")
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"id", "clerk_user_id", "email", "role", "created_at"}
    assert (body["clerk_user_id"], body["email"], body["role"]) == (subject, "alice@example.org", "admin")
    assert str(uuid.UUID(body["id"])) == body["id"]


async def test_a_person_keeps_the_id_over_tokens(ask: Ask, subject: str) -> None:
    ids = {(await ask(token(sub=subject, jti=str(n))).get("/auth/me")).json()["id"] for n in range(3)}
    assert len(ids) == 1


async def test_a_person_seen_by_many_requests_at_once_is_made_once(ask: Ask, subject: str) -> None:
    client = ask(token(sub=subject))
    answers = await asyncio.gather(*(client.get("/auth/me") for _ in range(8)))
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_known_user_costs_one_statement(ask: Ask, subject: str, statements: list[str]) -> None:
    client = ask(token(sub=subject))
    await client.get("/auth/me")
    statements.clear()
    assert (await client.get("/auth/me")).status_code == 200
    assert len(statements) == 1
    assert statements[0].startswith("SELECT")


async def test_a_token_without_an_address_is_enough(ask: Ask, subject: str) -> None:
    assert (await ask(token(sub=subject, email=None)).get("/auth/me")).json()["email"] == ""


async def test_an_account_that_was_disabled_is_not_let_in(ask: Ask, subject: str, context: Context) -> None:
    client = ask(token(sub=subject))
    assert (await client.get("/auth/me")).status_code == 200
    async with context.database.transaction() as session:
        found = await session.scalar(select(User).where(User.clerk_user_id == subject))
        assert found is not None
        await session.execute(update(User).where(User.id == found.id).values(disabled_at=found.created_at))
    answer = await client.get("/auth/me")
    assert (answer.status_code, answer.json()["error_code"]) == (401, "ERR_1101")


async def test_a_local_account_is_never_made_by_a_token(context: Context) -> None:
    async with context.database.transaction() as session:
        assert await ensure_user(session, Identity(f"local:{uuid.uuid4().hex}", "")) is None


@pytest.fixture
async def office(service: FastAPI, verifier: TokenVerifier, ask: Ask) -> Ask:
    """The service with a route for admins."""

    @service.get("/office")
    async def office(user: Admin) -> str:
        return user.clerk_user_id

    return ask


@pytest.mark.parametrize("role", ["user", None, "root"])
async def test_a_route_for_admins_refuses_others_and_names_the_role(office: Ask, role: str | None) -> None:
    answer = await office(token(role=role)).get("/office")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "ERR_1102")
    assert "insufficient_permissions" in answer.json()["message"]
    assert answer.json()["details"] == {"needed": "admin"}


async def test_a_route_for_admins_takes_an_admin(office: Ask, subject: str) -> None:
    answer = await office(token(sub=subject, role="admin")).get("/office")
    assert (answer.status_code, answer.json()) == (200, subject)


async def test_a_route_for_admins_asks_for_a_token_first(office: Ask) -> None:
    assert (await office("").get("/office")).json()["error_code"] == "ERR_1100"
    assert (await office("wrong").get("/office")).json()["error_code"] == "ERR_1101"


async def test_a_route_without_a_user_does_not_mind_a_wrong_token(ask: Ask) -> None:
    assert (await ask("wrong").get("/liveness")).status_code == 200


@pytest.mark.unit
def test_whatever_belongs_to_a_user_goes_with_the_user() -> None:
    rules = {
        f"{table.name}.{key.parent.name}": key.ondelete
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table is User.__table__
    }
    assert "transactions.user_id" in rules
    assert {name for name, rule in rules.items() if rule not in {"CASCADE", "SET NULL"}} == set()
