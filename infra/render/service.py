"""The service's environment: what stands in its ConfigMap, and which keys stand in its Secret."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from infra.settings.model import Settings
from infra.settings.modules import Module
from infra.settings.secrets import SecretName
from infra.settings.service import Service

PORT = 8000
HEALTH_PATH = "/health"
READINESS_PATH = "/readiness"
LIVENESS_PATH = "/liveness"
MIGRATION_COMMAND = ("python", "-m", "alembic", "upgrade", "head")
COMMAND = ("python", "-m", "app.main")
# The service again after every change of its code: Ctrl-C's signal, and SIGKILL 10 s later.
RELOAD_COMMAND = ("python", "-m", "watchfiles", "--filter", "python", "--sigint-timeout", "10")
PROBE_TIMEOUT_SECONDS = 3  # more than the 2 s that the service gives one of its own checks
DATABASE_URL = "DATABASE_URL"
REDIS_URL = "REDIS_URL"
SECRET_KEY = "SECRET_KEY"  # noqa: S105  a key, not a value
DEV_TOKEN = "DEV_TOKEN"  # noqa: S105
CLERK_WEBHOOK_SECRET = "CLERK_WEBHOOK_SECRET"  # noqa: S105
SECRET_VARIABLES = (DATABASE_URL, REDIS_URL, SECRET_KEY, DEV_TOKEN, CLERK_WEBHOOK_SECRET)
# Those a stack may do without: secret → its variable.
OPTIONAL_SECRETS: Mapping[SecretName, str] = MappingProxyType(
    {SecretName.DEV_TOKEN: DEV_TOKEN, SecretName.CLERK_WEBHOOK_SECRET: CLERK_WEBHOOK_SECRET}
)
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
        **_access(service),
        "JOB_CONCURRENCY": str(service.jobs.concurrency),
        "JOB_STALLED_SECONDS": str(service.jobs.stalled_seconds),
        "EVENT_RETENTION_DAYS": str(service.event_retention_days),
        "BODY_SECONDS": str(service.body_seconds),
        "ENABLE_METRICS": _word(service.enable_metrics),
        "ENABLE_HEALTH_CHECK": _word(service.enable_health_check),
        "DRAIN_SECONDS": str(service.rollout.drain_seconds),
        "DATABASE_POOL_SIZE": str(service.pool.size),
        "DATABASE_MAX_OVERFLOW": str(service.pool.max_overflow),
        "DATABASE_POOL_TIMEOUT": str(service.pool.timeout_seconds),
        "DATABASE_POOL_RECYCLE": str(service.pool.recycle_seconds),
        **_of_modules(settings),
    }


def _access(service: Service) -> dict[str, str]:
    """Rate limits, networks, tokens. What is empty counts as not set."""
    rates, auth = service.rate_limit, service.auth
    return {
        "RATE_LIMIT_PER_MINUTE": str(rates.per_minute),
        "RATE_LIMIT_PER_HOUR": str(rates.per_hour),
        "RATE_LIMIT_PER_DAY": str(rates.per_day),
        "RATE_LIMIT_ROUTES": ",".join(rates.routes),
        "RATE_LIMIT_BLOCK_AFTER": str(rates.block_after),
        "RATE_LIMIT_BLOCK_SECONDS": str(rates.block_seconds),
        "RATE_LIMIT_WHEN_AWAY": rates.when_away.value,
        "IP_ALLOW_LIST": ",".join(service.ip_allow_list),
        "TRUSTED_PROXIES": ",".join(service.trusted_proxies),
        "JWT_ISSUER": auth.issuer or "",
        "JWT_AUDIENCE": auth.audience or "",
        "JWT_JWKS_URL": auth.jwks_url or "",
        "JWT_JWKS_SECONDS": str(auth.jwks_seconds),
        "JWT_LEEWAY_SECONDS": str(auth.leeway_seconds),
        "JWT_ROLE_CLAIM": auth.role_claim,
        "LOGIN_TOKEN_SECONDS": str(auth.login_token_seconds),
    }


def _of_modules(settings: Settings) -> dict[str, str]:
    """The variables of the modules that the stack runs."""
    ledger, dispatch = settings.ledger, settings.dispatch
    variables = {
        Module.LEDGER: {
            "LEDGER_SUMMARY_TTL_SECONDS": str(ledger.summary_ttl_seconds),
            "LEDGER_GENERATE_CRON": ledger.generate_schedule,
            "LEDGER_TIME_ZONE": ledger.time_zone,
        },
        Module.DISPATCH: {"DISPATCH_SUMMARY_TTL_SECONDS": str(dispatch.summary_ttl_seconds)},
    }
    chosen = (variables.get(module, {}) for module in settings.modules)
    return {name: value for found in chosen for name, value in found.items()}


def migration_environment(settings: Settings) -> dict[str, str]:
    """What migrations read besides the owner's DATABASE_URL. Few, so that few changes run them again."""
    return {"LOG_LEVEL": settings.service.log_level.value}


def _word(value: bool) -> str:
    return "true" if value else "false"
