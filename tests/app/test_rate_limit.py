"""The rate limit's script against an exact model, and what it keeps in Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.crc import key_slot

from app.core.auth.users import Identity
from app.core.rate_limit import PARTS, SCRIPT, RateLimiter
from app.core.redis import RedisLink
from tests.app.conftest import make_settings
from tests.app.redis_commands import commands
from tests.app.servers import RedisServer, wait_for

pytestmark = pytest.mark.integration
WINDOWS = (600, 3_600, 60_000)  # ms; PARTS divides each
# The script with its last argument for a clock. Everything else is what runs in production.
CLOCKED = SCRIPT.text.replace(
    "redis.call('TIME')", "{math.floor(ARGV[#ARGV] / 1000), ARGV[#ARGV] % 1000 * 1000}"
)
START = 1_800_000_000_000


@pytest.fixture(scope="module")
def client(redis: RedisServer) -> Iterator[Redis]:
    """A connection of the test's own."""
    with Redis.from_url(redis.address) as made:
        yield made


class Principal:
    """One principal with a clock that the test sets, and the log of what was let through."""

    def __init__(self, client: Redis, limits: tuple[int, ...]) -> None:
        self._script = client.register_script(CLOCKED)
        self.limits = limits
        self.now = START
        self.passed: list[int] = []
        tag = f"{{{uuid.uuid4().hex}}}"
        self.keys = [f"{tag}block", f"{tag}refusals", *(f"{tag}{window}" for window in WINDOWS)]

    def ask(self, at: int) -> list[int]:
        """The script's answer at this time."""
        answer: list[int] = self._script(self.keys, self.arguments(at))
        self.now = at
        if not answer[2]:
            self.passed.append(at)
        return answer

    def arguments(self, at: int) -> list[int]:
        """The script's arguments, and the time."""
        pairs = [part for pair in zip(WINDOWS, self.limits, strict=True) for part in pair]
        return [PARTS, 0, 1000, 60_000, *pairs, at]

    def within(self, milliseconds: float) -> int:
        """How many passed in the time before now, now included."""
        return sum(self.now - milliseconds < moment <= self.now for moment in self.passed)


def test_the_clock_of_the_model_is_in_the_script() -> None:
    assert SCRIPT.text.count("redis.call('TIME')") == 1
    assert SCRIPT.text != CLOCKED


@settings(max_examples=150)
@given(
    limits=st.tuples(st.integers(1, 6), st.integers(1, 10), st.integers(1, 20)),
    steps=st.lists(
        st.sampled_from((0, 1, 9, 10, 11, 55, 99, 300, 599, 600, 601, 610, 3_700, 61_000)), max_size=60
    ),
)
def test_what_passes_is_within_every_limit_and_what_is_refused_was_above_one(
    client: Redis, limits: tuple[int, ...], steps: list[int]
) -> None:
    principal = Principal(client, limits)
    for step in steps:
        refused = principal.ask(principal.now + step)[2] > 0
        for window, limit in zip(WINDOWS, limits, strict=True):
            assert principal.within(window) <= limit
        late = [window * (1 + 1 / PARTS) for window in WINDOWS]
        full = [principal.within(length) >= limit for length, limit in zip(late, limits, strict=True)]
        assert any(full) if refused else principal.passed[-1] == principal.now


@settings(max_examples=100)
@given(
    limits=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 8)),
    steps=st.lists(st.integers(0, 700), min_size=1, max_size=40),
)
def test_the_next_request_passes_when_it_was_told_to_and_not_a_millisecond_before(
    client: Redis, limits: tuple[int, ...], steps: list[int]
) -> None:
    principal = Principal(client, limits)
    for step in steps:
        wait = principal.ask(principal.now + step)[2]
        if wait:
            told = principal.now + wait
            assert principal.ask(told - 1)[2] == 1
            assert principal.ask(told)[2] == 0


@settings(max_examples=100)
@given(
    limits=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 8)),
    steps=st.lists(st.integers(0, 700), min_size=1, max_size=30),
)
def test_remaining_is_how_many_pass_now_and_grows_when_reset_says(
    client: Redis, limits: tuple[int, ...], steps: list[int]
) -> None:
    principal = Principal(client, limits)
    for step in steps:
        *_, minute, reset, _hour, _hour_reset, _day, _day_reset = principal.ask(principal.now + step)
        counted = principal.within(WINDOWS[0])
        assert limits[0] - principal.within(WINDOWS[0] * (1 + 1 / PARTS)) <= minute <= limits[0] - counted
        assert 0 < reset <= WINDOWS[0] + WINDOWS[0] / PARTS


def test_a_clock_that_is_set_back_a_little_forgets_nothing(client: Redis) -> None:
    principal = Principal(client, (2, 9, 9))
    assert [principal.ask(START + at)[2] > 0 for at in (500, 400, 300)] == [False, False, True]


def test_a_clock_that_is_set_back_far_locks_nobody_out(client: Redis) -> None:
    principal = Principal(client, (1, 1, 1))
    principal.ask(START)
    assert principal.ask(START - 10 * WINDOWS[-1])[2] == 0


def test_ten_thousand_requests_take_a_kilobyte_or_two(client: Redis) -> None:
    principal = Principal(client, (10**9, 10**9, 10**9))
    with client.pipeline(transaction=False) as pipeline:
        for number in range(10_000):
            pipeline.eval(CLOCKED, 5, *principal.keys, *map(str, principal.arguments(START + number * 7)))
        pipeline.execute()
    sizes = [client.memory_usage(key) or 0 for key in principal.keys[2:]]
    fields = [client.hlen(key) for key in principal.keys[2:]]
    assert max(fields) == PARTS + 1
    assert max(sizes) < 2_000


def test_every_key_expires_by_itself(client: Redis) -> None:
    principal = Principal(client, (1, 1, 1))
    principal.ask(START)
    for key, window in zip(principal.keys[2:], WINDOWS, strict=True):
        assert 0 < client.pttl(key) <= window * (1 + 1 / PARTS)
    wait_for(lambda: not client.exists(principal.keys[2]), "the shortest window's key is gone", 5)


def block_keys() -> list[str]:
    tag = f"{{{uuid.uuid4().hex}}}"
    return [f"{tag}block", f"{tag}refusals", f"{tag}minute"]


def test_a_block_begins_after_so_many_refusals_and_ends_by_itself(client: Redis) -> None:
    keys, arguments = block_keys(), [PARTS, 3, 400, 60_000, 60_000, 1]
    ask = client.register_script(SCRIPT.text)
    answers = [ask(keys, arguments) for _ in range(6)]
    assert [answer[:2] for answer in answers] == [[0, 0], [0, 0], [0, 0], [0, 1], [1, 0], [1, 0]]
    assert not client.exists(keys[1])  # the refusals are forgotten with the block
    wait_for(lambda: ask(keys, arguments)[0] == 0, "the block ends", 5)
    assert ask(keys, arguments)[:2] == [0, 0]  # refused again, counted from the beginning


def test_requests_of_a_blocked_principal_do_not_make_the_block_longer(client: Redis) -> None:
    keys, arguments = block_keys(), [PARTS, 1, 60_000, 60_000, 600, 1]
    ask = client.register_script(SCRIPT.text)
    ask(keys, arguments)
    first = ask(keys, arguments)
    waits = [ask(keys, arguments)[2] for _ in range(20)]
    assert 59_000 < first[2] <= 60_000
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] <= first[2]


def test_retry_after_of_a_block_is_the_limits_where_that_takes_longer(client: Redis) -> None:
    keys, arguments = block_keys(), [PARTS, 1, 300, 60_000, 60_000, 1]
    ask = client.register_script(SCRIPT.text)
    ask(keys, arguments)
    begun, blocked = ask(keys, arguments), ask(keys, arguments)
    assert begun[1] == 1
    assert blocked[0] == 1
    assert begun[2] > 50_000
    assert blocked[2] > 50_000


def test_nobody_is_blocked_where_the_setting_is_zero(client: Redis) -> None:
    keys, arguments = block_keys(), [PARTS, 0, 300, 60_000, 60_000, 1]
    ask = client.register_script(SCRIPT.text)
    assert {tuple(ask(keys, arguments)[:2]) for _ in range(50)} == {(0, 0)}
    assert not client.exists(*keys[:2])


@pytest.fixture
async def limiter(redis: RedisServer) -> AsyncIterator[RateLimiter]:
    """With a key of its own, so that nobody else's counters are met; 50 requests a minute."""
    link = RedisLink(redis.address)
    yield RateLimiter(
        link,
        make_settings(
            "postgresql://u:p@localhost/x",
            redis.address,
            secret_key=uuid.uuid4().hex,
            rate_limit_per_minute=50,
            rate_limit_routes=("/api/ask=10/100/1000",),
        ),
        {},
    )
    await link.close()


def scope(path: str = "/", client: str = "192.0.2.1", subject: str = "") -> dict[str, object]:
    identity = Identity(subject, "") if subject else None
    return {"path": path, "state": {"client": client, "identity": identity}}


async def test_of_many_requests_at_once_exactly_the_limit_passes(limiter: RateLimiter) -> None:
    verdicts = await asyncio.gather(*(limiter.check(scope()) for _ in range(200)))
    assert sum(verdict.refusal is None for verdict in verdicts) == 50


async def test_a_check_is_one_round_trip(limiter: RateLimiter, redis: RedisServer) -> None:
    await limiter.check(scope("/api/ask"))
    async with commands(redis.address) as seen:
        for _ in range(5):
            await limiter.check(scope("/api/ask"))
    assert seen.asked == ["EVALSHA"] * 5


async def test_a_redis_that_forgot_the_script_is_given_it_again(limiter: RateLimiter, client: Redis) -> None:
    await limiter.check(scope())
    client.script_flush()
    assert (await limiter.check(scope())).refusal is None


async def test_the_keys_of_a_principal_are_in_one_slot_and_name_nobody(
    limiter: RateLimiter, client: Redis
) -> None:
    before = set(client.keys("*rate*"))
    await limiter.check(scope("/api/ask", subject="user_2abc"))
    await limiter.check(scope("/api/ask", client="198.51.100.77"))
    made = [str(key) for key in set(client.keys("*rate*")) - before]
    assert len(made) == 12
    assert len({key_slot(key.encode()) for key in made}) == 2
    assert not [key for key in made if "user_2abc" in key or "198.51" in key]
