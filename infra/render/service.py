"""The service's environment: what stands in its ConfigMap, and which keys stand in its Secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from infra.paths import ROOT
from infra.settings.model import Settings
from infra.settings.modules import Module
from infra.settings.secrets import SecretName

PORT = 8000
HEALTH_PATH = "/health"
READINESS_PATH = "/readiness"
LIVENESS_PATH = "/liveness"
EXPAND, CONTRACT = "migrate", "contract"  # before a release has traffic, and once no older one is left
MIGRATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        EXPAND: ("python", "-m", "app.migrate", "expand"),
        CONTRACT: ("python", "-m", "app.migrate", "contract"),
    }
)
SMOKE_COMMAND = ("python", "-m", "app.smoke")
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
OTLP_ENDPOINT, OTLP_HEADERS = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"
SECRET_VARIABLES = (DATABASE_URL, REDIS_URL, SECRET_KEY, DEV_TOKEN, CLERK_WEBHOOK_SECRET, OTLP_HEADERS)
# Those a stack may do without: secret → its variable.
OPTIONAL_SECRETS: Mapping[SecretName, str] = MappingProxyType(
    {
        SecretName.DEV_TOKEN: DEV_TOKEN,
        SecretName.CLERK_WEBHOOK_SECRET: CLERK_WEBHOOK_SECRET,
        SecretName.OTLP_HEADERS: OTLP_HEADERS,
    }
)
# Of modules that are not bundled: an image of the team's own reads them, the service built here does not.
MODULE_SECRET_VARIABLES: Mapping[SecretName, str] = MappingProxyType(
    {SecretName.OPENAI_API_KEY: "OPENAI_API_KEY"}
)

# A migration's own revision and the one before it, as Alembic's template writes them.
REVISION = r'^revision = "(\w+)"\ndown_revision = (?:"(\w+)"|None)$'

# Variable → the key of a stack file whose value it carries.
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ENVIRONMENT": ("service", "environment"),
        "LOG_LEVEL": ("service", "log_level"),
        "MODULES": ("modules",),
        "ALLOWED_ORIGINS": ("service", "allowed_origins"),
        "RATE_LIMIT_PER_MINUTE": ("service", "rate_limit", "per_minute"),
        "RATE_LIMIT_PER_HOUR": ("service", "rate_limit", "per_hour"),
        "RATE_LIMIT_PER_DAY": ("service", "rate_limit", "per_day"),
        "RATE_LIMIT_ROUTES": ("service", "rate_limit", "routes"),
        "RATE_LIMIT_BLOCK_AFTER": ("service", "rate_limit", "block_after"),
        "RATE_LIMIT_BLOCK_SECONDS": ("service", "rate_limit", "block_seconds"),
        "RATE_LIMIT_WHEN_AWAY": ("service", "rate_limit", "when_away"),
        "IP_ALLOW_LIST": ("service", "ip_allow_list"),
        "TRUSTED_PROXIES": ("service", "trusted_proxies"),
        "JWT_ISSUER": ("service", "auth", "issuer"),
        "JWT_AUDIENCE": ("service", "auth", "audience"),
        "JWT_JWKS_URL": ("service", "auth", "jwks_url"),
        "JWT_JWKS_SECONDS": ("service", "auth", "jwks_seconds"),
        "JWT_LEEWAY_SECONDS": ("service", "auth", "leeway_seconds"),
        "JWT_ROLE_CLAIM": ("service", "auth", "role_claim"),
        "LOGIN_TOKEN_SECONDS": ("service", "auth", "login_token_seconds"),
        "JOB_CONCURRENCY": ("service", "jobs", "concurrency"),
        "JOB_STALLED_SECONDS": ("service", "jobs", "stalled_seconds"),
        "EVENT_RETENTION_DAYS": ("service", "event_retention_days"),
        "BODY_SECONDS": ("service", "body_seconds"),
        "ENABLE_METRICS": ("service", "enable_metrics"),
        "ENABLE_HEALTH_CHECK": ("service", "enable_health_check"),
        "DRAIN_SECONDS": ("service", "rollout", "drain_seconds"),
        "DATABASE_POOL_SIZE": ("service", "pool", "size"),
        "DATABASE_MAX_OVERFLOW": ("service", "pool", "max_overflow"),
        "DATABASE_POOL_TIMEOUT": ("service", "pool", "timeout_seconds"),
        "DATABASE_POOL_RECYCLE": ("service", "pool", "recycle_seconds"),
        OTLP_ENDPOINT: ("tracing", "endpoint"),
        "OTEL_TRACES_SAMPLER_ARG": ("tracing", "sample_ratio"),
        "LEDGER_SUMMARY_TTL_SECONDS": ("ledger", "summary_ttl_seconds"),
        "LEDGER_GENERATE_CRON": ("ledger", "generate_schedule"),
        "LEDGER_TIME_ZONE": ("ledger", "time_zone"),
        "DISPATCH_SUMMARY_TTL_SECONDS": ("dispatch", "summary_ttl_seconds"),
    }
)


def environment(settings: Settings, version: str) -> dict[str, str]:
    """Environment variables without secrets; a module's only where the stack runs it. An empty one counts as
    not set. ``version`` is what /health reports: the image's tag."""
    absent = {module.value for module in Module} - {module.value for module in settings.modules}
    off = {} if settings.tracing.enabled else {OTLP_ENDPOINT: ""}  # where it has an address, it traces
    place = settings.stack.environment
    return {
        "HOST": "0.0.0.0",  # noqa: S104  a pod does not know its address before it starts
        "PORT": str(PORT),
        "VERSION": version,
        "OTEL_SERVICE_NAME": settings.stack.team,
        # The second is what it was called until 2024, and what many collectors still look for.
        "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={place},deployment.environment={place}",
        **{name: _text(settings, key) for name, key in KEYS.items() if key[0] not in absent},
        **off,
    }


def _text(settings: Settings, key: tuple[str, ...]) -> str:
    """The value of a key as an environment variable has it."""
    value: Any = settings
    for part in key:
        value = getattr(value, part)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def migration_environment(settings: Settings) -> dict[str, str]:
    """What migrations read besides the owner's DATABASE_URL. Few, so that few changes run them again."""
    return {"LOG_LEVEL": settings.service.log_level.value}


@cache
def schema_head() -> str:
    """The newest revision of the bundled service's migrations: the one that no other follows."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "app/migrations/versions").glob("*.py")]
    known = {found[1]: found[2] for text in texts for found in re.finditer(REVISION, text, re.MULTILINE)}
    (head,) = known.keys() - known.values()
    return head
