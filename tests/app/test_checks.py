"""What a check may expect of a body, who the checks are, and what they cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.auth.tokens import TokenVerifier, checks_token, login_token
from app.core.auth.users import CHECKS_PREFIX, Identity, Role
from app.core.checks import unmet
from app.core.context import Context
from app.modules import REGISTRY
from app.settings import Settings
from app.smoke import callers
from app.smoke.callers import Callers, least_limit
from tests.app.conftest import DATABASE, TokenTable
from tests.app.servers import Postgres

BODY = {
    "status": "ready",
    "checks": {"database": "up"},
    "items": [{"name": "a", "count": 0}],
    "ok": True,
    "none": None,
}
MET = [
    {},
    {"status": "ready"},
    {"status": str, "checks": dict, "items": list, "ok": bool, "none": type(None)},
    {"checks.database": "up", "items.0.name": "a", "items.0.count": 0},
    {"": dict},
    {"none": None},
]
UNMET = [
    ({"status": "well"}, "status is 'ready', not 'well'"),
    ({"status": list}, "status is text, not a list"),
    ({"status": []}, "status is text, not a list"),
    ({"ok": False}, "ok is True, not False"),
    ({"ok": 1}, "ok is true or false, not a whole number"),
    ({"items.0.count": False}, "items.0.count is a whole number, not true or false"),
    ({"ok": int}, "ok is true or false, not a whole number"),
    ({"items": []}, "items is a list of 1, not a list of 0"),
    ({"items.1.name": str}, "items.1.name is missing"),
    ({"status.length": int}, "status.length is missing"),
    ({"gone": str}, "gone is missing"),
    ({"": list}, "the body is an object, not a list"),
]


@pytest.mark.unit
@pytest.mark.parametrize("expected", MET)
def test_a_body_that_is_as_expected_has_nothing_unmet(expected: dict[str, Any]) -> None:
    assert unmet(expected, BODY) is None


@pytest.mark.unit
@pytest.mark.parametrize(("expected", "said"), UNMET)
def test_what_is_not_as_expected_is_named_and_of_lists_only_their_size(
    expected: dict[str, Any], said: str
) -> None:
    assert unmet(expected, BODY) == said


@pytest.mark.unit
def test_the_least_of_all_limits_is_what_one_identity_asks(settings: Settings) -> None:
    limits = {"rate_limit_per_minute": 60, "rate_limit_per_hour": 1000, "rate_limit_per_day": 900}
    changed = settings.model_copy(update=limits | {"rate_limit_routes": ()})
    assert least_limit(changed, []) == 60
    assert least_limit(changed.model_copy(update={"rate_limit_per_day": 50}), REGISTRY.values()) == 50
    assert least_limit(changed.model_copy(update={"rate_limit_routes": ("/stats=9/99/7",)}), []) == 7


@pytest.mark.unit
def test_a_new_identity_comes_before_the_limit_is_used_up(settings: Settings) -> None:
    made = Callers(settings.model_copy(update={"rate_limit_per_minute": 3, "rate_limit_routes": ()}), [])
    tokens = [made.token() for _ in range(7)]
    assert [tokens.index(token) for token in tokens] == [0, 0, 0, 3, 3, 3, 6]


@pytest.mark.unit
def test_a_new_token_comes_before_the_old_one_has_run_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(callers, "time", SimpleNamespace(monotonic=lambda: now[0]))
    tokens = []
    made = Callers(settings.model_copy(update={"login_token_seconds": 60}), [])
    for moment in (0, 29, 31, 60, 62):
        now[0] = float(moment)
        tokens.append(made.token())
    assert [tokens.index(token) for token in tokens] == [0, 0, 2, 2, 4]


@pytest.fixture
async def checks(context: Context, service: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The checks' own client."""
    context.authenticator = TokenVerifier(settings)
    headers = {"Authorization": f"Bearer {checks_token(settings)}"}
    transport = httpx.ASGITransport(service, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
        yield client


@pytest.mark.integration
async def test_the_checks_are_a_user_without_a_row(checks: httpx.AsyncClient, postgres: Postgres) -> None:
    me = (await checks.get("/auth/me")).json()
    assert (me["email"], me["role"], me["id"]) == ("", "user", "00000000-0000-0000-0000-000000000000")
    assert me["clerk_user_id"].startswith(CHECKS_PREFIX)
    stored = f"SELECT count(*) FROM users WHERE clerk_user_id LIKE '{CHECKS_PREFIX}%'"  # noqa: S608
    assert postgres.sql(stored, database=DATABASE) == "0"


@pytest.mark.integration
async def test_the_checks_see_nothing_of_anybody(
    checks: httpx.AsyncClient, context: Context, service: FastAPI, settings: Settings
) -> None:
    context.authenticator = TokenTable()
    transport = httpx.ASGITransport(service)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as alice:
        entry = {"date": "2026-01-15", "description": "a", "amount": "1", "type": "expense"}
        made = await alice.post("/transactions", json=entry, headers={"Authorization": "Bearer user:alice"})
        assert made.status_code == 201
    context.authenticator = TokenVerifier(settings)
    assert (await checks.get("/transactions")).json()["items"] == []
    assert (await checks.get(f"/transactions/{made.json()['id']}")).status_code == 404


@pytest.mark.integration
async def test_the_checks_are_no_admin_whatever_their_token_says(
    checks: httpx.AsyncClient, settings: Settings
) -> None:
    boasting = login_token(settings, Identity(f"{CHECKS_PREFIX}x", "", Role.ADMIN))
    for token in ({}, {"Authorization": f"Bearer {boasting}"}):
        refused = await checks.get("/api/monitoring/events", headers=token)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "ERR_1102")


@pytest.mark.integration
async def test_the_checks_can_do_no_more_than_read(checks: httpx.AsyncClient, service: FastAPI) -> None:
    paths = service.openapi()["paths"]
    changing = [
        (method, path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method != "get" and operation.get("security")
    ]
    assert len(changing) > 20
    for method, path in changing:
        answer = await checks.request(method, path.replace("{", "").replace("}", ""), json={})
        assert (answer.status_code, answer.json()["error_code"]) == (401, "ERR_1101"), (method, path)
