"""The service with its real check of tokens, and an identity provider that it asks."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core import logs
from app.core.auth.tokens import TokenVerifier
from app.core.context import Context
from app.main import create_app
from app.settings import Settings
from tests.app.auth.events import PATH, WEBHOOK_SECRET, SendEvent, Stored, signed
from tests.app.auth.provider import AUDIENCE, ISSUER, Provider
from tests.app.conftest import DATABASE
from tests.app.servers import Postgres

Listen = Callable[[], Callable[[], str]]
Ask = Callable[[str], httpx.AsyncClient]


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Serves the key "first"."""
    made = Provider()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings(settings: Settings, provider: Provider) -> Settings:
    """With the provider and its webhook."""
    changed = {
        "jwt_issuer": ISSUER,
        "jwt_audience": AUDIENCE,
        "jwt_jwks_url": provider.url,
        "clerk_webhook_secret": type(settings.dev_token)(WEBHOOK_SECRET),
        "allowed_origins": ("https://app.example.org",),
        "rate_limit_routes": ("/api/v1/auth/login=1000000/1000000/1000000",),  # the tests share one address
    }
    return settings.model_copy(update=changed)


@pytest.fixture
def verifier(settings: Settings) -> TokenVerifier:
    """The check of tokens."""
    return TokenVerifier(settings)


@pytest.fixture
def service(context: Context, verifier: TokenVerifier) -> FastAPI:
    """The application with the real check."""
    context.authenticator = verifier
    return create_app(context)


@pytest.fixture
def listen(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Listen:
    """``said = listen()`` in the test itself, whose output is not the fixtures': the logs from now on."""

    def begin() -> Callable[[], str]:
        logs.configure("INFO", settings.secrets())
        return lambda: capsys.readouterr().out

    return begin


@pytest.fixture
async def ask(service: FastAPI) -> AsyncIterator[Ask]:
    """``ask(token)``: a client that sends this token; "" sends none."""
    made: list[httpx.AsyncClient] = []

    def make(token: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(service, raise_app_exceptions=True)
        made.append(httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def subject() -> str:
    return f"user_{uuid.uuid4().hex}"


@pytest.fixture
def send(ask: Ask) -> SendEvent:
    """``await send(body)``: signed as the provider does it, unless other headers are given."""

    async def post(body: bytes, headers: dict[str, str] | None = None, **how: Any) -> httpx.Response:
        return await ask("").post(
            PATH, content=body, headers=signed(body, **how) if headers is None else headers
        )

    return post


@pytest.fixture
def stored(postgres: Postgres, subject: str) -> Stored:
    """email|disabled of the person, empty where there is none."""
    statement = f"SELECT email, disabled_at IS NOT NULL FROM users WHERE clerk_user_id = '{subject}'"  # noqa: S608
    return lambda: postgres.sql(statement, database=DATABASE)
