"""The ledger's own settings."""

from __future__ import annotations

from zoneinfo import available_timezones

from croniter import croniter  # type: ignore[import-untyped]
from pydantic import Field, field_validator

from app.settings import EnvironmentSettings

CRON_FIELDS = 5


class LedgerSettings(EnvironmentSettings):
    """Seconds for which a computed summary may be kept (a write makes it unreachable at once anyway), when
    due entries are made (UTC), and the time zone whose midnight ends a day."""

    ledger_summary_ttl_seconds: int = Field(60, ge=1, le=86_400)
    ledger_generate_cron: str = "5 * * * *"
    ledger_time_zone: str = "Asia/Seoul"

    @field_validator("ledger_generate_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        if len(value.split()) != CRON_FIELDS or not croniter.is_valid(value):
            raise ValueError("is no cron expression of five fields")
        return value

    @field_validator("ledger_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("is no time zone of the IANA data base")
        return value
