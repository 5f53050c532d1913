"""Password hashes: Argon2id (RFC 9106) in few threads, so that a rush of logins has bounded memory."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.text import clean

LEAST_CHARACTERS = 12
MOST_BYTES = 1024
THREADS = 2
# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane. Two at once fit any pod's memory limit.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
NOBODY = HASHER.hash(secrets.token_urlsafe())  # checked where there is no account: the same time passes
POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")


def acceptable(password: str) -> str:
    """The password in NFC, so that one word typed on two systems is one word. Raises ValueError where it is
    shorter than twelve characters, longer than 1024 bytes, or holds control characters."""
    text = clean(password)
    if len(text) < LEAST_CHARACTERS:
        raise ValueError(f"must have at least {LEAST_CHARACTERS} characters")
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"must have at most {MOST_BYTES} bytes")
    return text


async def hashed(password: str) -> str:
    """The hash with its salt and parameters in PHC format."""
    return await asyncio.get_running_loop().run_in_executor(POOL, HASHER.hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the one of this hash; takes the same time where there is none."""
    same = await asyncio.get_running_loop().run_in_executor(POOL, _verify, stored or NOBODY, password)
    return same and stored is not None


def _verify(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
