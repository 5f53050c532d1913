"""What the identity routes take and give."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from app.core.auth.passwords import LEAST_CHARACTERS, MOST_BYTES, acceptable
from app.core.auth.users import MAX_EMAIL, Role, account_email


def _acceptable(password: SecretStr) -> SecretStr:
    return SecretStr(acceptable(password.get_secret_value()))


class LoginToken(BaseModel):
    """RFC 6749 §5.1."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"access_token": "eyJhbGciOi…", "token_type": "bearer", "expires_in": 3600}
        }
    )
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds")


class AccountIn(BaseModel):
    """A local account to be made."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "example": {"email": "driver@example.com", "password": "a long enough sentence", "role": "user"}
        },
    )
    email: Annotated[str, AfterValidator(account_email)] = Field(max_length=MAX_EMAIL)
    password: Annotated[SecretStr, AfterValidator(_acceptable)] = Field(
        description=f"At least {LEAST_CHARACTERS} characters, at most {MOST_BYTES} bytes"
    )
    role: Role = Role.USER


class AccountOut(BaseModel):
    """A person as the service knows them."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "0b0f6f6c-7d5e-4a0e-9d1b-2f8d1f0f8a11",
                "clerk_user_id": "user_2bxfCJOe0Ocd8DNe9hFN3EXvfOu",
                "email": "alice@example.com",
                "role": "user",
                "created_at": "2026-01-15T10:30:00Z",
            }
        }
    )
    id: uuid.UUID
    clerk_user_id: str = Field(description="The identity provider's id, or our own: local:…")
    email: str = Field(description="Empty where the identity provider tells none")
    role: Role
    created_at: datetime


class ProviderEvent(BaseModel):
    """An event of the identity provider. ``timestamp`` is milliseconds since 1970."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
    type: str = Field(max_length=100)
    timestamp: int | None = Field(None, ge=0, le=10**14)
    data: dict[str, Any] = {}


class ProviderEmail(BaseModel):
    """One address of a person."""

    id: str = ""
    email_address: str = ""


class ProviderUser(BaseModel):
    """The parts of Clerk's User object that are read."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
    id: str = Field(pattern=r"^[\x21-\x7e]{1,255}$")
    email_addresses: list[ProviderEmail] = []
    primary_email_address_id: str | None = None
    banned: bool = False
    updated_at: int | None = Field(None, ge=0, le=10**14)

    @property
    def email(self) -> str:
        """The primary address, else the first, else ""."""
        chosen = [entry for entry in self.email_addresses if entry.id == self.primary_email_address_id]
        return next((entry.email_address for entry in chosen or self.email_addresses), "")
