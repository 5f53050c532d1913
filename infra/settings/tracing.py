"""Section ``tracing``: whether the service's spans are sent, where to, and how many of them."""

from __future__ import annotations

from pydantic import Field

from infra.settings.access import HOST, HOST_PORT
from infra.settings.base import Section


class Tracing(Section):
    """Spans by OpenTelemetry. Off by default: there is no collector that every stack has."""

    enabled: bool = Field(False, description="Whether the service makes spans and sends them to endpoint.")
    endpoint: str | None = Field(
        None,
        pattern=rf"^https?://{HOST}(:({HOST_PORT}))?(/[A-Za-z0-9._~/-]{{0,200}})?$",
        description="Address of a collector that takes OTLP over HTTP with protobuf; /v1/traces is appended.",
        examples=["http://collector.observability.svc:4318"],
    )
    sample_ratio: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of the traces begun here that are sent; of a caller's trace the caller decides.",
    )
    headers: bool = Field(
        False,
        description="Whether the collector wants headers, for example a token: the secret otlpHeaders.",
    )

    @property
    def with_headers(self) -> bool:
        """Whether the stack must hold the secret."""
        return self.enabled and self.headers
