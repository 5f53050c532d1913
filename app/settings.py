"""The service's settings from the environment; every problem at once, and never a secret's value."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app import contract
from app.core.problems import MisconfiguredError, Problem

PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "your-secret",
    "your_secret",
    "secret-key",
    "secret_key",
    "example",
    "placeholder",
    "password",
    "insecure",
)
LOG_LEVELS = contract.LOG_LEVELS
LEAST_MASKED = 6  # shorter values would mask innocent words
LEAST_DISTINCT = 8  # "aaaa…" is long enough and still no secret
Names = Annotated[tuple[str, ...], NoDecode]
Model = TypeVar("Model", bound=BaseSettings)


class EnvironmentSettings(BaseSettings):
    """Base of the core's and the modules' settings: an empty variable counts as not set."""

    model_config = SettingsConfigDict(
        frozen=True, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, validate_default=True
    )


class Settings(EnvironmentSettings):
    """The core's settings (C8). Times in seconds. Fields that others depend on come first."""

    environment: Literal["development", "staging", "production"] = "production"
    host: str = "0.0.0.0"  # noqa: S104  (a pod listens on its own address, which it does not know)
    port: int = Field(contract.PORT, ge=1, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    version: str = Field("unknown", max_length=128)
    modules: Names = ("ledger",)
    secret_key: SecretStr
    dev_token: SecretStr = SecretStr("")
    allowed_origins: Names = ()
    rate_limit_per_minute: int = Field(60, ge=1, le=1_000_000)
    rate_limit_per_hour: int = Field(1000, ge=1, le=100_000_000)
    enable_metrics: bool = True
    enable_health_check: bool = True
    drain_seconds: float = Field(5, ge=0, le=300)
    database_url: SecretStr
    database_pool_size: int = Field(20, ge=1, le=1000)
    database_max_overflow: int = Field(40, ge=0, le=1000)
    database_pool_timeout: float = Field(30, gt=0, le=300)
    database_pool_recycle: int = Field(3600, ge=60, le=86_400)
    redis_url: SecretStr

    @field_validator("modules", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("modules")
    @classmethod
    def _known_modules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in contract.MODULES]
        if unknown:
            raise ValueError(
                f"{', '.join(map(repr, unknown))} is no module; known: {', '.join(contract.MODULES)}"
            )
        return tuple(dict.fromkeys(value))

    @field_validator("allowed_origins")
    @classmethod
    def _strict_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [origin for origin in value if not re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?", origin)]
        if wrong:
            raise ValueError(f"{', '.join(map(repr, wrong))} is no origin")
        return value

    @field_validator("secret_key")
    @classmethod
    def _strong_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get("environment") in {"staging", "production"}:
            refuse_weak(value.get_secret_value(), contract.SECRET_LENGTH)
        return value

    @field_validator("dev_token")
    @classmethod
    def _development_only(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        token = value.get_secret_value()
        if token and info.data.get("environment") in {"staging", "production"}:
            raise ValueError("is set, but ENVIRONMENT is not development")
        if token and len(token) < contract.SECRET_LENGTH:
            raise ValueError(f"has {len(token)} characters; at least {contract.SECRET_LENGTH} are needed")
        return value

    @field_validator("database_url", "redis_url")
    @classmethod
    def _address(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        schemes = {
            "database_url": ("postgresql", "postgres", "postgresql+asyncpg"),
            "redis_url": ("redis", "rediss", "unix"),
        }
        check_address(value.get_secret_value(), schemes[info.field_name or ""], info.data.get("environment"))
        return value

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not appear in a log: keys, whole addresses and the passwords inside them."""
        values = [self.secret_key.get_secret_value(), self.dev_token.get_secret_value()]
        for address in (self.database_url, self.redis_url):
            values += address_secrets(address.get_secret_value())
        return tuple(dict.fromkeys(value for value in values if len(value) >= LEAST_MASKED))


def address_secrets(address: str) -> tuple[str, ...]:
    """The address, and its password as it is written and as it is meant."""
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        password = ""
    return tuple(value for value in (address, password, unquote(password)) if len(value) >= LEAST_MASKED)


def refuse_weak(secret: str, least: int) -> None:
    """Raises ValueError where the secret is short, a placeholder or of too few different characters."""
    if len(secret) < least:
        raise ValueError(f"has {len(secret)} characters; at least {least} are needed")
    if is_placeholder(secret):
        raise ValueError("is a placeholder, not a secret")
    if len(set(secret)) < LEAST_DISTINCT:
        raise ValueError(f"has fewer than {LEAST_DISTINCT} different characters")


def is_placeholder(secret: str) -> bool:
    """Whether the text was copied from documentation rather than made."""
    return any(word in secret.lower() for word in PLACEHOLDERS)


def check_address(address: str, schemes: tuple[str, ...], environment: str | None) -> None:
    """Raises ValueError where the address has another scheme, no host or no port number, or a placeholder
    for a password outside development."""
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname or parts.path) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise ValueError("is no address") from None
    if parts.scheme not in schemes or not named:
        raise ValueError(f"is no address of the form {schemes[0]}://user:password@host:port/name")
    if (
        environment in {"staging", "production"}
        and parts.password
        and is_placeholder(unquote(parts.password))
    ):
        raise ValueError("holds a placeholder for a password")


REMEDIES = {
    "SECRET_KEY": "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    "DEV_TOKEN": "unset it, or set ENVIRONMENT=development and a token of at least 32 characters",
    "DATABASE_URL": "set postgresql://user:password@host:5432/name, with percent-encoded special characters",
    "REDIS_URL": "set redis://:password@host:6379/0, with percent-encoded special characters",
    "MODULES": f"list some of: {', '.join(contract.MODULES)}; separated by commas",
    "ALLOWED_ORIGINS": "list origins like https://app.example.com separated by commas; * is refused",
    "ENVIRONMENT": f"set one of: {', '.join(contract.ENVIRONMENTS)}",
    "LOG_LEVEL": f"set one of: {', '.join(contract.LOG_LEVELS)}",
}
DEFAULTS = {variable.name: variable.default for variable in contract.VARIABLES}
SECRETS = {variable.name for variable in contract.VARIABLES if variable.secret}


def read(model: type[Model]) -> tuple[Model | None, list[Problem]]:
    """The model from os.environ, or None and every problem of it, in the order of the fields."""
    try:
        return model(), []
    except ValidationError as error:
        return None, [_problem(entry) for entry in error.errors()]


def load() -> Settings:
    """The core's settings. Raises MisconfiguredError with every problem."""
    settings, problems = read(Settings)
    if settings is None:
        raise MisconfiguredError(problems)
    return settings


def _problem(entry: Any) -> Problem:
    name = str(entry["loc"][0]).upper()
    message = str(entry["msg"]).removeprefix("Value error, ")
    what = "is not set" if entry["type"] == "missing" else message[:1].lower() + message[1:]
    default = DEFAULTS.get(name)
    remedy = REMEDIES.get(name) or (f"unset it for the default {default}" if default else "set it")
    return Problem(name, what, remedy)
