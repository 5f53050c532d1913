"""The identity provider's public keys (RFC 7517): fetched when needed, kept while the provider is away."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.core.auth.errors import KeysAwayError
from app.core.logs import logger

ALGORITHM = "RS256"
FETCH_SECONDS = 3.0  # one whole attempt
PAUSE_SECONDS = 5.0  # between two attempts, whatever tokens come: the provider is not hammered
MAX_BYTES = 256_000  # a set of a few keys has some kilobytes
LEAST_BITS = 2048  # RFC 7518 §3.3
Watch = Callable[[httpx.AsyncClient], None]  # puts something around a client's requests
log = logger(__name__)


class KeySet:
    """Keys by their ``kid``. One attempt at a time, shared by everybody who waits for it."""

    def __init__(
        self,
        url: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        watch: Watch | None = None,
    ) -> None:
        self._url = url
        self._watch = watch
        self._seconds = seconds
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched = self._tried = float("-inf")
        self._attempt: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> RSAPublicKey | None:
        """The key of this id, None where the provider has none. Keys older than ``seconds`` and unknown ids
        ask the provider first. Raises KeysAwayError where no keys were ever fetched."""
        if kid not in self._keys or self._clock() - self._fetched >= self._seconds:
            await self._refresh(wait=kid not in self._keys or self._fetched >= self._tried)
        if not self._keys:
            raise KeysAwayError
        return self._keys.get(kid)

    async def _refresh(self, *, wait: bool) -> None:
        """``wait`` is false for a known key whose provider failed the last time: it need not fail again."""
        if self._attempt is None and self._clock() - self._tried >= PAUSE_SECONDS:
            self._attempt = asyncio.create_task(self._fetch())
        if wait and self._attempt is not None:
            await asyncio.shield(self._attempt)  # one client's hanging up must not end it for the others

    async def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                found = usable_keys(json.loads(await _download(self._url, self._watch)))
            if not found:
                raise ValueError("no usable key")  # noqa: TRY301  (the same log line as any other failure)
            self._keys, self._fetched = found, self._tried
            log.info("identity provider's keys fetched", keys=len(found))
        except (httpx.HTTPError, OSError, ValueError, RecursionError) as error:
            log.warning(
                "identity provider's keys not fetched", reason=type(error).__name__, kept=len(self._keys)
            )
        finally:
            self._attempt = None


async def _download(url: str, watch: Watch | None) -> bytes:
    body = b""
    async with httpx.AsyncClient(timeout=FETCH_SECONDS) as client:
        if watch:
            watch(client)
        async with client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"status {response.status_code}")
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise ValueError("too large")
    return body


def usable_keys(document: Any) -> dict[str, RSAPublicKey]:
    """The RSA keys for RS256 signatures of a JWK set, by id; what is none is passed over. Raises ValueError
    where the document is no JWK set."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no JWK set")  # noqa: TRY004  (the content is wrong, not a caller's type)
    found = {}
    for entry in entries:
        key = _rsa_key(entry)
        if key is not None:
            found[entry["kid"]] = key
    return found


def _rsa_key(entry: Any) -> RSAPublicKey | None:
    """None for other types, uses and algorithms, keys without an id, private, short and broken ones."""
    fits = isinstance(entry, dict) and entry.get("kty") == "RSA" and isinstance(entry.get("kid"), str)
    if not fits or entry.get("use", "sig") != "sig" or entry.get("alg", ALGORITHM) != ALGORITHM:
        return None
    try:
        key = jwt.PyJWK(entry, ALGORITHM).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= LEAST_BITS else None
