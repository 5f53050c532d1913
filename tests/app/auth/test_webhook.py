"""The provider's webhook: signatures, replays, order, and people who leave."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook

from app.core.context import Context
from app.main import create_app
from tests.app.auth.conftest import WEBHOOK_SECRET, Ask, Listen
from tests.app.auth.provider import token
from tests.app.conftest import DATABASE
from tests.app.servers import Postgres

pytestmark = pytest.mark.integration
PATH = "/auth/webhook"
OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
Send = Callable[..., Awaitable[httpx.Response]]
BEGIN = 1_700_000_000_000


def signed(
    body: bytes,
    *,
    secret: str = WEBHOOK_SECRET,
    prefix: str = "svix",
    message: str = "msg_1",
    at: datetime | None = None,
) -> dict[str, str]:
    """The three headers over this body."""
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(message, at, body.decode())
    values = {"id": message, "timestamp": str(int(at.timestamp())), "signature": signature}
    return {f"{prefix}-{name}": value for name, value in values.items()}


def event(kind: str, subject: str, at: int | None = BEGIN, **changed: Any) -> bytes:
    """As Clerk sends it."""
    person: dict[str, Any] = {"id": subject, "object": "user"}
    if kind == "user.deleted":
        person["deleted"] = True
    else:
        person |= {
            "email_addresses": [
                {"id": "idn_1", "email_address": "old@example.org", "object": "email_address"},
                {"id": "idn_2", "email_address": "new@example.org", "object": "email_address"},
            ],
            "primary_email_address_id": "idn_2",
            "banned": False,
            "updated_at": at,
        }
    body = {"type": kind, "object": "event", "timestamp": at, "data": person | changed}
    return json.dumps({name: value for name, value in body.items() if value is not None}).encode()


@pytest.fixture
def subject() -> str:
    return f"user_{uuid.uuid4().hex}"


@pytest.fixture
def send(ask: Ask) -> Send:
    """``await send(body)``: signed as the provider does it, unless other headers are given."""

    async def post(body: bytes, headers: dict[str, str] | None = None, **how: Any) -> httpx.Response:
        return await ask("").post(
            PATH, content=body, headers=signed(body, **how) if headers is None else headers
        )

    return post


@pytest.fixture
def stored(postgres: Postgres, subject: str) -> Callable[[], str]:
    """email|disabled of the person, empty where there is none."""
    statement = f"SELECT email, disabled_at IS NOT NULL FROM users WHERE clerk_user_id = '{subject}'"  # noqa: S608
    return lambda: postgres.sql(statement, database=DATABASE)


@pytest.mark.parametrize("prefix", ["svix", "webhook"])
async def test_a_person_who_is_made_there_is_made_here(
    send: Send, subject: str, stored: Callable[[], str], prefix: str
) -> None:
    answer = await send(event("user.created", subject), prefix=prefix)
    assert (answer.status_code, answer.content) == (204, b"")
    assert stored() == "new@example.org|f"


async def test_the_person_is_the_one_of_the_token(send: Send, ask: Ask, subject: str) -> None:
    await send(event("user.created", subject))
    me = (await ask(token(sub=subject, email="other@example.org")).get("/auth/me")).json()
    assert (me["clerk_user_id"], me["email"]) == (subject, "new@example.org")


async def test_a_person_who_was_seen_first_gets_the_providers_address(
    send: Send, ask: Ask, subject: str, stored: Callable[[], str]
) -> None:
    assert (await ask(token(sub=subject)).get("/auth/me")).json()["email"] == "alice@example.org"
    await send(event("user.updated", subject))
    assert stored() == "new@example.org|f"


def tampered(body: bytes) -> dict[str, str]:
    return signed(body.replace(b"new@", b"bad@"))


def when(seconds: int) -> Callable[[bytes], dict[str, str]]:
    return lambda body: signed(body, at=datetime.now(UTC) + timedelta(seconds=seconds))


def replaced(**changed: str) -> Callable[[bytes], dict[str, str]]:
    return lambda body: signed(body) | {f"svix-{name}": value for name, value in changed.items()}


REFUSED: dict[str, Callable[[bytes], dict[str, str]]] = {
    "no headers": lambda _: {},
    "another secret": lambda body: signed(body, secret=OTHER_SECRET),
    "another body": tampered,
    "another id": replaced(id="msg_2"),
    "no id": replaced(id=""),
    "too old": when(-310),
    "too new": when(310),
    "another time": replaced(timestamp=str(int(datetime.now(UTC).timestamp()) - 60)),
    "no time": replaced(timestamp=""),
    "a time that is none": replaced(timestamp="yesterday"),
    "a time that is no number": replaced(timestamp="nan"),
    "an endless time": replaced(timestamp="inf"),
    "no signature": replaced(signature=""),
    "garbage": replaced(signature="garbage"),
    "another version": lambda body: signed(body) | {"svix-signature": "v2,AAAA"},
    "no base64": replaced(signature="v1,!"),
    "an empty signature": replaced(signature="v1,"),
    "no text": replaced(signature="v1,\xe9"),
    "half of one kind, half of the other": lambda body: {
        name if name == "svix-id" else name.replace("svix", "webhook"): value
        for name, value in signed(body).items()
    },
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_signature_that_is_not_right_changes_nothing(
    send: Send, subject: str, stored: Callable[[], str], case: str
) -> None:
    body = event("user.created", subject)
    headers = {name: value.encode("latin-1") for name, value in REFUSED[case](body).items()}
    answer = await send(body, headers)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "ERR_1105"), case
    assert answer.json()["details"] == {}
    assert stored() == ""


async def test_bytes_that_are_no_text_are_no_signed_event(send: Send) -> None:
    answer = await send(b"\xff\xfe", signed(b"{}"))
    assert answer.json()["error_code"] == "ERR_1105"


@pytest.mark.parametrize("seconds", [-290, 290])
async def test_clocks_may_differ_by_five_minutes(send: Send, subject: str, seconds: int) -> None:
    body = event("user.created", subject)
    assert (await send(body, when(seconds)(body))).status_code == 204


async def test_one_of_several_signatures_is_enough_while_secrets_rotate(send: Send, subject: str) -> None:
    body = event("user.created", subject)
    headers = signed(body)
    headers["svix-signature"] = (
        f"{signed(body, secret=OTHER_SECRET)['svix-signature']} {headers['svix-signature']}"
    )
    assert (await send(body, headers)).status_code == 204


async def test_a_replay_is_answered_and_changes_nothing(
    send: Send, subject: str, stored: Callable[[], str]
) -> None:
    first = event("user.updated", subject, email_addresses=[{"id": "a", "email_address": "a@example.org"}])
    headers = signed(first)
    await send(first, headers)
    await send(event("user.updated", subject, BEGIN + 1))
    assert (await send(first, headers)).status_code == 204
    assert stored() == "new@example.org|f"


async def test_an_older_event_does_nothing(send: Send, subject: str, stored: Callable[[], str]) -> None:
    await send(event("user.updated", subject, BEGIN + 1))
    late = event("user.created", subject, BEGIN, email_addresses=[])
    assert (await send(late)).status_code == 204
    assert stored() == "new@example.org|f"


async def test_events_in_any_order_and_twice_end_the_same(
    send: Send, subject: str, stored: Callable[[], str]
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
    send: Send, subject: str, stored: Callable[[], str]
) -> None:
    await send(event("user.updated", subject, None, updated_at=BEGIN + 1))
    await send(event("user.updated", subject, None, updated_at=BEGIN, email_addresses=[]))
    assert stored() == "new@example.org|f"


async def test_without_any_time_the_signatures_counts(
    send: Send, subject: str, stored: Callable[[], str]
) -> None:
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
    send: Send, subject: str, stored: Callable[[], str], addresses: Any, primary: str | None, kept: str
) -> None:
    body = event("user.created", subject, email_addresses=addresses, primary_email_address_id=primary)
    assert (await send(body)).status_code == 204
    assert stored() == f"{kept}|f"


async def test_a_banned_person_is_out_until_the_ban_is_lifted(send: Send, ask: Ask, subject: str) -> None:
    client = ask(token(sub=subject))
    codes = []
    for step, banned in enumerate([False, True, False]):
        await send(event("user.updated", subject, BEGIN + step, banned=banned))
        codes.append((await client.get("/auth/me")).status_code)
    assert codes == [200, 401, 200]


async def test_a_deleted_person_is_gone_with_everything(
    send: Send, ask: Ask, subject: str, postgres: Postgres
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
    send: Send, ask: Ask, subject: str, stored: Callable[[], str]
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
    send: Send, ask: Ask, stored: Callable[[], str], postgres: Postgres
) -> None:
    people = [f"user_{uuid.uuid4().hex}" for _ in range(20)]
    await asyncio.gather(
        *(
            action
            for person in people
            for action in (
                ask(token(sub=person)).get("/auth/me"),
                send(event("user.deleted", person)),
                ask(token(sub=person)).get("/auth/me"),
            )
        )
    )
    listed = ", ".join(f"'{person}'" for person in people)
    left = postgres.sql(f"SELECT count(*) FROM users WHERE clerk_user_id IN ({listed})", database=DATABASE)  # noqa: S608
    assert left == "0"


@pytest.mark.parametrize("kind", ["session.created", "organization.deleted", "user.createdAtNoon", "x" * 100])
async def test_an_event_that_is_none_of_ours_is_acknowledged(
    send: Send, subject: str, stored: Callable[[], str], kind: str
) -> None:
    assert (await send(event(kind, subject))).status_code == 204
    assert stored() == ""


@pytest.mark.parametrize("reserved", ["local:0123", "dev"])
async def test_the_provider_has_no_say_over_our_own_accounts(
    send: Send, reserved: str, ask: Ask, postgres: Postgres
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
async def test_a_signed_event_of_another_shape_is_422(send: Send, body: bytes) -> None:
    answer = await send(body)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "ERR_1001")
    assert answer.json()["details"]["problems"]


@pytest.fixture
async def without_secret(context: Context) -> AsyncIterator[FastAPI]:
    """The service where no webhook is configured."""
    secret = type(context.settings.clerk_webhook_secret)("")
    context.settings = context.settings.model_copy(update={"clerk_webhook_secret": secret})
    yield create_app(context)


async def test_without_a_secret_there_is_no_webhook(without_secret: FastAPI, subject: str) -> None:
    body = event("user.created", subject)
    transport = httpx.ASGITransport(without_secret)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post(PATH, content=body, headers=signed(body))
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ERR_1002")


async def test_nothing_personal_of_an_event_is_logged(send: Send, subject: str, listen: Listen) -> None:
    said = listen()
    body = event("user.created", subject)
    await send(body)
    await send(body, tampered(body))
    logged = said()
    assert '"applied": true' in logged
    assert "webhook refused" in logged
    assert "@example.org" not in logged
    assert WEBHOOK_SECRET not in logged
