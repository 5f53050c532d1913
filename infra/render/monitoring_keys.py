"""Passwords of those who only read figures, each derived from the password of what they read.

A stack needs no further secret for them, and who holds one learns nothing of what it was made from.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infra.render import certificates
from infra.render.certificates import Certificate

SALT = b"slipway monitoring v1"
BYTES = 32


def monitor_password(password: str) -> str:
    """HKDF-SHA-256 (RFC 5869) of the owner's or the cache's password: 43 characters."""
    return _derived(password, b"monitor")


def signing_key(password: str) -> str:
    """The same of the admin's password at Grafana: with it Grafana encrypts what it stores."""
    return _derived(password, b"grafana signing")


def adapter_certificate(password: str, host: str) -> Certificate:
    """Of what tells autoscalers about requests, for ``host``, its name in the cluster."""
    serial = _bytes(password, f"adapter serial {host}".encode())[:16]
    return certificates.made(_bytes(password, b"adapter tls"), serial, host, "slipway monitoring")


def _derived(secret: str, purpose: bytes) -> str:
    return base64.urlsafe_b64encode(_bytes(secret, purpose)).decode().rstrip("=")


def _bytes(secret: str, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), BYTES, SALT, purpose).derive(secret.encode())
