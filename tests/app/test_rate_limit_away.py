"""The rate limit while Redis is unreachable, hangs, is full or takes no writes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
import structlog
from redis import Redis

from app.core import redis as link
from tests.app.limited import Make, code, limited_services
from tests.app.servers import Postgres, RedisServer, free_port, wait_for

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


async def test_a_redis_that_hangs_costs_one_short_wait_and_is_asked_again_after_the_rest(
    limited: Make, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "COOL_DOWN_SECONDS", 1.0)
    service = limited(rate_limit_per_minute=50)
    await service.get()
    with stopped(redis), structlog.testing.capture_logs() as logged:
        begun = time.monotonic()
        for _ in range(20):
            assert (await service.get()).status_code == 404
        took = time.monotonic() - begun
        assert service.decisions() == {"allowed": 1, "open": 20}
    assert link.OPERATION_SECONDS <= took < 2 * link.OPERATION_SECONDS + 1
    assert [line["event"] for line in logged if "redis" in line["event"]] == ["redis away"]
    end = time.monotonic() + 5
    while "X-RateLimit-Limit-Minute" not in (await service.get()).headers:
        assert time.monotonic() < end, "the limit is never back"


async def test_while_redis_hangs_one_request_at_a_time_finds_out(
    limited: Make, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "COOL_DOWN_SECONDS", 0.2)
    service = limited()
    with stopped(redis):
        await service.get()
        end = time.monotonic() + 0.25
        wait_for(lambda: time.monotonic() > end, "the rest is over", 5)
        begun = time.monotonic()
        await gather_quick(service.get, 10)
        first = time.monotonic() - begun
    assert first < link.OPERATION_SECONDS + 1


async def gather_quick(ask: Callable[[], Awaitable[httpx.Response]], times: int) -> None:
    """All but one of the requests do not wait for the one that finds out."""
    tasks = [asyncio.ensure_future(ask()) for _ in range(times)]
    done, waiting = await asyncio.wait(tasks, timeout=link.OPERATION_SECONDS / 2)
    assert (len(done), len(waiting)) == (times - 1, 1)
    await asyncio.wait(waiting)
