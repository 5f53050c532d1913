"""The dispatch module's own settings."""

from __future__ import annotations

from pydantic import Field

from app.settings import EnvironmentSettings


class DispatchSettings(EnvironmentSettings):
    """Seconds for which a computed summary may be kept; a write makes it unreachable at once anyway."""

    dispatch_summary_ttl_seconds: int = Field(15, ge=1, le=86_400)
