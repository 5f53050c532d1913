"""Rules on tracing: spans have somewhere to go, and a token goes there encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding
from infra.settings.service import Mode


def spans_have_an_address(settings: StackConfig) -> Iterator[Finding]:
    """Spans without a collector would be made and thrown away."""
    if settings.tracing.enabled and settings.tracing.endpoint is None:
        yield Finding(
            ("tracing", "enabled"),
            "true, and endpoint is missing: spans would have nowhere to go",
            "name the collector, for example http://collector.observability.svc:4318",
        )


def headers_travel_encrypted(settings: StackConfig) -> Iterator[Finding]:
    """Whoever can read a collector's token on its way can send spans of their own."""
    tracing, mode = settings.tracing, settings.service.environment
    if mode is not Mode.DEVELOPMENT and tracing.headers and (tracing.endpoint or "").startswith("http://"):
        yield Finding(
            ("tracing", "endpoint"),
            f"{tracing.endpoint} is not https, tracing.headers is true, and service.environment is {mode}",
            "use https, or a collector that wants no token: headers: false",
            also=(("tracing", "headers"), ("service", "environment")),
        )
