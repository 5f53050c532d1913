"""Section ``modules``: which the service runs. Section ``ledger``: that module's own values."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.base import Seconds, Section


class Module(StrEnum):
    """Which domain modules may a service have? What the service of this version has is ``BUNDLED``."""

    LEDGER = "ledger"
    DISPATCH = "dispatch"
    CATALOG = "catalog"
    SUPPORT = "support"
    ASSISTANT = "assistant"


BUNDLED = frozenset({Module.LEDGER})  # the words of the service's contract; a test compares the two


class Ledger(Section):
    """The ledger module."""

    summary_ttl_seconds: Seconds = Field(60, description="Seconds a computed summary stays in the cache.")
