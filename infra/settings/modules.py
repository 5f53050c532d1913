"""Section ``modules``: which the service runs. Sections ``ledger`` and ``dispatch``: their own values."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.base import Schedule, Seconds, Section, TimeZone


class Module(StrEnum):
    """Which domain modules may a service have? What the service of this version has is ``BUNDLED``."""

    LEDGER = "ledger"
    DISPATCH = "dispatch"
    CATALOG = "catalog"
    SUPPORT = "support"
    ASSISTANT = "assistant"


BUNDLED = frozenset(
    {Module.LEDGER, Module.DISPATCH}
)  # the words of the service's contract; a test compares the two


class Ledger(Section):
    """The ledger module."""

    summary_ttl_seconds: Seconds = Field(60, description="Seconds a computed summary stays in the cache.")
    generate_schedule: Schedule = Field(
        "5 * * * *",
        description="When entries that are due are made from recurring transactions; cron expression in UTC.",
    )
    time_zone: TimeZone = Field(
        "Asia/Seoul", description="Zone whose midnight ends a day, so that it decides what is due."
    )


class Dispatch(Section):
    """The dispatch module."""

    summary_ttl_seconds: Seconds = Field(
        15, description="Seconds a computed summary stays in the cache; short, since drivers move."
    )
