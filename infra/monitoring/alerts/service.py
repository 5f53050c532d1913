"""The service: gone, unhealthy, failing, slow, short of connections. Figures of the service itself and of
kube-state-metrics, which still knows a service of which nothing is left."""

from __future__ import annotations

from functools import partial

from infra.monitoring import needs
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.needs import Need
from infra.monitoring.promql import here, rate_window, users, window
from infra.settings.model import Settings

# O3: health fails three times. The kubelet asks every 5 s, so that one minute holds twelve answers.
HEALTH_FAILS = 3
HEALTH_SECONDS = 60
SILENT_SECONDS = 45  # three scrapes of 15 s
# O3: error rate > 10 % for 5 min.
ERROR_SHARE = 0.1
ERRORS_LAST_MINUTES = 5
# O3: p95 > 10 s, which is the last bound of the histogram. histogram_quantile() never says more than that
# bound, and `> 10` would be silent for ever: the share of slower requests is asked for instead.
SLOW_SECONDS = 10.0
SLOW_SHARE = 0.05
SLOW_WINDOW = "5m"
# Below it requests still find a connection at once; above it they begin to wait.
POOL_SHARE = 0.9
GONE = "1m"
_alert = partial(Alert, Part.SERVICE, Dashboard.SERVICE)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Where /metrics is switched off, only whether it is there."""
    if not needs.met(Need.FIGURES, settings):
        return (_down(settings),)
    return (
        _down(settings),
        _health_fails(settings),
        _errors(settings),
        _slow(settings),
        _pool_exhausted(settings),
        _events_dropped(settings),
    )


def available(settings: Settings) -> str:
    """How many replicas are ready of the Deployment that has the traffic."""
    deployment = here(settings, f'deployment="{settings.serving}"')
    return f"kube_deployment_status_replicas_available{deployment}"


def unhealthy(settings: Settings, *statuses: str) -> str:
    """Answers of the health check in the last minute, by replica; those of 5xx without ``statuses``."""
    chosen = here(settings, 'endpoint=~"/health|/readiness"', *(statuses or ('status=~"5.."',)))
    within = window(settings, HEALTH_SECONDS)
    return f"sum by (namespace, instance) (increase(api_requests_total{chosen}[{within}s]))"


def requests(settings: Settings, *matchers: str, within: str = "") -> str:
    """Requests of users per second, over the range ``within``."""
    span = within or rate_window(settings)
    return f"sum by (namespace) (rate(api_requests_total{users(settings, *matchers)}[{span}]))"


def error_share(settings: Settings, *matchers: str) -> str:
    """Share of the requests that end with 5xx; no value while none does."""
    failed = requests(settings, 'status=~"5.."', *matchers)
    return f"{failed} / {requests(settings, *matchers)}"


def slow_share(settings: Settings) -> str:
    """Share of the requests that take longer than SLOW_SECONDS."""
    within, all_ = users(settings, f'le="{SLOW_SECONDS}"'), users(settings)
    return (
        f"1 - sum by (namespace) (rate(api_response_seconds_bucket{within}[{SLOW_WINDOW}]))"
        f" / sum by (namespace) (rate(api_response_seconds_count{all_}[{SLOW_WINDOW}]))"
    )


def pool_in_use(settings: Settings) -> str:
    """Connections of each replica's pool that are in use."""
    used = here(settings, 'state="in_use"')
    return f"max by (namespace, instance) (database_pool_connections{used})"


def pool_most(settings: Settings) -> int:
    """From so many on requests begin to wait for a connection."""
    pool = settings.service.pool
    return max(1, int(POOL_SHARE * (pool.size + pool.max_overflow)))


def events_dropped(settings: Settings) -> str:
    """Events of the last quarter of an hour that were not stored."""
    return f"sum by (namespace) (increase(events_dropped_total{here(settings)}[15m]))"


def _down(settings: Settings) -> Alert:
    there = available(settings)
    return _alert(
        "ServiceDown",
        Severity.CRITICAL,
        # A deleted Deployment has no figure at all; while kube-state-metrics is away nothing is known.
        f"{there} == 0 or (absent({there}) unless on () absent(kube_node_info))",
        GONE,
        "No replica of the service is available",
        "For a minute no replica has been ready: every request is refused.",
        "slipway status STACK names what does not run and why",
    )


def _health_fails(settings: Settings) -> Alert:
    replicas = here(settings, 'part="service"')
    within, silent = window(settings, HEALTH_SECONDS), window(settings, SILENT_SECONDS, HEALTH_FAILS)
    # A draining replica says 503 on purpose, for as long as it drains, and is remembered for the window.
    lasts = within + settings.service.rollout.drain_seconds
    return _alert(
        "ServiceHealthFails",
        Severity.CRITICAL,
        f"{unhealthy(settings)} >= {HEALTH_FAILS}"
        f" or max by (namespace, instance) (max_over_time(up{replicas}[{silent}s])) == 0"
        f" and on (namespace, instance) max by (namespace, instance) (max_over_time(up{replicas}[1h])) == 1",
        f"{lasts}s",
        "A replica's health check fails",
        "{{ $labels.instance }} has said three times in a row that it is not healthy, or has not answered "
        "at all.",
        "slipway status STACK; the answer of /health names what is away",
    )


def _errors(settings: Settings) -> Alert:
    return _alert(
        "ServiceErrors",
        Severity.CRITICAL,
        f"{error_share(settings)} > {ERROR_SHARE}",
        f"{ERRORS_LAST_MINUTES}m",
        "The service answers with errors",
        "{{ $value | humanizePercentage }} of the requests have ended with a status of 5xx for 5 minutes.",
        "slipway status STACK; /api/monitoring/events lists the errors by code",
    )


def _slow(settings: Settings) -> Alert:
    return _alert(
        "ServiceSlow",
        Severity.CRITICAL,
        f"{slow_share(settings)} > {SLOW_SHARE}",
        "1m",
        "The service is slow: the 95th percentile is above 10 s",
        "{{ $value | humanizePercentage }} of the requests take longer than 10 s, and 5 % may.",
        "slipway status STACK; the dashboard shows which endpoint",
    )


def _pool_exhausted(settings: Settings) -> Alert:
    pool = settings.service.pool
    return _alert(
        "ServicePoolExhausted",
        Severity.WARNING,
        f"{pool_in_use(settings)} >= {pool_most(settings)}",
        "5m",
        "A replica's pool of database connections is nearly used up",
        f"{{{{ $labels.instance }}}} uses {{{{ $value }}}} of {pool.size + pool.max_overflow} connections: "
        "requests wait for one, and are refused (ERR_1201) after service.pool.timeout_seconds.",
        "slipway explain STACK service.pool.size says what the pool is held against",
    )


def _events_dropped(settings: Settings) -> Alert:
    return _alert(
        "ServiceEventsDropped",
        Severity.WARNING,
        f"{events_dropped(settings)} > 0",
        "0s",
        "Errors were answered that nobody can look up",
        "{{ $value | humanize }} events of the last 15 minutes were not stored: the database was away or "
        "errors came faster than they could be written.",
        "slipway status STACK; the log still holds each of them under its trace id",
    )
