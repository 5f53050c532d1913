"""The cache (C4). It only ever saves work: with Redis away every caller gets a computed value.

One caller computes a missing value; the others of this process share its task, those of other replicas wait
for it a short while. Whoever computes holds a fence from before the computation, and an invalidation takes
the fence away: what was computed from data of before an invalidation is never stored. Where Redis did not
get an invalidation, a value may be old until its time to live ends: that is the bound.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import TypeAdapter

from app import contract
from app.core.cache import scripts
from app.core.logs import logger
from app.core.metrics import Metrics
from app.core.redis import RedisAwayError, RedisLink, Script

CLAIM_SECONDS = 30  # what takes longer to compute is not stored
WAIT_SECONDS = 1.0  # then a waiting caller computes too: whoever began may have died
POLL_SECONDS = 0.02
PREFIX = f"{contract.SERVICE}:{{cache}}:"  # one hash tag: the scripts touch several keys
VALUES, CLAIMS = f"{PREFIX}value:", f"{PREFIX}claim:"
INDEX, ENDS, COUNTED = f"{PREFIX}index", f"{PREFIX}ends", f"{PREFIX}statistics"
AFTER = b"\xff"  # sorts after every letter of UTF-8
T = TypeVar("T")
log = logger(__name__)


class Statistics(NamedTuple):
    """Over all replicas, since Redis was emptied. ``size`` counts keys, those being computed too."""

    hits: int
    misses: int
    size: int


@dataclass(frozen=True)
class _Entry:
    """One key, how long its value lives, and how the value becomes bytes and back."""

    key: str
    seconds: int
    tags: tuple[str, ...]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]

    @property
    def names(self) -> tuple[bytes, bytes]:
        """The keys of value and claim in Redis."""
        return octets(VALUES + self.key), octets(CLAIMS + self.key)

    @property
    def members(self) -> tuple[bytes, ...]:
        """Its members of the index, the key's own first."""
        return (member_of_key(self.key), *(member_of_tag(tag) + octets(self.key) for tag in self.tags))

    def readable(self, value: bytes | None) -> bool:
        """Whether the value is one that this version of the service has written."""
        try:
            return value is not None and (self.decode(value), True)[1]
        except ValueError:
            return False


class _Found(NamedTuple):
    """``fence`` is None where Redis is away; ``mine``: this process has the claim."""

    value: bytes | None
    fence: bytes | None
    mine: bool


class Cache:
    """Values with a time to live, under this service's prefix."""

    def __init__(self, link: RedisLink, metrics: Metrics) -> None:
        self._link = link
        self._metrics = metrics
        self._computing: dict[tuple[str, bytes | int], asyncio.Task[bytes]] = {}
        self._asking: set[bytes] = set()  # fences of look-ups that are not answered yet
        self._epoch = 0  # stands for the fence while Redis is away

    async def get_or_compute(
        self, key: str, seconds: int, compute: Callable[[], Awaitable[str]], tags: Iterable[str] = ()
    ) -> str:
        """The cached text, else the computed one, which is then kept for ``seconds``. Raises only what
        ``compute`` raises. ``compute`` may serve several requests and outlive the one that began it."""
        text: str = await self._load(_Entry(key, seconds, tuple(tags), str.encode, bytes.decode), compute)
        return text

    async def get_or_compute_as(
        self,
        adapter: TypeAdapter[T],
        key: str,
        seconds: int,
        compute: Callable[[], Awaitable[T]],
        tags: Iterable[str] = (),
    ) -> T:
        """As ``get_or_compute``, for any type: kept as JSON, and a value that is not of the type is a miss.
        Everybody gets a copy, which is what the JSON holds also where it was just computed."""
        entry = _Entry(key, seconds, tuple(tags), adapter.dump_json, adapter.validate_json)
        value: T = await self._load(entry, compute)
        return value

    async def invalidate(self, prefix: str) -> int | None:
        """Forgets every key that begins with the prefix; how many values there were, None where Redis is
        away. Costs what is forgotten, not what is stored."""
        return await self._invalidate(member_of_key(prefix))

    async def invalidate_tag(self, tag: str) -> int | None:
        """Forgets every key that was stored with this tag; see ``invalidate``."""
        return await self._invalidate(member_of_tag(tag))

    async def invalidate_entity(self, kind: str, key: object) -> int | None:
        """Forgets whatever was made from one thing: the tag "<kind>:<key>"; see ``invalidate``."""
        return await self.invalidate_tag(f"{kind}:{key}")

    async def statistics(self) -> Statistics | None:
        """None where Redis is away."""
        bounds = (member_of_key(""), member_of_key("") + AFTER)
        while True:
            answer = await self._ask("stats", scripts.STATISTICS, (INDEX, ENDS, COUNTED), bounds)
            if answer is None:
                return None
            ended, hits, misses, size = answer
            if ended < scripts.BATCH:
                return Statistics(hits, misses, size)

    async def ping(self) -> None:
        """Raises RedisError or OSError where Redis does not answer; an answer ends the cool-down."""
        await self._link.ping()

    async def close(self) -> None:
        """Gives up what is being computed and closes the connections."""
        for task in list(self._computing.values()):
            task.cancel()
        await self._link.close()

    async def _load(self, entry: _Entry, compute: Callable[[], Awaitable[Any]]) -> Any:
        found = await self._look_up(entry)
        if found.value is not None and not entry.readable(found.value):
            found = await self._look_up(entry, give_up=True)
        if found.fence is not None or found.value is not None:
            self._metrics.cache("get", "miss" if found.value is None else "hit")
        if found.value is not None:
            return entry.decode(found.value)
        # Only what began after the last invalidation may be shared: the fence tells.
        share = (entry.key, self._epoch if found.fence is None else found.fence)
        task = self._computing.get(share)
        if task is None:
            task = self._computing[share] = asyncio.create_task(self._fill(entry, found, compute))
            task.add_done_callback(lambda done: self._forget(share, done))
        return entry.decode(await asyncio.shield(task))

    def _forget(self, share: tuple[str, bytes | int], task: asyncio.Task[bytes]) -> None:
        del self._computing[share]
        if not task.cancelled():
            task.exception()  # whoever waited has it; asyncio need not complain where nobody waits any more

    async def _fill(self, entry: _Entry, found: _Found, compute: Callable[[], Awaitable[Any]]) -> bytes:
        """The value as bytes: another replica's where it comes soon, else computed and stored."""
        if found.fence is not None and not found.mine:
            value = await self._other(entry, found.fence)
            if value is not None:
                self._metrics.cache("lock", "waited")
                return value
        try:
            made = entry.encode(await compute())
        except Exception:
            if found.fence is not None:
                await self._ask("lock", scripts.RELEASE, entry.names[1:], (found.fence,))
            raise
        if found.fence is not None:
            arguments = (found.fence, made, entry.seconds * 1000, *entry.members)
            await self._ask("set", scripts.STORE, (*entry.names, INDEX, ENDS), arguments)
        return made

    async def _other(self, entry: _Entry, fence: bytes) -> bytes | None:
        """What another replica stores within WAIT_SECONDS; None as soon as it has given up."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            await asyncio.sleep(POLL_SECONDS)
            answer = await self._ask("lock", scripts.PEEK, entry.names, ())
            value, claim = answer or (None, None)
            if entry.readable(value):
                return cast(bytes, value)
            if claim != fence:
                return None
        return None

    async def _look_up(self, entry: _Entry, give_up: bool = False) -> _Found:
        own = uuid.uuid4().hex.encode()
        arguments = (own, CLAIM_SECONDS * 1000, int(give_up), *entry.members)
        keys = (*entry.names, INDEX, ENDS, COUNTED)
        self._asking.add(own)
        try:
            answer = await self._ask("get", scripts.LOOK_UP, keys, arguments, count=False)
        finally:
            self._asking.discard(own)
        value, fence = (*(answer or ()), None, None)[:2]
        # Whoever got the claim may be answered after others here: they compute, and it joins them.
        return _Found(value, fence, fence == own or fence in self._asking)

    async def _invalidate(self, first: bytes) -> int | None:
        self._epoch += 1
        deleted = 0
        while True:
            arguments = (first, first + AFTER, VALUES, CLAIMS)
            answer = await self._ask("invalidate", scripts.INVALIDATE, (INDEX, ENDS), arguments)
            if answer is None:
                log.warning("cache not invalidated", bound="the time to live of what is cached")
                return None
            found, values = map(int, answer)
            deleted += values
            if found < scripts.BATCH:
                return deleted

    async def _ask(
        self,
        operation: str,
        script: Script,
        keys: Iterable[str | bytes],
        arguments: Iterable[Any],
        count: bool = True,
    ) -> Any:
        """The script's answer, None where Redis is away; counted unless the caller counts hit and miss."""
        try:
            answer = await self._link.run(script, tuple(keys), tuple(arguments))
        except RedisAwayError as error:
            self._metrics.cache(operation, "error" if error.asked else "skipped")
            return None
        if count:
            self._metrics.cache(operation, "ok")
        return answer


def member_of_key(key: str) -> bytes:
    """The index's member for a key, or the beginning of all members below a prefix."""
    return b"k\0" + octets(key)


def member_of_tag(tag: str) -> bytes:
    """The beginning of the index's members for a tag; the key follows."""
    return b"t\0" + octets(tag) + b"\0"


def octets(text: str) -> bytes:
    """UTF-8, and what UTF-8 cannot hold all the same: a key may be made of what somebody sent."""
    return text.encode("utf-8", "surrogatepass")
