"""Names the service and the infrastructure must agree on, as plain data; it imports nothing of either.

Tests compare this file with app/settings.py on one side and with what infra emits on the other.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Variable(NamedTuple):
    """One environment variable. ``module`` is None for the core; ``default`` is None where it is required."""

    name: str
    default: str | None = None
    required: bool = False
    secret: bool = False
    module: str | None = None


SERVICE: Final = "slipway-service"
PORT: Final = 8000
USER_ID: Final = 10001
HEALTH_PATH: Final = "/health"
READINESS_PATH: Final = "/readiness"
LIVENESS_PATH: Final = "/liveness"
METRICS_PATH: Final = "/metrics"
PROBE_PATHS: Final = (HEALTH_PATH, READINESS_PATH, LIVENESS_PATH, METRICS_PATH)

ENVIRONMENTS: Final = ("development", "staging", "production")
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MODULES: Final = ("ledger", "dispatch")
ROLES: Final = ("admin", "user")

COMMAND: Final = ("python", "-m", "app.main")
MIGRATION_COMMAND: Final = ("python", "-m", "alembic", "upgrade", "head")
# Around a release: expand before the new version starts, contract when nothing of the old one runs any more.
# The one above does both, where only one version ever runs. They read the same variables.
EXPAND_COMMAND: Final = ("python", "-m", "app.migrate", "expand")
CONTRACT_COMMAND: Final = ("python", "-m", "app.migrate", "contract")
SMOKE_COMMAND: Final = ("python", "-m", "app.smoke")  # and the address; in the service's own environment
MIGRATION_VARIABLES: Final = ("DATABASE_URL", "LOG_LEVEL")

SECRET_LENGTH: Final = 32  # least characters of SECRET_KEY and DEV_TOKEN
PROBE_SECONDS: Final = 2.0  # the longest one check may take; probe time-outs must be longer
GRACEFUL_SECONDS: Final = 20  # in-flight requests may take this long after the drain
CLOSING_SECONDS: Final = 11  # at most, of a hanging database: jobs twice 3 s, events 3 s, connections 2 s
PROBE_CONNECTIONS: Final = 2  # of one replica beside its pool: probes answer when the pool is full
JOB_CONNECTIONS: Final = 4  # of one replica beside its pool: the job queue's own
# terminationGracePeriodSeconds must exceed DRAIN_SECONDS + GRACEFUL_SECONDS + CLOSING_SECONDS.

VARIABLES: Final = (
    Variable("ENVIRONMENT", "production"),
    Variable("HOST", "0.0.0.0"),  # noqa: S104  (a pod listens on its own address, which it does not know)
    Variable("PORT", str(PORT)),
    Variable("LOG_LEVEL", "INFO"),
    Variable("VERSION", "unknown"),
    Variable("MODULES", "ledger"),
    Variable("SECRET_KEY", required=True, secret=True),
    Variable("DEV_TOKEN", "", secret=True),  # development only
    Variable("ALLOWED_ORIGINS", ""),
    Variable("RATE_LIMIT_PER_MINUTE", "60"),
    Variable("RATE_LIMIT_PER_HOUR", "1000"),
    Variable("RATE_LIMIT_PER_DAY", "10000"),
    Variable("RATE_LIMIT_ROUTES", ""),  # PATH=MINUTE/HOUR/DAY separated by commas; the longest path wins
    Variable("RATE_LIMIT_BLOCK_AFTER", "30"),  # refusals within a minute until the principal is blocked
    Variable("RATE_LIMIT_BLOCK_SECONDS", "300"),
    Variable("RATE_LIMIT_WHEN_AWAY", "open"),  # open: requests pass while Redis is away; closed: 503
    Variable("IP_ALLOW_LIST", ""),  # networks; empty: everybody
    Variable("TRUSTED_PROXIES", ""),  # networks whose X-Forwarded-For is believed
    Variable("JWT_ISSUER", ""),
    Variable("JWT_AUDIENCE", ""),
    Variable("JWT_JWKS_URL", ""),
    Variable("JWT_JWKS_SECONDS", "3600"),  # how long fetched keys are used without asking again
    Variable("JWT_LEEWAY_SECONDS", "30"),  # how far clocks may differ
    Variable("JWT_ROLE_CLAIM", "role"),
    Variable("LOGIN_TOKEN_SECONDS", "3600"),
    Variable("CLERK_WEBHOOK_SECRET", "", secret=True),
    Variable("JOB_CONCURRENCY", "4"),  # jobs that one replica works on at the same time; 0: none
    Variable("JOB_STALLED_SECONDS", "30"),  # without a sign of life a job is taken over by another replica
    Variable("EVENT_RETENTION_DAYS", "30"),
    Variable("BODY_SECONDS", "30"),  # a request's body must have arrived in this time
    Variable("ENABLE_METRICS", "true"),
    Variable("ENABLE_HEALTH_CHECK", "true"),
    Variable("DRAIN_SECONDS", "5"),
    Variable("DATABASE_URL", required=True, secret=True),
    Variable("DATABASE_POOL_SIZE", "20"),
    Variable("DATABASE_MAX_OVERFLOW", "40"),
    Variable("DATABASE_POOL_TIMEOUT", "30"),
    Variable("DATABASE_POOL_RECYCLE", "3600"),
    Variable("REDIS_URL", required=True, secret=True),
    # OpenTelemetry's own names and forms. Traces are sent where an endpoint is set, by http/protobuf.
    Variable("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
    Variable("OTEL_EXPORTER_OTLP_HEADERS", "", secret=True),  # name=value separated by commas
    Variable("OTEL_TRACES_SAMPLER_ARG", "0.1"),  # share of the new traces that are sent, 0 to 1
    Variable("OTEL_SERVICE_NAME", SERVICE),
    Variable("OTEL_RESOURCE_ATTRIBUTES", ""),  # name=value separated by commas
    Variable("LEDGER_SUMMARY_TTL_SECONDS", "60", module="ledger"),
    Variable("LEDGER_GENERATE_CRON", "5 * * * *", module="ledger"),  # when due entries are made; UTC
    Variable("LEDGER_TIME_ZONE", "Asia/Seoul", module="ledger"),  # whose midnight ends a day
    Variable("DISPATCH_SUMMARY_TTL_SECONDS", "15", module="dispatch"),
)

METRICS: Final = {
    "api_requests_total": ("method", "endpoint", "status"),
    "api_response_seconds": ("method", "endpoint"),
    "api_requests_in_flight": (),
    "cache_operations_total": ("operation", "result"),
    "errors_total": ("error_code",),
    "events_dropped_total": (),
    "spans_dropped_total": (),
    "rate_limit_decisions_total": ("decision",),
    "llm_requests_total": ("provider", "outcome"),
    "batch_items_total": ("kind", "outcome"),
    "database_pool_connections": ("state",),
    "service_info": ("version", "environment"),
}

# code → (HTTP status, what it means). Ranges: 10xx requests, 11xx identity, 12xx database, 13xx cache,
# 14xx limits, 15xx the domain's rules, 16xx the service's own state.
ERROR_CODES: Final = {
    "ERR_1000": (500, "An unknown error; the trace id finds it in the log"),
    "ERR_1001": (422, "The request does not have the documented shape"),
    "ERR_1002": (404, "There is no such thing, or it belongs to somebody else"),
    "ERR_1003": (409, "The request contradicts what is stored"),
    "ERR_1004": (405, "The path exists, but not with this method"),
    "ERR_1005": (413, "The body is larger than the route allows"),
    "ERR_1006": (400, "The request cannot be read"),
    "ERR_1007": (408, "The request did not arrive in time"),
    "ERR_1100": (401, "No bearer token was sent"),
    "ERR_1101": (401, "The bearer token is not valid"),
    "ERR_1102": (403, "insufficient_permissions: the role does not allow this"),
    "ERR_1103": (403, "The client's address is not on the allow-list"),
    "ERR_1104": (401, "User name or password is wrong"),
    "ERR_1105": (401, "The webhook's signature is not valid"),
    "ERR_1106": (503, "The identity provider's keys cannot be fetched"),
    "ERR_1200": (503, "The database cannot be reached or refuses to work"),
    "ERR_1201": (503, "No database connection became free in time"),
    "ERR_1300": (503, "Redis is away, and the request may not be answered without it"),
    "ERR_1400": (429, "More requests than the rate limit allows"),
    "ERR_1401": (429, "Blocked for a while after too many refused requests"),
    "ERR_1500": (422, "The backup file was refused; nothing was imported"),
    "ERR_1501": (409, "The category is still in use"),
    "ERR_1502": (409, "Default categories cannot be changed"),
    "ERR_1503": (409, "The status cannot follow the present one; the allowed ones are listed"),
    "ERR_1504": (409, "Somebody else changed it in the meantime; read it again"),
    "ERR_1505": (409, "The vehicle or the driver is on another dispatch"),
    "ERR_1506": (409, "The batch job's status does not allow this"),
    "ERR_1507": (409, "Entries were made from the recurring transaction"),
    "ERR_1600": (503, "The replica is stopping; another one answers"),
}
