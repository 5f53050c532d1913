"""The rate limit while Redis is unreachable, hangs, is full or takes no writes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import structlog
from redis import Redis

from app.core import redis as link
from app.core.rate_limit import LOGIN_PATH, AwayWindow
from tests.app.limited import Make, code, limited_services
from tests.app.servers import Postgres, RedisServer, free_port

pytestmark = pytest.mark.integration


@pytest.fixture
async def limited(postgres: Postgres, redis: RedisServer) -> AsyncIterator[Make]:
    """See limited_services."""
    async with limited_services(postgres, redis) as make:
        yield make


@contextmanager
def stopped(redis: RedisServer) -> Iterator[None]:
    redis.send(signal.SIGSTOP)
    try:
        yield
    finally:
        redis.send(signal.SIGCONT)


@contextmanager
def configured(redis: RedisServer, *commands: tuple[tuple[str, ...], tuple[str, ...]]) -> Iterator[None]:
    """Runs the first of each pair before and the second after."""
    with Redis.from_url(redis.address) as client:
        for before, _ in commands:
            client.execute_command(*before)
        try:
            yield
        finally:
            for _, after in commands:
                client.execute_command(*after)


REQUESTS = 20  # while Redis hangs
FULL = (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"))


READ_ONLY = (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"))


@pytest.mark.parametrize("fault", [FULL, READ_ONLY], ids=["full", "read-only"])
@pytest.mark.parametrize(("away", "status"), [("open", 404), ("closed", 503)])
async def test_a_redis_that_takes_no_writes_is_away(
    limited: Make, redis: RedisServer, fault: tuple[tuple[str, ...], tuple[str, ...]], away: str, status: int
) -> None:
    service = limited(rate_limit_when_away=away)
    with configured(redis, fault):
        answers = [await service.get() for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert service.decisions() == {away: 2}


async def test_an_unreachable_redis_lets_requests_pass_or_refuses_them_as_set(limited: Make) -> None:
    nowhere = f"redis://:p@127.0.0.1:{free_port()}/0"
    passing = await limited(redis_url=nowhere).get()
    assert passing.status_code == 404
    assert "X-RateLimit-Limit-Minute" not in passing.headers
    refused = await limited(redis_url=nowhere, rate_limit_when_away="closed").get()
    assert (refused.status_code, code(refused)) == (503, "ERR_1300")
    assert refused.headers["Retry-After"] == "5"


async def test_passwords_are_not_guessed_faster_while_redis_is_away(limited: Make) -> None:
    service = limited(redis_url=f"redis://:p@127.0.0.1:{free_port()}/0")
    answers = [await service.get(LOGIN_PATH, "POST", token=f"user:{n}") for n in range(12)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429] * 2
    assert (code(answers[-1]), answers[-1].json()["details"]["window"]) == ("ERR_1400", "minute")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert (await service.get(LOGIN_PATH, "POST", client="192.0.2.9")).status_code == 422
    assert (await service.get()).status_code == 404
    assert service.decisions() == {"open": 12, "limited": 2}


@pytest.mark.unit
def test_the_window_of_one_replica_forgets_the_principal_that_came_first() -> None:
    window = AwayWindow(limit=2, principals=2)
    waits = [window.wait(name, now) for name, now in (("a", 0), ("a", 1), ("a", 2), ("b", 3), ("a", 61))]
    assert waits == [0, 0, 58, 0, 0]
    assert [window.wait(name, 62) for name in ("c", "a", "a", "b", "a")] == [0, 0, 59, 0, 0]


@pytest.mark.own_servers
async def test_a_redis_that_hangs_costs_one_short_wait_and_is_asked_again_after_the_rest(
    limited: Make, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "COOL_DOWN_SECONDS", 1.0)
    service = limited(rate_limit_per_minute=50)
    await service.get()
    with stopped(redis), structlog.testing.capture_logs() as logged:
        begun = time.monotonic()
        for _ in range(REQUESTS):
            assert (await service.get()).status_code == 404
        took = time.monotonic() - begun
        assert service.decisions() == {"allowed": 1, "open": REQUESTS}
    assert link.OPERATION_SECONDS <= took < REQUESTS * link.OPERATION_SECONDS / 2  # and not a wait each
    assert [line["event"] for line in logged if "redis" in line["event"]] == ["redis away"]
    end = time.monotonic() + 5
    while "X-RateLimit-Limit-Minute" not in (await service.get()).headers:
        assert time.monotonic() < end, "the limit is never back"


@pytest.mark.own_servers
async def test_while_redis_hangs_one_request_at_a_time_finds_out(
    limited: Make, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "OPERATION_SECONDS", 60.0)
    monkeypatch.setattr(link, "COOL_DOWN_SECONDS", 60.0)
    service = limited()
    with stopped(redis):
        service.context.limiter._link._rest_until = time.monotonic()  # the rest is over
        tasks = [asyncio.ensure_future(service.get()) for _ in range(10)]
        quick = asyncio.as_completed(tasks, timeout=link.OPERATION_SECONDS / 2)
        for _, answer in zip(range(9), quick, strict=False):
            assert "X-RateLimit-Limit-Minute" not in (await answer).headers
        assert sum(not task.done() for task in tasks) == 1
    await asyncio.wait(tasks)
