"""Whose webhooks count: the signature over the very bytes, its time, and what is said about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from app.core.context import Context
from app.main import create_app
from tests.app.auth.conftest import Listen
from tests.app.auth.events import OTHER_SECRET, PATH, WEBHOOK_SECRET, SendEvent, Stored, event, signed

pytestmark = pytest.mark.integration


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
    send: SendEvent, subject: str, stored: Stored, case: str
) -> None:
    body = event("user.created", subject)
    headers = {name: value.encode("latin-1") for name, value in REFUSED[case](body).items()}
    answer = await send(body, headers)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "ERR_1105"), case
    assert answer.json()["details"] == {}
    assert stored() == ""


async def test_bytes_that_are_no_text_are_no_signed_event(send: SendEvent) -> None:
    answer = await send(b"\xff\xfe", signed(b"{}"))
    assert answer.json()["error_code"] == "ERR_1105"


@pytest.mark.parametrize("seconds", [-290, 290])
async def test_clocks_may_differ_by_five_minutes(send: SendEvent, subject: str, seconds: int) -> None:
    body = event("user.created", subject)
    assert (await send(body, when(seconds)(body))).status_code == 204


async def test_one_of_several_signatures_is_enough_while_they_rotate(send: SendEvent, subject: str) -> None:
    body = event("user.created", subject)
    headers = signed(body)
    headers["svix-signature"] = (
        f"{signed(body, secret=OTHER_SECRET)['svix-signature']} {headers['svix-signature']}"
    )
    assert (await send(body, headers)).status_code == 204


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


async def test_nothing_personal_of_an_event_is_logged(send: SendEvent, subject: str, listen: Listen) -> None:
    said = listen()
    body = event("user.created", subject)
    await send(body)
    await send(body, tampered(body))
    logged = said()
    assert '"applied": true' in logged
    assert "webhook refused" in logged
    assert "@example.org" not in logged
    assert WEBHOOK_SECRET not in logged
