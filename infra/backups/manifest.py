"""The manifest beside a dump: written last, signed; a dump without one is no backup."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from infra.errors import UserError

FORMAT = 1
NAME = "manifest.json"
ID = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}$")
LARGEST = 16 << 20  # bytes; a manifest of ten thousand tables has two megabytes


class Kind(StrEnum):
    """What does a backup hold?"""

    DATABASE = "database"  # the daily dump
    FULL = "full"  # dump, cache, files and rendered configuration


@dataclass(frozen=True)
class Stored:
    """One object of a backup: its name below the backup's prefix, its bytes as stored and their SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Table:
    """A table as the dump's own snapshot saw it. ``keys``: SHA-256 over the primary keys in their order, as
    COPY writes them; empty for a table without a primary key."""

    name: str
    rows: int
    keys: str


@dataclass(frozen=True)
class Manifest:
    """Everything that a restore is measured by. ``created`` is the snapshot's time, UTC, ISO 8601."""

    id: str
    stack: str
    kind: Kind
    created: str
    seconds: float
    database: str
    server_version: str
    schema_revision: str
    compression: str
    encryption: str
    key: str
    objects: tuple[Stored, ...]
    tables: tuple[Table, ...]
    format: int = FORMAT

    @property
    def moment(self) -> datetime:
        """When the snapshot was taken."""
        return datetime.fromisoformat(self.created)

    @property
    def bytes(self) -> int:
        """All of its objects together."""
        return sum(stored.bytes for stored in self.objects)

    def object(self, beginning: str) -> Stored | None:
        """The object whose name begins so, or None: ``database.dump`` may have ``.zst.age`` behind it."""
        return next((stored for stored in self.objects if stored.name.startswith(beginning)), None)


def new_id(moment: datetime, chance: bytes) -> str:
    """``20261128T030000Z-5f3a9c01``: sorts by time, and two runs in one second differ."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{chance[:4].hex()}"


def key_id(signing_key: bytes) -> str:
    """Names a key without telling anything of it: 16 hex digits of its hash."""
    return hashlib.sha256(b"slipway backup key " + signing_key).hexdigest()[:16]


def signed(body: dict[str, Any], key: bytes) -> bytes:
    """The body as JSON with its HMAC-SHA-256 (RFC 2104) over the canonical text."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    whole = {**body, "signature": signature}
    return (json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def opened(where: str, data: bytes, key: bytes) -> dict[str, Any]:
    """The body of ``signed``. Raises UserError where it is no JSON, or not signed with this key."""
    try:
        body = json.loads(data)
        signature = body.pop("signature")
        made_with = body["key"]
    except (ValueError, AttributeError, KeyError, TypeError):
        raise UserError.of(where, "is damaged: no signed JSON", REMEDY) from None
    if made_with != key_id(key):
        what = f"was made with the key {made_with!r:.40}, and this stack has {key_id(key)}"
        raise UserError.of(where, what, "set the secret backupKey to the one it was made with")
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), str(signature).encode()):
        raise UserError.of(where, "its signature does not fit: somebody has changed it", REMEDY)
    return dict(body)


REMEDY = "take an older backup: slipway backup list names them; then find out who can write to the bucket"


def write(manifest: Manifest, key: bytes) -> bytes:
    """The file's bytes."""
    return signed(asdict(manifest), key)


def read(where: str, data: bytes, key: bytes) -> Manifest:
    """The manifest of the file's bytes. Raises UserError: damaged, forged, another key, a newer format."""
    body = opened(where, data, key)
    if body.get("format") != FORMAT:
        what = f"has format {body.get('format')!r}, and this version reads {FORMAT}"
        raise UserError.of(where, what, "use the version of slipway that made it")
    try:
        body["kind"] = Kind(body["kind"])
        body["objects"] = tuple(Stored(**stored) for stored in body["objects"])
        body["tables"] = tuple(Table(**table) for table in body["tables"])
        return Manifest(**body)
    except (KeyError, TypeError, ValueError):
        raise UserError.of(where, "its fields are not those of a manifest", REMEDY) from None
