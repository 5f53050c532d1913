"""Section ``modules``: which the service runs. Section ``ledger``: that module's own values."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.base import Seconds, Section


class Module(StrEnum):
    """Which domain modules exist? The same names stand in the service's contract; a test compares the two."""

    LEDGER = "ledger"


class Ledger(Section):
    """The ledger module."""

    summary_ttl_seconds: Seconds = Field(60, description="Seconds a computed summary stays in the cache.")
