"""Passwords of those who only read figures, each derived from the password of what they read.

A stack needs no further secret for them, and who holds one learns nothing of what it was made from.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SALT = b"slipway monitoring v1"
BYTES = 32


def monitor_password(password: str) -> str:
    """HKDF-SHA-256 (RFC 5869) of the owner's or the cache's password: 43 characters."""
    return _derived(password, b"monitor")


def signing_key(password: str) -> str:
    """The same of the admin's password at Grafana: with it Grafana encrypts what it stores."""
    return _derived(password, b"grafana signing")


def _derived(secret: str, purpose: bytes) -> str:
    derived = HKDF(hashes.SHA256(), BYTES, SALT, purpose).derive(secret.encode())
    return base64.urlsafe_b64encode(derived).decode().rstrip("=")
