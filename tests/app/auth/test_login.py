"""Local accounts: made by admins, logged in with a password, ended at once."""

from __future__ import annotations

import asyncio
import statistics
import time
import unicodedata
import uuid
from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.core.auth import passwords
from app.core.auth.accounts import create_account, disable_account
from app.core.auth.tokens import TokenVerifier
from app.core.auth.users import LOCAL_PREFIX, Role, User
from app.core.context import Context
from app.core.errors import ConflictError
from tests.app.auth.conftest import Ask, Listen
from tests.app.auth.provider import token
from tests.app.conftest import DEV_TOKEN

pytestmark = pytest.mark.integration
PATH = "/api/v1/auth/login"
PASSWORD = "정확한 말 배터리 스테이플 🐎"
Account = Callable[..., Awaitable[str]]


@pytest.fixture
def address() -> str:
    return f"driver-{uuid.uuid4().hex}@example.org"


@pytest.fixture
def account(context: Context, address: str) -> Account:
    """``await account()``: the e-mail of a stored account."""

    async def make(role: Role = Role.USER, password: str = PASSWORD) -> str:
        async with context.database.transaction() as session:
            return (await create_account(session, address, password, role)).email

    return make


async def login(client: httpx.AsyncClient, username: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post(PATH, data={"username": username, "password": password})


async def test_a_login_gives_a_bearer_token_that_counts(ask: Ask, account: Account) -> None:
    email = await account()
    answer = await login(ask(""), email)
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"access_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 3600)
    assert answer.headers["cache-control"] == "no-store"
    me = (await ask(body["access_token"]).get("/auth/me")).json()
    assert (me["email"], me["role"]) == (email, "user")
    assert me["clerk_user_id"].startswith(LOCAL_PREFIX)


async def test_an_admin_logs_in_as_an_admin(ask: Ask, account: Account) -> None:
    bearer = (await login(ask(""), await account(Role.ADMIN))).json()["access_token"]
    assert (await ask(bearer).get("/auth/me")).json()["role"] == "admin"


async def test_one_name_typed_on_two_systems_is_one_name(ask: Ask, context: Context, address: str) -> None:
    name = f"김철수-{address}"
    async with context.database.transaction() as session:
        await create_account(session, unicodedata.normalize("NFD", name), PASSWORD, Role.USER)
    answers = [
        await login(ask(""), f"  {unicodedata.normalize(form, name).upper()} ", typed)
        for form in ("NFC", "NFD")
        for typed in (PASSWORD, unicodedata.normalize("NFD", PASSWORD))
    ]
    assert [answer.status_code for answer in answers] == [200] * 4


INJECTIONS = [
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    'admin@example.org" OR ""="',
    "admin@example.org\0",
    "a@b\r\nSet-Cookie: x=1",
    "%' OR email LIKE '%",
    "${jndi:ldap://x}@y",
    "{{7*7}}@y",
    "\u202egro.elpmaxe@nimda",
    "🐘@🐘",
    "x" * 100_000,
    "local:0123",
]


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
async def test_nothing_typed_for_a_name_or_password_gets_in(ask: Ask, account: Account, text: str) -> None:
    email = await account()
    as_name, as_password = await login(ask(""), text), await login(ask(""), email, text)
    for answer in (as_name, as_password):
        assert (answer.status_code, answer.json()["error_code"]) == (401, "ERR_1104")
        assert answer.json()["message"] == "User name or password is wrong"
    assert (await login(ask(""), email)).status_code == 200


async def test_right_names_and_wrong_names_cannot_be_told_apart(ask: Ask, account: Account) -> None:
    email = await account()
    wrong = [await login(ask(""), name, "another password") for name in (email, "nobody@example.org")]
    bodies = [{**answer.json(), "trace_id": "", "timestamp": ""} for answer in wrong]
    assert bodies[0] == bodies[1]


async def test_they_take_the_same_time(ask: Ask, account: Account) -> None:
    client, email = ask(""), await account()

    async def seconds(name: str) -> float:
        begun = time.process_time()  # of all threads, whatever else the machine does
        await login(client, name, "another password")
        return time.process_time() - begun

    known, unknown = [], []
    for _ in range(9):
        known.append(await seconds(email))
        unknown.append(await seconds("nobody@example.org"))
    assert 0.5 < statistics.median(known) / statistics.median(unknown) < 2


@pytest.mark.parametrize(
    "form", [{}, {"username": "a@b"}, {"password": "x"}, {"username": "", "password": ""}]
)
async def test_a_form_without_both_fields_is_422(ask: Ask, form: dict[str, str]) -> None:
    answer = await ask("").post(PATH, data=form)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "ERR_1001")


async def test_a_body_that_is_no_form_is_422_and_does_not_come_back(ask: Ask) -> None:
    answer = await ask("").post(PATH, json={"username": "a@b", "password": "hunter22hunter22"})
    assert answer.status_code == 422
    assert "hunter" not in answer.text


async def test_no_password_and_no_address_is_logged(ask: Ask, account: Account, listen: Listen) -> None:
    said = listen()
    email = await account()
    await login(ask(""), email)
    await login(ask(""), email, "hunter22hunter22")
    await login(ask(""), "hunter33@example.org", "hunter22hunter22")
    logged = said()
    assert "/api/v1/auth/login" in logged
    assert not any(text in logged for text in (email, PASSWORD, "hunter22", "hunter33"))


async def test_a_disabled_account_is_out_with_the_token_it_has(
    ask: Ask, context: Context, account: Account
) -> None:
    email = await account()
    bearer = (await login(ask(""), email)).json()["access_token"]
    async with context.database.transaction() as session:
        assert await disable_account(session, email.upper())
    assert (await ask(bearer).get("/auth/me")).json()["error_code"] == "ERR_1101"
    assert (await login(ask(""), email)).json()["error_code"] == "ERR_1104"


async def test_a_role_that_was_taken_back_is_gone_at_once(
    ask: Ask, context: Context, account: Account
) -> None:
    bearer = (await login(ask(""), await account(Role.ADMIN))).json()["access_token"]
    me = (await ask(bearer).get("/auth/me")).json()
    async with context.database.transaction() as session:
        user = await session.get_one(User, uuid.UUID(me["id"]))
        user.role = Role.USER
    assert (await ask(bearer).get("/auth/me")).json()["role"] == "user"
    refused = await ask(bearer).post("/auth/users", json={"email": "a@b", "password": PASSWORD})
    assert refused.json()["error_code"] == "ERR_1102"


async def test_an_account_that_was_deleted_is_out(ask: Ask, context: Context, account: Account) -> None:
    bearer = (await login(ask(""), await account())).json()["access_token"]
    me = (await ask(bearer).get("/auth/me")).json()
    async with context.database.transaction() as session:
        await session.delete(await session.get_one(User, uuid.UUID(me["id"])))
    assert (await ask(bearer).get("/auth/me")).json()["error_code"] == "ERR_1101"


async def test_an_admin_makes_an_account_that_can_log_in(ask: Ask, address: str) -> None:
    wanted = {"email": address.upper(), "password": PASSWORD, "role": "user"}
    made = await ask(DEV_TOKEN).post("/auth/users", json=wanted)
    assert made.status_code == 201
    assert set(made.json()) == {"id", "clerk_user_id", "email", "role", "created_at"}
    assert (made.json()["email"], made.json()["role"]) == (address, "user")
    assert (await login(ask(""), address)).status_code == 200


async def test_a_second_account_with_the_address_is_a_conflict(ask: Ask, account: Account) -> None:
    wanted = {"email": await account(), "password": PASSWORD}
    answer = await ask(DEV_TOKEN).post("/auth/users", json=wanted)
    assert (answer.status_code, answer.json()["error_code"]) == (409, "ERR_1003")
    assert wanted["email"] not in answer.text


async def test_of_two_at_once_one_is_made(context: Context, address: str) -> None:
    async def make() -> bool:
        try:
            async with context.database.transaction() as session:
                await create_account(session, address, PASSWORD, Role.USER)
        except ConflictError:
            return False
        return True

    assert sorted(await asyncio.gather(make(), make())) == [False, True]


async def test_a_person_of_the_provider_may_have_the_address_of_an_account(
    ask: Ask, account: Account
) -> None:
    email = await account()
    answer = await ask(token(sub=f"user_{uuid.uuid4().hex}", email=email)).get("/auth/me")
    assert (answer.status_code, answer.json()["email"]) == (200, email)
    assert (await login(ask(""), email)).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "eleven char"),
        ("password", "짧은 비밀번호"),
        ("password", "x" * 1025),
        ("password", "한" * 342),
        ("password", "a password with \0"),
        ("password", None),
        ("email", "nobody"),
        ("email", "a@" + "b" * 300),
        ("email", "two words@example.org"),
        ("role", "root"),
        ("disabled", True),
    ],
)
async def test_an_account_that_cannot_be_is_422_without_its_values(
    ask: Ask, address: str, field: str, value: object
) -> None:
    wanted = {"email": address, "password": PASSWORD} | {field: value}
    answer = await ask(DEV_TOKEN).post("/auth/users", json=wanted)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "ERR_1001")
    assert answer.json()["details"]["problems"][0]["field"] == f"body.{field}"
    assert PASSWORD not in answer.text
    assert not isinstance(value, str) or len(value) < 8 or value not in answer.text


@pytest.mark.parametrize("password", ["twelve chars", "x" * 1024, "한" * 341, "🐎" * 12])
async def test_the_bounds_of_a_password_are_inside(ask: Ask, account: Account, password: str) -> None:
    assert (await login(ask(""), await account(password=password), password)).status_code == 200


async def test_only_admins_make_accounts(ask: Ask, address: str) -> None:
    wanted = {"email": address, "password": PASSWORD}
    assert (await ask("").post("/auth/users", json=wanted)).json()["error_code"] == "ERR_1100"
    refused = await ask(token()).post("/auth/users", json=wanted)
    assert (refused.status_code, refused.json()["error_code"]) == (403, "ERR_1102")


@pytest.mark.unit
async def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not await passwords.matches("no hash", PASSWORD)
    assert not await passwords.matches(None, PASSWORD)
    stored = await passwords.hashed(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches(stored, PASSWORD)


async def test_a_rush_of_logins_leaves_other_requests_their_turn(
    ask: Ask, account: Account, verifier: TokenVerifier
) -> None:
    email = await account()
    rush = [asyncio.create_task(login(ask(""), email, "another password")) for _ in range(40)]
    await asyncio.wait(rush, return_when=asyncio.FIRST_COMPLETED)
    assert (await ask("").get("/liveness")).status_code == 200
    assert sum(task.done() for task in rush) < len(rush)
    assert {(await task).status_code for task in rush} == {401}
