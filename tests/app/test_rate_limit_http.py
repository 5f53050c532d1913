"""The rate limit as clients meet it: headers, refusals, blocks, routes' own limits, and Redis away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import structlog

from app import contract
from app.core.module import Module
from app.core.rate_limit import LOGIN_PATH
from app.core.values import Limits
from app.ledger.settings import LedgerSettings
from tests.app.limited import Limited, Make, code, limited_services
from tests.app.servers import Postgres, RedisServer, free_port

pytestmark = pytest.mark.integration


@pytest.fixture
async def limited(postgres: Postgres, redis: RedisServer) -> AsyncIterator[Make]:
    """See limited_services."""
    async with limited_services(postgres, redis) as make:
        yield make


async def test_every_counted_answer_says_what_remains_in_each_window(limited: Make) -> None:
    service = limited(rate_limit_per_minute=60, rate_limit_per_hour=1000, rate_limit_per_day=10_000)
    await service.get()
    headers = (await service.get(token="user:a")).headers, (await service.get()).headers
    for window, limit, seconds in (("Minute", 60, 60), ("Hour", 1000, 3600), ("Day", 10_000, 86_400)):
        assert [int(found[f"X-RateLimit-Limit-{window}"]) for found in headers] == [limit, limit]
        assert [int(found[f"X-RateLimit-Remaining-{window}"]) for found in headers] == [limit - 1, limit - 2]
        assert all(0 < int(found[f"X-RateLimit-Reset-{window}"]) <= seconds * 61 / 60 for found in headers)


async def test_a_request_too_many_is_refused_with_the_time_to_come_back(limited: Make) -> None:
    service = limited(rate_limit_per_minute=2)
    for _ in range(2):
        assert (await service.get()).status_code == 404
    refused = await service.get()
    body = refused.json()
    assert (refused.status_code, body["error_code"]) == (429, "ERR_1400")
    assert (body["details"]["window"], body["details"]["limit"]) == ("minute", 2)
    assert refused.headers["Retry-After"] == str(body["details"]["retry_after"])
    assert 55 <= body["details"]["retry_after"] <= 61
    assert refused.headers["X-RateLimit-Remaining-Minute"] == "0"
    assert refused.headers["X-Request-ID"]


@pytest.mark.parametrize("window", ["minute", "hour", "day"])
async def test_the_window_that_refuses_is_named(limited: Make, window: str) -> None:
    service = limited(**{f"rate_limit_per_{window}": 1})
    await service.get()
    details = (await service.get()).json()["details"]
    assert (details["window"], details["limit"]) == (window, 1)


async def test_a_refused_request_uses_nothing_up(limited: Make) -> None:
    service = limited(rate_limit_per_minute=2, rate_limit_per_hour=100, rate_limit_block_after=0)
    for _ in range(10):
        last = await service.get()
    assert last.headers["X-RateLimit-Remaining-Hour"] == "98"


async def test_a_refused_request_never_reaches_the_route(limited: Make) -> None:
    service = limited(rate_limit_per_minute=1, database_url="postgresql://a:b@127.0.0.1:1/x")
    assert (await service.get("/categories", token="user:a")).status_code == 503
    assert (await service.get("/categories", token="user:a")).status_code == 429


async def test_after_many_refusals_a_principal_is_blocked_and_released_by_itself(limited: Make) -> None:
    service = limited(rate_limit_per_minute=1, rate_limit_block_after=3, rate_limit_block_seconds=10)
    with structlog.testing.capture_logs() as logged:
        codes = [code(await service.get()) for _ in range(7)]
    assert codes == ["ERR_1002", *["ERR_1400"] * 3, *["ERR_1401"] * 3]
    said = [line for line in logged if "blocked" in line["event"]]
    assert [(line["principal"], line["seconds"]) for line in said] == [("address", 10)]
    assert "192.0.2.1" not in str(said)
    blocked = await service.get()
    assert blocked.json()["details"]["limit"] == 3
    assert blocked.headers["Retry-After"] == str(blocked.json()["details"]["retry_after"])
    assert blocked.headers["X-RateLimit-Remaining-Hour"] == "0"
    await until_code(service, "ERR_1400")


async def until_code(service: Limited, wanted: str) -> None:
    """Asks until the answer's code is this one, for a minute."""
    end = time.monotonic() + 60
    while code(await service.get()) != wanted:
        assert time.monotonic() < end, f"never {wanted}"


async def test_a_block_of_one_principal_is_nobody_elses(limited: Make) -> None:
    service = limited(rate_limit_per_minute=1, rate_limit_block_after=1)
    for _ in range(3):
        last = await service.get(token="user:a")
    assert code(last) == "ERR_1401"
    assert (await service.get(token="user:b")).status_code == 404
    assert (await service.get()).status_code == 404


async def test_people_behind_one_address_are_counted_apart_and_invalid_tokens_by_address(
    limited: Make,
) -> None:
    service = limited(rate_limit_per_minute=1)
    assert [(await service.get(token=f"user:{name}")).status_code for name in "abc"] == [404] * 3
    assert (await service.get(token="guess1")).status_code == 404
    assert [(await service.get(token=f"guess{n}")).status_code for n in range(2, 5)] == [429] * 3
    assert (await service.get()).status_code == 429


async def test_one_person_at_many_addresses_is_counted_together(limited: Make) -> None:
    service = limited(rate_limit_per_minute=2)
    answers = [await service.get(token="user:a", client=f"192.0.2.{n}") for n in range(1, 4)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]


async def test_the_addresses_of_one_ipv6_network_are_counted_together(limited: Make) -> None:
    service = limited(rate_limit_per_minute=1)
    clients = ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1", "::ffff:198.51.100.1", "198.51.100.1")
    answers = [(await service.get(client=client)).status_code for client in clients]
    assert answers == [404, 429, 404, 404, 429]


async def test_a_route_has_counters_of_its_own_and_counts_among_all(limited: Make) -> None:
    service = limited(rate_limit_per_minute=10, rate_limit_routes=("/api/ask=2/50/100",))
    first = await service.get("/api/ask/now")
    assert first.headers["X-RateLimit-Limit-Minute"] == "2"
    await service.get("/api/ask")
    assert code(await service.get("/api/ask/more")) == "ERR_1400"
    elsewhere = await service.get("/api/asking")
    assert elsewhere.headers["X-RateLimit-Limit-Minute"] == "10"
    assert elsewhere.headers["X-RateLimit-Remaining-Minute"] == "7"


async def test_the_general_limit_holds_on_a_route_with_a_higher_one(limited: Make) -> None:
    service = limited(rate_limit_per_minute=1, rate_limit_routes=("/api/ask=5/50/100",))
    assert (await service.get("/api/ask")).status_code == 404
    assert (await service.get("/api/ask")).json()["details"]["limit"] == 1


async def test_the_longest_prefix_wins_and_settings_win_over_modules(
    limited: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = Module(
        "asks", (), LedgerSettings, rate_limits={"/api/ask": Limits(3, 30, 300), "/b": Limits(4, 40, 400)}
    )
    monkeypatch.setattr("app.main.chosen", lambda _names: (asks,))
    service = limited(rate_limit_routes=("/api=5/50/500", "/b=6/60/600"))
    shown = [
        (await service.get(path)).headers["X-RateLimit-Limit-Minute"] for path in ("/api/ask", "/api/x", "/b")
    ]
    assert shown == ["3", "5", "6"]


async def test_logins_are_limited_by_address_whatever_token_comes_along(limited: Make) -> None:
    service = limited(rate_limit_block_after=0)
    codes = [(await service.get(LOGIN_PATH, "POST", token=f"user:{n}")).status_code for n in range(12)]
    assert 429 not in codes[:10]
    assert codes[10:] == [429, 429]
    assert (await service.get(LOGIN_PATH, "POST", client="192.0.2.9")).status_code != 429


async def test_probes_are_not_counted(limited: Make) -> None:
    service = limited(rate_limit_per_minute=1)
    paths = (contract.HEALTH_PATH, contract.READINESS_PATH, contract.LIVENESS_PATH, contract.METRICS_PATH)
    for path in paths * 2:
        answer = await service.get(path)
        assert answer.status_code == 200
        assert "X-RateLimit-Limit-Minute" not in answer.headers
    assert service.decisions() == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [("OPTIONS", "/categories"), ("POST", "/health"), ("HEAD", "/health"), ("GET", "/metrics")],
)
async def test_what_is_answered_with_an_error_is_counted(limited: Make, method: str, path: str) -> None:
    service = limited(rate_limit_per_minute=2, enable_metrics=False)
    statuses = [(await service.get(path, method)).status_code for _ in range(3)]
    assert statuses == [404 if method == "GET" else 405] * 2 + [429]


async def test_refused_requests_are_no_events_but_the_beginning_of_a_block_is(limited: Make) -> None:
    service = limited(rate_limit_per_minute=1, rate_limit_block_after=3)
    waiting = service.context.events._waiting
    traces = [(await service.get()).json()["trace_id"] for _ in range(8)]
    assert [(event["trace_id"], event["error_code"]) for event in waiting] == [
        (traces[0], "ERR_1002"),
        (traces[3], "ERR_1401"),
    ]
    counted = service.context.metrics.registry.get_sample_value("errors_total", {"error_code": "ERR_1401"})
    assert counted == 4
    waiting.clear()


async def test_addresses_that_are_not_allowed_and_requests_without_redis_are_no_events(limited: Make) -> None:
    outside = limited(ip_allow_list=("198.51.100.0/24",))
    closed = limited(redis_url=f"redis://:p@127.0.0.1:{free_port()}/0", rate_limit_when_away="closed")
    assert [code(await service.get()) for service in (outside, closed)] == ["ERR_1103", "ERR_1300"]
    assert [list(service.context.events._waiting) for service in (outside, closed)] == [[], []]


async def test_decisions_are_counted(limited: Make) -> None:
    service = limited(rate_limit_per_minute=2, rate_limit_block_after=1)
    for _ in range(5):
        await service.get()
    assert service.decisions() == {"allowed": 2, "limited": 1, "blocked": 2}
