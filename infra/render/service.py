"""The service's environment: what stands in its ConfigMap, and which keys stand in its Secret."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from infra.settings.model import Settings
from infra.settings.modules import Module
from infra.settings.secrets import SecretName

PORT = 8000
READINESS_PATH = "/readiness"
LIVENESS_PATH = "/liveness"
MIGRATION_COMMAND = ("python", "-m", "alembic", "upgrade", "head")
PROBE_TIMEOUT_SECONDS = 3  # more than the 2 s that the service gives one of its own checks
DATABASE_URL = "DATABASE_URL"
REDIS_URL = "REDIS_URL"
SECRET_KEY = "SECRET_KEY"  # noqa: S105  a key, not a value
DEV_TOKEN = "DEV_TOKEN"  # noqa: S105
SECRET_VARIABLES = (DATABASE_URL, REDIS_URL, SECRET_KEY, DEV_TOKEN)
# Of modules that are not bundled: an image of the team's own reads them, the service built here does not.
MODULE_SECRET_VARIABLES: Mapping[SecretName, str] = MappingProxyType(
    {SecretName.OPENAI_API_KEY: "OPENAI_API_KEY"}
)


def environment(settings: Settings, version: str) -> dict[str, str]:
    """Environment variables without secrets. ``version`` is what /health reports: the image's tag."""
    service = settings.service
    return {
        "HOST": "0.0.0.0",  # noqa: S104  a pod does not know its address before it starts
        "PORT": str(PORT),
        "ENVIRONMENT": service.environment.value,
        "LOG_LEVEL": service.log_level.value,
        "VERSION": version,
        "MODULES": ",".join(module.value for module in settings.modules),
        "ALLOWED_ORIGINS": ",".join(service.allowed_origins),
        "RATE_LIMIT_PER_MINUTE": str(service.rate_limit_per_minute),
        "RATE_LIMIT_PER_HOUR": str(service.rate_limit_per_hour),
        "ENABLE_METRICS": _word(service.enable_metrics),
        "ENABLE_HEALTH_CHECK": _word(service.enable_health_check),
        "DRAIN_SECONDS": str(service.rollout.drain_seconds),
        "DATABASE_POOL_SIZE": str(service.pool.size),
        "DATABASE_MAX_OVERFLOW": str(service.pool.max_overflow),
        "DATABASE_POOL_TIMEOUT": str(service.pool.timeout_seconds),
        "DATABASE_POOL_RECYCLE": str(service.pool.recycle_seconds),
        **_of_modules(settings),
    }


def _of_modules(settings: Settings) -> dict[str, str]:
    """The variables of the modules that the stack runs."""
    if Module.LEDGER not in settings.modules:
        return {}
    return {"LEDGER_SUMMARY_TTL_SECONDS": str(settings.ledger.summary_ttl_seconds)}


def migration_environment(settings: Settings) -> dict[str, str]:
    """What migrations read besides the owner's DATABASE_URL. Few, so that few changes run them again."""
    return {"LOG_LEVEL": settings.service.log_level.value}


def _word(value: bool) -> str:
    return "true" if value else "false"
