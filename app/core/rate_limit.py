"""How many requests a principal may make in a sliding minute, hour and day (C2); the script beside decides.

Each window is cut into PARTS parts, and Redis keeps a count for each part in which something was counted.
The error is bounded and on the safe side: never more than the limit passes in any window's length, and a
request is refused only where the limit was reached within (1 + 1/PARTS) windows. (The usual two counters
weighted by time, as in https://blog.cloudflare.com/counting-things-a-lot-of-different-things/, are smaller
but let nearly twice the limit pass when a burst ends one window and another follows.) A counter holds at
most PARTS + 1 fields and expires with its window.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

from starlette.types import Scope

from app import contract
from app.core.errors import BlockedError, RateLimitedError
from app.core.logs import logger
from app.core.redis import RedisLink, Script
from app.core.values import Limits, route_limits
from app.settings import Settings

PARTS = 60
WINDOWS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}  # ms
REFUSALS_WINDOW = WINDOWS["minute"]
EVERYTHING = ""  # the prefix of every path
LOGIN_PATH = "/api/v1/auth/login"
LOGIN_LIMITS = Limits(10, 100, 1000)  # guesses of a password that one address may make
NETWORK_BYTES = 8  # an IPv6 customer gets a /64 or more (RFC 6177), and with it every address inside
SCRIPT = Script(Path(__file__).with_suffix(".lua").read_text(encoding="utf-8"))
HEADERS = tuple(
    tuple(f"x-ratelimit-{word}-{window}".encode() for word in ("limit", "remaining", "reset"))
    for window in WINDOWS
)
log = logger(__name__)


class AwayWindow:
    """Counts in this process alone, in minutes that begin with a principal's first request: for the one thing
    that must never be without a limit. Of many principals the one that began first is forgotten."""

    def __init__(self, limit: int, principals: int = 1_000) -> None:
        self.limit = limit
        self._most = principals
        self._begun: dict[str, tuple[float, int]] = {}

    def wait(self, principal: str, now: float) -> int:
        """0, and it is counted; or the seconds until the next one passes."""
        begun, count = self._begun.get(principal, (now, 0))
        end = begun + WINDOWS["minute"] / 1000
        if now >= end:
            del self._begun[principal]
            begun, count = now, 0
        elif count >= self.limit:
            return math.ceil(end - now)
        if principal not in self._begun and len(self._begun) >= self._most:
            del self._begun[next(iter(self._begun))]
        self._begun[principal] = (begun, count + 1)
        return 0


class Rule(NamedTuple):
    """What holds for every path that begins with the prefix: the limits of its counters (the general ones
    first, then the route's own), the ends of their names, and what the script is told of them."""

    prefix: str
    limits: tuple[int, ...]
    names: tuple[bytes, ...]
    arguments: tuple[bytes, ...]


class Verdict(NamedTuple):
    """``refusal`` is None where the request may pass. ``headers`` belong on its answer in either case. With
    this request a block ``begun``."""

    refusal: RateLimitedError | BlockedError | None
    headers: list[tuple[bytes, bytes]]
    begun: bool = False


class RateLimiter:
    """Counts requests. Every request counts against the general limits; where a route has its own, the
    longest prefix is taken and the request counts against those too."""

    def __init__(self, link: RedisLink, settings: Settings, of_modules: Mapping[str, Limits]) -> None:
        """For the same prefix RATE_LIMIT_ROUTES wins over a module, and a module over the core."""
        self._link = link
        self._key = settings.secret_key.get_secret_value().encode()[: hashlib.blake2b.MAX_KEY_SIZE]
        self._block_after = settings.rate_limit_block_after
        self._block_seconds = settings.rate_limit_block_seconds
        general = Limits(
            settings.rate_limit_per_minute, settings.rate_limit_per_hour, settings.rate_limit_per_day
        )
        routes = {LOGIN_PATH: LOGIN_LIMITS, **of_modules, **route_limits(settings.rate_limit_routes)}
        block = (PARTS, self._block_after, self._block_seconds * 1000, REFUSALS_WINDOW)
        self._rules = rules(general, routes, block)
        self._logins = AwayWindow(routes[LOGIN_PATH].minute)

    async def check(self, scope: Scope) -> Verdict:
        """Counts the request, or refuses it without counting, in one round trip. Raises RedisAwayError."""
        path = scope["path"]
        rule = next(rule for rule in self._rules if covers(rule.prefix, path))
        principal = principal_of(scope, by_address=covers(LOGIN_PATH, path))
        base = self._base(principal)
        answer = await self._link.run(SCRIPT, [base + name for name in rule.names], rule.arguments)
        return self._verdict(principal, rule.limits, answer)

    def check_alone(self, scope: Scope) -> Verdict:
        """While Redis is away: only logins have a limit, this replica's own."""
        if not covers(LOGIN_PATH, scope["path"]):
            return Verdict(None, [])
        seconds = self._logins.wait(principal_of(scope, by_address=True), time.monotonic())
        if not seconds:
            return Verdict(None, [])
        refusal = RateLimitedError(window="minute", limit=self._logins.limit, retry_after=seconds)
        return Verdict(refusal, [(b"retry-after", b"%d" % seconds)])

    def _base(self, principal: str) -> bytes:
        """The beginning of a principal's keys: one hash tag, so that a cluster keeps them in one slot; hashed
        with a key, since identities and addresses are people's data."""
        text = principal.encode(errors="replace")
        tag = hashlib.blake2b(text, digest_size=16, key=self._key).hexdigest()
        return f"{contract.SERVICE}:rate:{{{tag}}}:".encode()

    def _verdict(self, principal: str, limits: tuple[int, ...], answer: list[int]) -> Verdict:
        blocked, begun, wait, refusing, *counters = answer
        if begun:
            kind, _, _ = principal.partition(":")
            log.warning("blocked after refused requests", principal=kind, seconds=self._block_seconds)
        headers = shown(limits, counters, bool(blocked))
        if not wait:
            return Verdict(None, headers)
        seconds = math.ceil(wait / 1000)
        headers.append((b"retry-after", b"%d" % seconds))
        if blocked:
            return Verdict(
                BlockedError(window="minute", limit=self._block_after, retry_after=seconds), headers
            )
        window = list(WINDOWS)[(refusing - 1) % len(WINDOWS)]
        limit = limits[refusing - 1]
        refusal = RateLimitedError(window=window, limit=limit, retry_after=seconds)
        return Verdict(refusal, headers, bool(begun))


def rules(general: Limits, routes: Mapping[str, Limits], block: tuple[int, ...]) -> tuple[Rule, ...]:
    """In the order in which they are tried, the longest prefix first and everything last. A slash at the end
    of a prefix means nothing."""
    made = []
    for prefix, own in {prefix.rstrip("/"): own for prefix, own in routes.items()}.items():
        names = (*counter_names(EVERYTHING), *counter_names(prefix + "/"))
        made.append(rule(prefix, (*general, *own), names, block))
    made.sort(key=lambda rule: len(rule.prefix), reverse=True)
    return (*made, rule(EVERYTHING, general, counter_names(EVERYTHING), block))


def rule(prefix: str, limits: tuple[int, ...], names: Iterable[str], block: tuple[int, ...]) -> Rule:
    """The rule with everything as bytes, once and for all requests."""
    pairs = zip(list(WINDOWS.values()) * len(limits), limits, strict=False)
    arguments = (*block, *(part for pair in pairs for part in pair))
    keys = tuple(name.encode() for name in ("block", "refusals", *names))
    return Rule(prefix, limits, keys, tuple(b"%d" % argument for argument in arguments))


def counter_names(prefix: str) -> Iterable[str]:
    """One name for each window."""
    return (f"{window}:{prefix}" for window in WINDOWS)


def shown(limits: Sequence[int], counters: list[int], blocked: bool) -> list[tuple[bytes, bytes]]:
    """X-RateLimit-{Limit,Remaining,Reset}-{Minute,Hour,Day} of the tighter of the general and the route's
    counter; Reset is the seconds until Remaining grows by itself."""
    headers = []
    for window, names in enumerate(HEADERS):
        ours = range(window, len(limits), len(HEADERS))
        tightest = min(ours, key=lambda index: (counters[2 * index], limits[index]))
        remaining, reset = counters[2 * tightest], math.ceil(counters[2 * tightest + 1] / 1000)
        figures = (limits[tightest], 0 if blocked else remaining, reset)
        headers += [(name, b"%d" % figure) for name, figure in zip(names, figures, strict=True)]
    return headers


def covers(prefix: str, path: str) -> bool:
    """Whether the path is the prefix or lies below it: /api/ask covers /api/ask/1 and not /api/asking."""
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def principal_of(scope: Scope, by_address: bool = False) -> str:
    """ "user:<subject>" of a valid token, else "address:<network>": an invalid token counts against the
    address, and so does every login, whatever token comes with it."""
    state = scope.get("state", {})
    identity = state.get("identity")
    if identity is not None and not by_address:
        return f"user:{identity.clerk_user_id}"
    return f"address:{network(state.get('client', ''))}"


@lru_cache(maxsize=4096)
def network(client: str) -> str:
    """An IPv4 address as it is, an IPv6 address's /64; anything else (a Unix socket) as it is."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return address.packed[:NETWORK_BYTES].hex() if isinstance(address, IPv6Address) else str(address)
