"""The service as its users meet it: rate, errors, duration, saturation."""

from __future__ import annotations

from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.alerts import certificates, service
from infra.monitoring.needs import Need
from infra.monitoring.panel import Board, Kind, Panel, Query, Row, Threshold, Unit, Variable
from infra.monitoring.promql import BETWEEN, here, or_zero, users
from infra.settings.model import Settings

REPLICA = 'instance=~"$instance"'
QUANTILES = {"median": 0.5, "95th percentile": 0.95, "99th percentile": 0.99}
MOST_LINES = 8  # more cannot be told apart


def board(settings: Settings) -> Board:
    """Whether it is there is known without /metrics; all else comes from the service itself."""
    return Board(
        Dashboard.SERVICE,
        "Service",
        "What users get: how much, how often wrong, how slowly, and what is short.",
        (
            Row("Now", (_replicas(settings), *_now(settings), _under_way(settings), _versions(settings))),
            Row("Rate and errors", _errors(settings)),
            Row("Duration", _durations(settings)),
            Row("Saturation", _saturation(settings)),
            Row("Around it", (*_refusals(settings), *_around(settings), _certificate(settings))),
        ),
        (Variable("instance", "Replica", "service_info", "instance"),),
    )


def quantile(settings: Settings, share: float, *matchers: str, by: str = "") -> str:
    """Seconds within which this share of the requests was answered."""
    chosen, groups = users(settings, *matchers), f"{by}, le" if by else "le"
    rate = f"rate(api_response_seconds_bucket{chosen}[{BETWEEN}])"
    return f"histogram_quantile({share}, sum by ({groups}) ({rate}))"


def _replicas(settings: Settings) -> Panel:
    return Panel(
        "service-replicas",
        "Replicas that are ready",
        Unit.NUMBER,
        (Query(service.available(settings), "ready"),),
        "0: every request is refused.",
        Kind.STAT,
        (Threshold(1, Severity.CRITICAL, below=True),),
        ("ServiceDown",),
    )


def _now(settings: Settings) -> tuple[Panel, ...]:
    share = or_zero(service.error_share(settings), service.requests(settings))
    return (
        Panel(
            "service-requests-now",
            "Requests",
            Unit.REQUESTS,
            (Query(service.requests(settings), "requests"),),
            "Of users, without probes.",
            Kind.STAT,
            need=Need.FIGURES,
        ),
        Panel(
            "service-errors-now",
            "Share of errors",
            Unit.SHARE,
            (Query(share, "errors"),),
            "Requests that ended with 5xx.",
            Kind.STAT,
            (Threshold(service.ERROR_SHARE, Severity.CRITICAL),),
            need=Need.FIGURES,
        ),
        Panel(
            "service-p95-now",
            "95th percentile",
            Unit.SECONDS,
            (Query(quantile(settings, 0.95), "95th percentile"),),
            "19 of 20 requests are answered within it.",
            Kind.STAT,
            need=Need.FIGURES,
        ),
    )


def _under_way(settings: Settings) -> Panel:
    return Panel(
        "service-in-flight-now",
        "Requests under way",
        Unit.NUMBER,
        (Query(f"sum by (namespace) (api_requests_in_flight{here(settings)})", "under way"),),
        "Begun and not ended, over all replicas; the scrape itself is one of each.",
        Kind.STAT,
        need=Need.FIGURES,
    )


def _versions(settings: Settings) -> Panel:
    return Panel(
        "service-versions",
        "Replicas by version",
        Unit.NUMBER,
        (Query(f"count by (version) (service_info{here(settings)})", "{{version}}"),),
        "Two versions stand here while one replaces the other.",
        Kind.STAT,
        need=Need.FIGURES,
    )


def _errors(settings: Settings) -> tuple[Panel, ...]:
    by_status = f"sum by (status) (rate(api_requests_total{users(settings, REPLICA)}[{BETWEEN}]))"
    by_code = f"sum by (error_code) (rate(errors_total{here(settings, REPLICA)}[{BETWEEN}]))"
    share = or_zero(service.error_share(settings), service.requests(settings))
    return (
        Panel(
            "service-requests",
            "Requests by status",
            Unit.REQUESTS,
            (Query(by_status, "{{status}}"),),
            "What was answered, by HTTP status.",
            Kind.STACK,
            need=Need.FIGURES,
        ),
        Panel(
            "service-error-share",
            "Share of errors",
            Unit.SHARE,
            (Query(share, "5xx"),),
            "Requests that ended with 5xx, of all of users, in the alert's own window.",
            thresholds=(Threshold(service.ERROR_SHARE, Severity.CRITICAL),),
            alerts=("ServiceErrors",),
            need=Need.FIGURES,
        ),
        Panel(
            "service-error-codes",
            "Errors by code",
            Unit.PER_SECOND,
            (Query(by_code, "{{error_code}}"),),
            "Error bodies sent; docs/api.md says what each code means. No line: none was sent yet.",
            Kind.STACK,
            need=Need.FIGURES,
        ),
    )


def _durations(settings: Settings) -> tuple[Panel, ...]:
    slowest = f"topk({MOST_LINES}, {quantile(settings, 0.95, REPLICA, by='endpoint')})"
    return (
        Panel(
            "service-duration",
            "Duration of requests",
            Unit.SECONDS,
            tuple(Query(quantile(settings, share, REPLICA), name) for name, share in QUANTILES.items()),
            f"The histogram ends at {service.SLOW_SECONDS:g} s: longer ones are shown as that.",
            need=Need.FIGURES,
        ),
        Panel(
            "service-slow-share",
            f"Share of requests above {service.SLOW_SECONDS:g} s",
            Unit.SHARE,
            (Query(service.slow_share(settings), f"above {service.SLOW_SECONDS:g} s"),),
            "Above the line the 95th percentile is beyond the histogram.",
            thresholds=(Threshold(service.SLOW_SHARE, Severity.CRITICAL),),
            alerts=("ServiceSlow",),
            need=Need.FIGURES,
        ),
        Panel(
            "service-slowest",
            "Slowest endpoints, 95th percentile",
            Unit.SECONDS,
            (Query(slowest, "{{endpoint}}"),),
            f"The {MOST_LINES} slowest at each moment.",
            need=Need.FIGURES,
        ),
    )


def _saturation(settings: Settings) -> tuple[Panel, ...]:
    own = here(settings, 'part="service"', REPLICA)
    return (
        Panel(
            "service-pool",
            "Database connections in use",
            Unit.NUMBER,
            (Query(service.pool_in_use(settings), "{{instance}}"),),
            "By replica; from the line on requests wait for one.",
            thresholds=(Threshold(service.pool_most(settings), Severity.WARNING),),
            alerts=("ServicePoolExhausted",),
            need=Need.FIGURES,
        ),
        Panel(
            "service-cpu",
            "CPU",
            Unit.CORES,
            (Query(f"sum by (instance) (rate(process_cpu_seconds_total{own}[{BETWEEN}]))", "{{instance}}"),),
            "Cores that each replica uses.",
            need=Need.FIGURES,
        ),
        Panel(
            "service-memory",
            "Memory",
            Unit.BYTES,
            (Query(f"sum by (instance) (process_resident_memory_bytes{own})", "{{instance}}"),),
            "Resident bytes of each replica's process.",
            need=Need.FIGURES,
        ),
    )


def _refusals(settings: Settings) -> tuple[Panel, ...]:
    rate = "sum by ({label}) (rate({metric}{chosen}[{window}]))"
    cache = rate.format(
        label="result", metric="cache_operations_total", chosen=here(settings, REPLICA), window=BETWEEN
    )
    limits = rate.format(
        label="decision", metric="rate_limit_decisions_total", chosen=here(settings, REPLICA), window=BETWEEN
    )
    return (
        Panel(
            "service-cache",
            "Cache operations by result",
            Unit.PER_SECOND,
            (Query(cache, "{{result}}"),),
            "hit and miss are reads; skipped means that Redis was away.",
            Kind.STACK,
            need=Need.FIGURES,
        ),
        Panel(
            "service-rate-limit",
            "Decisions of the rate limit",
            Unit.PER_SECOND,
            (Query(limits, "{{decision}}"),),
            "open and closed are made while Redis is away.",
            Kind.STACK,
            need=Need.FIGURES,
        ),
    )


def _around(settings: Settings) -> tuple[Panel, ...]:
    unhealthy = or_zero(service.unhealthy(settings), service.unhealthy(settings, 'status!=""'))
    return (
        Panel(
            "service-unhealthy",
            "Health checks that failed within a minute",
            Unit.NUMBER,
            (Query(unhealthy, "{{instance}}"),),
            "By replica, of /health and /readiness.",
            thresholds=(Threshold(service.HEALTH_FAILS, Severity.CRITICAL),),
            alerts=("ServiceHealthFails",),
            need=Need.FIGURES,
        ),
        Panel(
            "service-events-dropped",
            "Errors that nobody can look up",
            Unit.NUMBER,
            (Query(service.events_dropped(settings), "dropped"),),
            "Events of the last 15 minutes that were not stored.",
            thresholds=(Threshold(0, Severity.WARNING),),
            alerts=("ServiceEventsDropped",),
            need=Need.FIGURES,
        ),
    )


def _certificate(settings: Settings) -> Panel:
    day = certificates.DAY_SECONDS
    return Panel(
        "service-certificate",
        "Time until the certificate ends",
        Unit.SECONDS,
        (Query(certificates.ends_in(settings), "{{instance}}"),),
        "As a client sees it, by host.",
        thresholds=(
            Threshold(certificates.NEAR_DAYS * day, Severity.WARNING, below=True),
            Threshold(certificates.ENDS_DAYS * day, Severity.CRITICAL, below=True),
        ),
        alerts=("CertificateNearEnd", "CertificateEnds", "CertificateNotWatched"),
        need=Need.CERTIFICATE,
    )
