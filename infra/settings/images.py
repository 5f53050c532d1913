"""Section ``images``: where container images come from."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.base import Section

REPOSITORY = r"[a-z0-9][a-z0-9./_-]*(:[0-9]+/[a-z0-9./_-]+)?"
TAG = r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = r"@sha256:[0-9a-f]{64}"
REFERENCE = f"^{REPOSITORY}({TAG}({DIGEST})?|{DIGEST})$"


class Catalogue(StrEnum):
    """Where do the images come from? The words of infra/images.py; a test compares them."""

    PUBLIC = "public"
    SANDBOX = "sandbox"


class Images(Section):
    """The catalogue chooses PostgreSQL, Redis and, unless named here, the service."""

    catalogue: Catalogue = Field(
        Catalogue.PUBLIC, description="public: pinned tags of a registry; sandbox: built on this machine."
    )
    service: str | None = Field(
        None,
        pattern=REFERENCE,
        description="The service's image with a tag or digest; the catalogue's own by default.",
        examples=["registry.example/team/service:1.4.2"],
    )
    backups: str | None = Field(
        None,
        pattern=REFERENCE,
        description="The backups' image (infra/backups/Dockerfile) with a tag or digest; built here in the "
        "sandbox.",
        examples=["registry.example/team/backups:1.4.2"],
    )
