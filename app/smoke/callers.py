"""Who asks. The rate limit counts by identity, so each identity asks less than any limit of the stack."""

from __future__ import annotations

import time
from collections.abc import Iterable

from app.core.auth.tokens import checks_token
from app.core.module import Module
from app.core.values import Limits, route_limits
from app.settings import Settings


class Callers:
    """Tokens, one after the other. All of them are the same nobody; only their counters differ, which Redis
    forgets after a day."""

    def __init__(self, settings: Settings, modules: Iterable[Module]) -> None:
        self._settings = settings
        self._most = least_limit(settings, modules)
        self._token, self._left, self._until = "", 0, 0.0

    def token(self) -> str:
        """For the next request: the present token, or a new one before its limit or its time is used up."""
        if not self._left or time.monotonic() >= self._until:
            self._token, self._left = checks_token(self._settings), self._most
            self._until = time.monotonic() + self._settings.login_token_seconds / 2
        self._left -= 1
        return self._token


def least_limit(settings: Settings, modules: Iterable[Module]) -> int:
    """Requests that no window of any limit refuses: the stack's, its routes' and the modules'."""
    general = Limits(
        settings.rate_limit_per_minute, settings.rate_limit_per_hour, settings.rate_limit_per_day
    )
    of_modules = (limits for module in modules for limits in module.rate_limits.values())
    return min(map(min, (general, *of_modules, *route_limits(settings.rate_limit_routes).values())))
