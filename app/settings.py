"""The service's settings from the environment; every problem at once, and never a secret's value."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app import contract
from app.core import values
from app.core.problems import MisconfiguredError, Problem

LOG_LEVELS = contract.LOG_LEVELS
DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
LISTS = ("modules", "allowed_origins", "rate_limit_routes", "ip_allow_list", "trusted_proxies")
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
    rate_limit_per_day: int = Field(10_000, ge=1, le=1_000_000_000)
    rate_limit_routes: Names = ()
    rate_limit_block_after: int = Field(30, ge=0, le=1_000_000, description="0: nobody is blocked")
    rate_limit_block_seconds: int = Field(300, ge=1, le=86_400)
    rate_limit_when_away: Literal["open", "closed"] = "open"
    ip_allow_list: Names = ()
    trusted_proxies: Names = ()
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_jwks_url: str = ""
    jwt_jwks_seconds: int = Field(3600, ge=10, le=86_400)
    jwt_leeway_seconds: int = Field(30, ge=0, le=300)
    jwt_role_claim: str = Field("role", min_length=1, max_length=100)
    login_token_seconds: int = Field(3600, ge=60, le=86_400)
    clerk_webhook_secret: SecretStr = SecretStr("")
    job_concurrency: int = Field(4, ge=0, le=64)
    job_stalled_seconds: int = Field(30, ge=5, le=3600)
    event_retention_days: int = Field(30, ge=1, le=3650)
    body_seconds: float = Field(30, gt=0, le=600)
    enable_metrics: bool = True
    enable_health_check: bool = True
    drain_seconds: float = Field(5, ge=0, le=300)
    database_url: SecretStr
    database_pool_size: int = Field(20, ge=1, le=1000)
    database_max_overflow: int = Field(40, ge=0, le=1000)
    database_pool_timeout: float = Field(30, gt=0, le=300)
    database_pool_recycle: int = Field(3600, ge=60, le=86_400)
    redis_url: SecretStr
    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_headers: SecretStr = SecretStr("")
    otel_traces_sampler_arg: float = Field(0.1, ge=0, le=1)
    otel_service_name: str = Field(contract.SERVICE, min_length=1, max_length=100)
    otel_resource_attributes: str = ""

    @field_validator(*LISTS, mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return values.split(value)

    @field_validator("ip_allow_list", "trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return values.networks(value)

    @field_validator("rate_limit_routes")
    @classmethod
    def _route_limits(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        values.route_limits(value)
        return value

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
            values.refuse_weak(value.get_secret_value(), contract.SECRET_LENGTH)
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

    @field_validator("jwt_issuer")
    @classmethod
    def _foreign_issuer(cls, value: str) -> str:
        if value == contract.SERVICE:
            raise ValueError("is the issuer of the service's own tokens")
        return value

    @field_validator("jwt_jwks_url")
    @classmethod
    def _provider_whole(cls, value: str, info: ValidationInfo) -> str:
        trio = {name: info.data.get(name) for name in ("jwt_issuer", "jwt_audience")} | {
            info.field_name: value
        }
        missing = [str(name).upper() for name, part in trio.items() if part == ""]
        if 0 < len(missing) < len(trio):
            raise ValueError(f"makes an identity provider only together; not set: {', '.join(missing)}")
        if value:
            values.check_keys_url(value, info.data.get("environment"))
        return value

    @field_validator("clerk_webhook_secret")
    @classmethod
    def _webhook_secret(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            values.check_webhook_secret(value.get_secret_value())
        return value

    @field_validator("database_url", "redis_url")
    @classmethod
    def _address(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        schemes = {"database_url": DATABASE_SCHEMES, "redis_url": ("redis", "rediss", "unix")}
        values.check_address(
            value.get_secret_value(), schemes[info.field_name or ""], info.data.get("environment")
        )
        return value

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _collector(cls, value: str) -> str:
        if value:
            values.check_collector(value)
        return value

    @field_validator("otel_exporter_otlp_headers", "otel_resource_attributes")
    @classmethod
    def _pairs(cls, value: SecretStr | str) -> SecretStr | str:
        values.pairs(value.get_secret_value() if isinstance(value, SecretStr) else value)
        return value

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not appear in a log: keys, whole addresses and the passwords inside them."""
        known = [self.secret_key.get_secret_value(), self.dev_token.get_secret_value()]
        known.append(self.clerk_webhook_secret.get_secret_value())
        headers = self.otel_exporter_otlp_headers.get_secret_value()
        known += [headers, *values.pairs(headers).values()]
        for address in (self.database_url, self.redis_url):
            known += values.address_secrets(address.get_secret_value())
        return tuple(dict.fromkeys(value for value in known if len(value) >= values.LEAST_MASKED))


REMEDIES = {
    "SECRET_KEY": "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    "DEV_TOKEN": "unset it, or set ENVIRONMENT=development and a token of at least 32 characters",
    "DATABASE_URL": "set postgresql://user:password@host:5432/name, with percent-encoded special characters",
    "REDIS_URL": "set redis://:password@host:6379/0, with percent-encoded special characters",
    "MODULES": f"list some of: {', '.join(contract.MODULES)}; separated by commas",
    "ALLOWED_ORIGINS": "list origins like https://app.example.com separated by commas; * is refused",
    "RATE_LIMIT_ROUTES": "list limits like /api/ask=10/100/1000 separated by commas",
    "IP_ALLOW_LIST": "list networks like 10.0.0.0/8 separated by commas",
    "JWT_ISSUER": "set the iss claim of the identity provider's tokens",
    "JWT_JWKS_URL": "set JWT_ISSUER, JWT_AUDIENCE and an https JWT_JWKS_URL, or none of the three",
    "CLERK_WEBHOOK_SECRET": "copy the endpoint's signing secret whsec_… from the provider",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "set the collector's address for OTLP over HTTP, like http://collector:4318",
    "OTEL_EXPORTER_OTLP_HEADERS": "write name=value separated by commas, values percent-encoded",
    "OTEL_RESOURCE_ATTRIBUTES": "write name=value separated by commas, values percent-encoded",
    "TRUSTED_PROXIES": "list networks like 10.0.0.0/8 separated by commas",
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
