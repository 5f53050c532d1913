"""The provider's key set: fetched once, rotated without a restart, kept while the provider is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from app.core.auth.errors import KeysAwayError
from app.core.auth.jwks import FETCH_SECONDS, MAX_BYTES, PAUSE_SECONDS, KeySet, usable_keys
from app.core.auth.tokens import TokenVerifier
from tests.app.auth.conftest import Ask
from tests.app.auth.provider import Provider, jwk, private_key, token

pytestmark = pytest.mark.integration
KEEP = 3600.0


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(provider: Provider, clock: Clock) -> AsyncIterator[KeySet]:
    provider.gate.set()
    yield KeySet(provider.url, KEEP, clock)


async def test_keys_are_fetched_once_for_many_tokens(verifier: TokenVerifier, provider: Provider) -> None:
    found = await asyncio.gather(*(verifier.identify(token(sub=f"user_{n}")) for n in range(50)))
    assert all(found)
    assert provider.requests == 1


async def test_a_new_key_counts_without_a_restart(keys: KeySet, provider: Provider, clock: Clock) -> None:
    assert await keys.key("first") is not None
    provider.publish("first", "second")
    clock.now += PAUSE_SECONDS
    second = await keys.key("second")
    assert second is not None
    assert second.public_numbers() == private_key("second").public_key().public_numbers()
    assert provider.requests == 2


async def test_a_key_that_is_taken_back_counts_no_more(
    keys: KeySet, provider: Provider, clock: Clock
) -> None:
    assert await keys.key("first") is not None
    provider.publish("second")
    clock.now += KEEP
    assert await keys.key("first") is None
    assert await keys.key("second") is not None


async def test_a_flood_of_unknown_ids_asks_once_in_a_pause(
    keys: KeySet, provider: Provider, clock: Clock
) -> None:
    assert await keys.key("first") is not None
    for _ in range(3):
        clock.now += PAUSE_SECONDS
        found = await asyncio.gather(*(keys.key(f"unknown-{n}") for n in range(200)))
        assert set(found) == {None}
    assert provider.requests == 4
    clock.now += PAUSE_SECONDS - 1
    assert await keys.key("unknown") is None
    assert provider.requests == 4


async def test_old_keys_are_used_while_the_provider_is_away(
    keys: KeySet, provider: Provider, clock: Clock
) -> None:
    assert await keys.key("first") is not None
    provider.stop()
    clock.now += 10 * KEEP
    assert await keys.key("first") is not None
    assert await keys.key("second") is None
    provider.publish("second")
    provider.start()
    clock.now += PAUSE_SECONDS
    assert await keys.key("second") is not None


async def test_a_known_key_does_not_wait_for_a_provider_that_failed(
    keys: KeySet, provider: Provider, clock: Clock
) -> None:
    assert await keys.key("first") is not None
    provider.status = 503
    clock.now += KEEP
    assert await keys.key("first") is not None
    provider.gate.clear()
    clock.now += PAUSE_SECONDS
    async with asyncio.timeout(FETCH_SECONDS / 2):
        assert await keys.key("first") is not None
        assert await keys.key("first") is not None
    provider.gate.set()


async def test_without_any_key_the_answer_is_503_and_the_provider_is_left_alone_for_a_while(
    keys: KeySet, provider: Provider, clock: Clock
) -> None:
    provider.status = 500
    for _ in range(5):
        with pytest.raises(KeysAwayError):
            await keys.key("first")
    assert provider.requests == 1
    provider.status = 200
    clock.now += PAUSE_SECONDS
    assert await keys.key("first") is not None


async def test_the_route_answers_503_while_keys_cannot_be_fetched(ask: Ask, provider: Provider) -> None:
    provider.stop()
    answer = await ask(token()).get("/auth/me")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "ERR_1106")
    assert answer.headers["retry-after"] == "5"
    provider.start()


async def test_a_client_that_hangs_up_does_not_end_the_fetch_for_others(
    keys: KeySet, provider: Provider
) -> None:
    provider.gate.clear()
    first, second = (asyncio.create_task(keys.key("first")) for _ in range(2))
    async with asyncio.timeout(FETCH_SECONDS):
        while not provider.requests:
            await asyncio.sleep(0.01)
    first.cancel()
    provider.gate.set()
    assert await second is not None
    assert provider.requests == 1
    assert first.cancelled()


async def test_a_provider_that_says_nothing_is_waited_for_a_bounded_time(
    keys: KeySet, provider: Provider
) -> None:
    provider.gate.clear()
    async with asyncio.timeout(FETCH_SECONDS + 2):
        with pytest.raises(KeysAwayError):
            await keys.key("first")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [1, null, "x"]}',
        b'{"keys": [' + b" " * MAX_BYTES + b"]}",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=["empty", "text", "list", "no list", "no key", "no objects", "huge", "bytes", "deep"],
)
async def test_an_answer_that_is_no_key_set_is_a_failure_and_changes_nothing(
    keys: KeySet, provider: Provider, clock: Clock, body: bytes
) -> None:
    assert await keys.key("first") is not None
    provider.body = body
    clock.now += KEEP
    assert await keys.key("first") is not None


def private() -> dict[str, Any]:
    return json.loads(RSAAlgorithm.to_jwk(private_key("first"))) | {"kid": "private"}  # type: ignore[no-any-return]


SYMMETRIC = {"kty": "oct", "kid": "mac", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "alg": "HS256"}
PASSED_OVER: dict[str, Callable[[], Any]] = {
    "symmetric": lambda: SYMMETRIC,
    "for encryption": lambda: jwk("second", use="enc"),
    "for another algorithm": lambda: jwk("second", alg="RS512"),
    "without an id": lambda: jwk("second", kid=None),
    "with a number for an id": lambda: jwk("second", kid=7),
    "private": private,
    "broken": lambda: jwk("second", n="!"),
    "without a modulus": lambda: jwk("second", n=None),
    "short": lambda: json.loads(RSAAlgorithm.to_jwk(private_key("short", 1024).public_key())) | {"kid": "s"},
    "no object": lambda: "key",
}


@pytest.mark.unit
@pytest.mark.parametrize("case", PASSED_OVER)
def test_a_key_that_cannot_sign_for_us_is_passed_over(case: str) -> None:
    assert list(usable_keys({"keys": [PASSED_OVER[case](), jwk("first")]})) == ["first"]


@pytest.mark.unit
def test_use_and_algorithm_may_be_left_out() -> None:
    assert list(usable_keys({"keys": [jwk("first", use=None, alg=None)]})) == ["first"]


async def test_a_token_of_a_taken_back_key_is_refused(verifier: TokenVerifier, provider: Provider) -> None:
    provider.publish("second")
    assert await verifier.identify(token("second")) is not None
    assert await verifier.identify(token("first")) is None
    assert jwt.get_unverified_header(token("first"))["kid"] == "first"
