"""What admins see and forget of the cache."""

from __future__ import annotations

import signal

import httpx
import pytest

from app.core.cache.router import PATH
from app.core.context import Context
from tests.app.servers import RedisServer

pytestmark = pytest.mark.integration


async def text() -> str:
    return "value"


async def test_admins_see_hits_misses_rate_and_size(
    admin: httpx.AsyncClient, context: Context, redis: RedisServer
) -> None:
    redis.empty()
    assert (await admin.get(PATH)).json() == {"hits": 0, "misses": 0, "hit_rate": 0.0, "size": 0}
    for _ in range(4):
        await context.cache.get_or_compute("test:a", 60, text)
    assert (await admin.get(PATH)).json() == {"hits": 3, "misses": 1, "hit_rate": 0.75, "size": 1}


async def test_admins_forget_by_prefix(admin: httpx.AsyncClient, context: Context) -> None:
    for key in ("test:b:1", "test:b:2", "test:bb"):
        await context.cache.get_or_compute(key, 60, text)
    answer = await admin.delete(PATH, params={"prefix": "test:b:"})
    assert answer.json() == {"prefix": "test:b:", "values": 2}
    for prefix in ("\0", "\xff", "]", "(", "서울", "\U0001f600"):
        assert (await admin.delete(PATH, params={"prefix": prefix})).json()["values"] == 0


@pytest.mark.parametrize("prefix", [None, "", "x" * 501])
async def test_a_prefix_must_be_named(admin: httpx.AsyncClient, prefix: str | None) -> None:
    answer = await admin.delete(PATH, params={} if prefix is None else {"prefix": prefix})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "ERR_1001")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_others_are_refused(
    alice: httpx.AsyncClient, anonymous: httpx.AsyncClient, method: str
) -> None:
    answers = [await client.request(method, PATH, params={"prefix": "x"}) for client in (alice, anonymous)]
    assert [(answer.status_code, answer.json()["error_code"]) for answer in answers] == [
        (403, "ERR_1102"),
        (401, "ERR_1100"),
    ]


@pytest.mark.own_servers
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_admin_is_told_that_redis_is_away(
    admin: httpx.AsyncClient, redis: RedisServer, method: str
) -> None:
    redis.send(signal.SIGSTOP)
    try:
        answer = await admin.request(method, PATH, params={"prefix": "x"})
    finally:
        redis.send(signal.SIGCONT)
    assert (answer.status_code, answer.json()["error_code"]) == (503, "ERR_1300")
    assert answer.headers["Retry-After"] == "5"
