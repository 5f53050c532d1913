"""The modules of the service, a row for each that the stack has."""

from __future__ import annotations

from infra.monitoring import endpoints
from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.alerts import service
from infra.monitoring.dashboards.service import MOST_LINES, QUANTILES, REPLICA, quantile
from infra.monitoring.needs import Need
from infra.monitoring.panel import Board, Kind, Panel, Query, Row, Threshold, Unit, Variable
from infra.monitoring.promql import BETWEEN, or_zero, users
from infra.settings.model import Settings
from infra.settings.modules import Module


def board(settings: Settings) -> Board:
    """What a module serves is told by the paths of its endpoints; of one that the service does not have yet
    nothing can be told."""
    return Board(
        Dashboard.MODULES,
        "Modules",
        "The same questions as of the service, asked of each module's own endpoints.",
        tuple(
            Row(f"Module {module}", _panels(settings, module))
            for module in settings.modules
            if module in endpoints.PATHS
        ),
        (Variable("instance", "Replica", "service_info", "instance"),),
        Need.FIGURES,
    )


def _panels(settings: Settings, module: Module) -> tuple[Panel, ...]:
    own = endpoints.matcher(module)
    rate = f"rate(api_requests_total{users(settings, own, REPLICA)}[{BETWEEN}])"
    share = or_zero(service.error_share(settings, own), service.requests(settings, own))
    return (
        Panel(
            f"module-{module}-requests",
            f"{module.title()}: requests by endpoint",
            Unit.REQUESTS,
            (Query(f"topk({MOST_LINES}, sum by (method, endpoint) ({rate}))", "{{method}} {{endpoint}}"),),
            f"The {MOST_LINES} that are asked most at each moment.",
            Kind.STACK,
        ),
        Panel(
            f"module-{module}-errors",
            f"{module.title()}: share of errors",
            Unit.SHARE,
            (Query(share, "5xx"),),
            "Requests of this module that ended with 5xx; the line is that of the whole service.",
            thresholds=(Threshold(service.ERROR_SHARE, Severity.CRITICAL),),
        ),
        Panel(
            f"module-{module}-duration",
            f"{module.title()}: duration",
            Unit.SECONDS,
            tuple(Query(quantile(settings, share, own, REPLICA), name) for name, share in QUANTILES.items()),
            "Of this module's requests.",
        ),
    )
