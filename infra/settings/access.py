"""Below ``service``: who may call the service and how often: rate limits, networks, tokens."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_interface, ip_network
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from infra.settings.base import ListRule, Section, merged_by


def _network(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise PydanticCustomError("network", "is no address and no network") from None
    if network.network_address != ip_interface(text).ip:
        raise PydanticCustomError(
            "network", "names a host; its network is {network}", {"network": str(network)}
        )
    return text


COUNT = "[1-9][0-9]{0,8}"
Network = Annotated[
    str,
    Field(pattern=r"^[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?$", examples=["10.0.0.0/8"]),
    AfterValidator(_network),
]
RouteLimit = Annotated[
    str,
    Field(pattern=rf"^/[!-+\--<>-~]{{0,200}}={COUNT}/{COUNT}/{COUNT}$", examples=["/api/ask=10/100/1000"]),
]
HOST = "[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
HOST_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}"
Url = Annotated[str, Field(pattern=rf"^https?://{HOST}(:({HOST_PORT}))?(/[!-~]{{0,200}})?$")]


class WhenAway(StrEnum):
    """What becomes of requests while Redis, which counts them, is away?"""

    OPEN = "open"
    CLOSED = "closed"


class Limits(NamedTuple):
    """Requests in a sliding minute, hour and day."""

    per_minute: int
    per_hour: int
    per_day: int


class RateLimit(Section):
    """How many requests one client may make; a client is a user, or an address where nobody has logged in."""

    per_minute: int = Field(60, ge=1, le=1_000_000, description="Requests of one client in a sliding minute.")
    per_hour: int = Field(1000, ge=1, le=100_000_000, description="Requests of one client in a sliding hour.")
    per_day: int = Field(
        10_000, ge=1, le=1_000_000_000, description="Requests of one client in a sliding day."
    )
    routes: tuple[RouteLimit, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Limits of single paths and all below them, PATH=MINUTE/HOUR/DAY; the longest path wins.",
    )
    block_after: int = Field(
        30,
        ge=0,
        le=1_000_000,
        description="Refusals within a minute after which a client is blocked altogether; 0 blocks nobody.",
    )
    block_seconds: int = Field(
        300, ge=1, le=86_400, description="Seconds until a blocked client is released."
    )
    when_away: WhenAway = Field(
        WhenAway.OPEN,
        description="open lets requests pass uncounted while Redis is away; closed answers them with 503.",
    )

    @property
    def limits(self) -> Limits:
        """The three limits of every path that has none of its own."""
        return Limits(self.per_minute, self.per_hour, self.per_day)

    @property
    def of_routes(self) -> dict[str, Limits]:
        """Path → its own limits."""
        split = (route.rpartition("=") for route in self.routes)
        return {path: Limits(*map(int, counts.split("/"))) for path, _, counts in split}


class Auth(Section):
    """Bearer tokens: those of an identity provider (issuer, audience and jwks_url together), and its own."""

    issuer: Url | None = Field(
        None,
        description="Issuer whose RS256 tokens are accepted (iss); without it no provider's token is.",
        examples=["https://clerk.example.com"],
    )
    audience: str | None = Field(
        None,
        pattern=r"^[!-~]{1,200}$",
        description="Audience that a provider's token must name (aud): this API.",
        examples=["ledger-api"],
    )
    jwks_url: Url | None = Field(
        None,
        description="Address of the provider's public keys (JSON Web Key Set, RFC 7517).",
        examples=["https://clerk.example.com/.well-known/jwks.json"],
    )
    jwks_seconds: int = Field(
        3600, ge=10, le=86_400, description="Seconds for which fetched keys are used without asking again."
    )
    leeway_seconds: int = Field(
        30, ge=0, le=300, description="Seconds by which the provider's clock and ours may differ."
    )
    role_claim: str = Field(
        "role",
        pattern=r"^[!-~]{1,100}$",
        description="Claim of a token that holds the role, admin or user.",
        examples=["role"],
    )
    login_token_seconds: int = Field(
        3600, ge=60, le=86_400, description="Seconds for which a token of the service's own login is valid."
    )
    clerk_webhook: bool = Field(
        False,
        description="Whether Clerk's signed webhooks are taken; needs the secret clerkWebhookSecret.",
    )
