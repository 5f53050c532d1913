"""What the provider's events do, in any order and twice, and people who leave."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.app.auth.conftest import Ask
from tests.app.auth.events import BEGIN, SendEvent, Stored, event, signed
from tests.app.auth.provider import token
from tests.app.conftest import DATABASE
from tests.app.servers import Postgres

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("prefix", ["svix", "webhook"])
async def test_a_person_who_is_made_there_is_made_here(
    send: SendEvent, subject: str, stored: Stored, prefix: str
) -> None:
    answer = await send(event("user.created", subject), prefix=prefix)
    assert (answer.status_code, answer.content) == (204, b"")
    assert stored() == "new@example.org|f"


async def test_the_person_is_the_one_of_the_token(send: SendEvent, ask: Ask, subject: str) -> None:
    await send(event("user.created", subject))
    me = (await ask(token(sub=subject, email="other@example.org")).get("/auth/me")).json()
    assert (me["clerk_user_id"], me["email"]) == (subject, "new@example.org")


async def test_a_person_who_was_seen_first_gets_the_providers_address(
    send: SendEvent, ask: Ask, subject: str, stored: Stored
) -> None:
    assert (await ask(token(sub=subject)).get("/auth/me")).json()["email"] == "alice@example.org"
    await send(event("user.updated", subject))
    assert stored() == "new@example.org|f"


async def test_a_replay_is_answered_and_changes_nothing(
    send: SendEvent, subject: str, stored: Stored
) -> None:
    first = event("user.updated", subject, email_addresses=[{"id": "a", "email_address": "a@example.org"}])
    headers = signed(first)
    await send(first, headers)
    await send(event("user.updated", subject, BEGIN + 1))
    assert (await send(first, headers)).status_code == 204
    assert stored() == "new@example.org|f"


async def test_an_older_event_does_nothing(send: SendEvent, subject: str, stored: Stored) -> None:
    await send(event("user.updated", subject, BEGIN + 1))
    late = event("user.created", subject, BEGIN, email_addresses=[])
    assert (await send(late)).status_code == 204
    assert stored() == "new@example.org|f"


async def test_events_in_any_order_and_twice_end_the_same(
    send: SendEvent, subject: str, stored: Stored
) -> None:
    bodies = [
        event(
            "user.updated", subject, BEGIN + n, email_addresses=[{"id": "a", "email_address": f"{n}@b.org"}]
        )
        for n in (3, 1, 4, 1, 5, 9, 2, 6)
    ]
    await asyncio.gather(*(send(body) for body in bodies + bodies))
    assert stored() == "9@b.org|f"


async def test_without_a_timestamp_the_time_of_the_change_counts(
    send: SendEvent, subject: str, stored: Stored
) -> None:
    await send(event("user.updated", subject, None, updated_at=BEGIN + 1))
    await send(event("user.updated", subject, None, updated_at=BEGIN, email_addresses=[]))
    assert stored() == "new@example.org|f"


async def test_without_any_time_the_signatures_counts(send: SendEvent, subject: str, stored: Stored) -> None:
    await send(event("user.updated", subject, None))
    assert stored() == "new@example.org|f"
    await send(event("user.updated", subject, BEGIN, email_addresses=[]))
    assert stored() == "new@example.org|f"


@pytest.mark.parametrize(
    ("addresses", "primary", "kept"),
    [
        ([], None, ""),
        ([{"id": "a", "email_address": "a@example.org"}], None, "a@example.org"),
        ([{"id": "a", "email_address": "a@example.org"}], "gone", "a@example.org"),
        ([{"id": "a", "email_address": "김@example.org"}], "a", "김@example.org"),
        ([{"id": "a", "email_address": "no address"}], "a", ""),
    ],
)
async def test_the_address_is_the_primary_one_else_the_first(
    send: SendEvent, subject: str, stored: Stored, addresses: Any, primary: str | None, kept: str
) -> None:
    body = event("user.created", subject, email_addresses=addresses, primary_email_address_id=primary)
    assert (await send(body)).status_code == 204
    assert stored() == f"{kept}|f"


async def test_a_banned_person_is_out_until_the_ban_ends(send: SendEvent, ask: Ask, subject: str) -> None:
    client = ask(token(sub=subject))
    codes = []
    for step, banned in enumerate([False, True, False]):
        await send(event("user.updated", subject, BEGIN + step, banned=banned))
        codes.append((await client.get("/auth/me")).status_code)
    assert codes == [200, 401, 200]


async def test_a_deleted_person_is_gone_with_everything(
    send: SendEvent, ask: Ask, subject: str, postgres: Postgres
) -> None:
    client = ask(token(sub=subject))
    entry = {"date": "2026-01-15", "description": "점심", "amount": "12000", "type": "expense"}
    made = await client.post("/transactions", json=entry)
    assert made.status_code == 201
    assert (await send(event("user.deleted", subject))).status_code == 204
    count = f"SELECT count(*) FROM transactions WHERE id = '{made.json()['id']}'"  # noqa: S608
    assert postgres.sql(count, database=DATABASE) == "0"
    assert (await client.get("/auth/me")).json()["error_code"] == "ERR_1101"


async def test_a_deleted_person_does_not_come_back(
    send: SendEvent, ask: Ask, subject: str, stored: Stored
) -> None:
    deleted = event("user.deleted", subject)
    for body in (
        deleted,
        event("user.created", subject, BEGIN - 1),
        event("user.updated", subject, BEGIN + 1),
    ):
        assert (await send(body)).status_code == 204
    assert (await send(deleted)).status_code == 204
    assert (await ask(token(sub=subject)).get("/auth/me")).status_code == 401
    assert stored() == ""


async def test_a_deletion_and_a_first_request_at_once_leave_nobody(
    send: SendEvent, ask: Ask, stored: Stored, postgres: Postgres
) -> None:
    people = [f"user_{uuid.uuid4().hex}" for _ in range(20)]

    async def delete(person: str) -> None:
        for _ in range(60):
            if (await send(event("user.deleted", person))).status_code == 204:
                return
        pytest.fail(f"the deletion of {person} is never acknowledged")  # the provider sends it again, too

    await asyncio.gather(
        *(
            action
            for person in people
            for action in (
                ask(token(sub=person)).get("/auth/me"),
                delete(person),
                ask(token(sub=person)).get("/auth/me"),
            )
        )
    )
    listed = ", ".join(f"'{person}'" for person in people)
    left = postgres.sql(f"SELECT count(*) FROM users WHERE clerk_user_id IN ({listed})", database=DATABASE)  # noqa: S608
    assert left == "0"


@pytest.mark.parametrize("kind", ["session.created", "organization.deleted", "user.createdAtNoon", "x" * 100])
async def test_an_event_that_is_none_of_ours_is_acknowledged(
    send: SendEvent, subject: str, stored: Stored, kind: str
) -> None:
    assert (await send(event(kind, subject))).status_code == 204
    assert stored() == ""


@pytest.mark.parametrize("reserved", ["local:0123", "dev"])
async def test_the_provider_has_no_say_over_our_own_accounts(
    send: SendEvent, reserved: str, ask: Ask, postgres: Postgres
) -> None:
    for kind in ("user.updated", "user.deleted"):
        assert (await send(event(kind, reserved))).status_code == 204
    tables = "SELECT count(*) FROM users u, deleted_users d WHERE '{0}' IN (d.clerk_user_id)"
    assert postgres.sql(tables.format(reserved), database=DATABASE) == "0"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"no JSON",
        b'{"type": "user.created", "data": {}}',
        b'{"type": "user.created", "data": {"id": 7}}',
        b'{"type": "user.created", "data": {"id": ""}}',
        b'{"type": "user.created", "data": {"id": "a\\u0000b"}}',
        b'{"type": "user.created", "timestamp": "now", "data": {"id": "a"}}',
        b'{"type": "user.created", "timestamp": -1, "data": {"id": "a"}}',
        b'{"type": "user.created", "timestamp": 1e300, "data": {"id": "a"}}',
        b'{"type": "user.created", "data": {"id": "a", "email_addresses": [{"email_address": 7}]}}',
    ],
)
async def test_a_signed_event_of_another_shape_is_422(send: SendEvent, body: bytes) -> None:
    answer = await send(body)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "ERR_1001")
    assert answer.json()["details"]["problems"]
