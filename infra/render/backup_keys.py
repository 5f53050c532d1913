"""Every key of the backups, derived from the one secret ``backupKey``: the same words give the same keys.

Nothing here is random or dated: objects are named by their content, and an unchanged key changes none.
"""

from __future__ import annotations

import base64
import struct
from enum import StrEnum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from infra.render import certificates
from infra.render.certificates import Certificate

BYTES = 32
SALT = b"slipway backups 1"
PEM_WIDTH = 70  # OpenSSH's own


class User(StrEnum):
    """Who asks the store?"""

    ROOT = "root"
    WRITER = "writer"
    KEEPER = "keeper"
    READER = "reader"
    ARCHIVER = "archiver"  # PostgreSQL's own container: adds to the archive of its log
    PITR = "pitr"  # makes base backups beside it, and removes old ones


def signing_key(key: str) -> str:
    """What manifests are signed with: 64 hex digits."""
    return _derived(key, "signing").hex()


def recipient(key: str) -> str:
    """What dumps are encrypted for: OpenSSH's line of the public key, which age takes."""
    blob = _blob(_identity(key))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} slipway-backups\n"


def identity(key: str) -> str:
    """What dumps are decrypted with: the private key as OpenSSH writes it (PROTOCOL.key, openssh-key-v1).

    Written here, since the library's own writer puts a random number into it.
    """
    private = _identity(key)
    public, check = _blob(private), _derived(key, "identity-check")[:4]
    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    secret = check + check + public + _text(seed + _raw(private)) + _text(b"slipway-backups")
    secret += bytes(range(1, -len(secret) % 8 + 1))
    whole = b"openssh-key-v1\0" + _text(b"none") + _text(b"none") + _text(b"")
    whole += struct.pack(">I", 1) + _text(public) + _text(secret)
    encoded = base64.b64encode(whole).decode()
    lines = [encoded[start : start + PEM_WIDTH] for start in range(0, len(encoded), PEM_WIDTH)]
    return "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", ""])


def user_secret(key: str, user: User) -> str:
    """The secret access key of one of the store's users: 43 characters."""
    return base64.urlsafe_b64encode(_derived(key, f"store-{user}")).decode().rstrip("=")


def pitr_pass(key: str) -> str:
    """What the archive of the log is encrypted with: 64 hex digits."""
    return _derived(key, "pitr-pass").hex()


def pitr_id(key: str) -> str:
    """The name of the archive that the key reads, which tells nothing of it: 8 hex digits."""
    return _derived(key, "pitr-id").hex()[:8]


def store_certificate(key: str, host: str) -> Certificate:
    """The certificate of the store in the cluster for ``host``, its name there."""
    serial = _derived(key, f"store-serial {host}")[:16]
    return certificates.made(_derived(key, "store-tls"), serial, host, "slipway backups")


def _derived(key: str, purpose: str) -> bytes:
    """HKDF-SHA-256 (RFC 5869): who has one of the keys learns nothing of another."""
    return HKDF(hashes.SHA256(), BYTES, SALT, purpose.encode()).derive(key.encode())


def _identity(key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_derived(key, "identity"))


def _raw(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _blob(private: Ed25519PrivateKey) -> bytes:
    """The public key as SSH sends it (RFC 8709, 4)."""
    return _text(b"ssh-ed25519") + _text(_raw(private))


def _text(data: bytes) -> bytes:
    """SSH's string: its length and its bytes (RFC 4251, 5)."""
    return struct.pack(">I", len(data)) + data
