"""The error budget burns: fast, so that somebody is woken, or slowly, so that somebody plans for it.

The numbers stand in infra/monitoring/slo.py.
"""

from __future__ import annotations

from infra.monitoring import slo
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.alerts.service import ERRORS_LAST_MINUTES
from infra.monitoring.promql import duration, here
from infra.monitoring.slo import Burn, Objective
from infra.settings.model import Settings

# One request that fails at night among twenty is 5 %, and no reason to wake anybody.
LEAST_BAD = 5
# What fails at more than 10 % is told by ServiceErrors, a minute earlier.
FAST_LASTS = f"{ERRORS_LAST_MINUTES + 1}m"
SLOW_LASTS = "15m"
# Who was woken by one of these knows where the budget went. Its windows remember a fault for hours after its
# end, when no alert is left that Alertmanager could silence it by: the rule itself looks back.
TOLD = ("DatabaseDown", "CacheDown", "ServiceDown", "ServiceHealthFails", "ServiceErrors", "ServiceSlow")
TOLD_SLACK_MINUTES = 5  # a rate of two minutes and a scrape; of four where scrapes are a minute apart
MEANINGS = {"availability": "end with an error", "latency": "take longer than slo.latency.p95_ms"}


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Two for each objective; none where the stack promises nothing."""
    days = settings.slo.days
    return tuple(
        alert
        for objective in slo.objectives(settings)
        for alert in (_fast(settings, objective, days), _slow(settings, objective, days))
    )


def _fast(settings: Settings, objective: Objective, days: int) -> Alert:
    burns = objective.burns(slo.FAST, days)
    return _alert(
        settings,
        objective,
        f"Slo{objective.name.title()}BurnsFast",
        Severity.CRITICAL,
        " or ".join(
            f"{_burning(objective, burn)} and {_enough(objective, burn)}{_untold(settings, burn)}"
            for burn in burns
        ),
        FAST_LASTS,
        f"At this rate the budget is gone within {round(days / slo.FAST[-1].rate, 1)} days at most.",
    )


def _slow(settings: Settings, objective: Objective, days: int) -> Alert:
    return _alert(
        settings,
        objective,
        f"Slo{objective.name.title()}BurnsSlowly",
        Severity.WARNING,
        " or ".join(
            f"{_burning(objective, burn)}{_untold(settings, burn)}"
            for burn in objective.burns(slo.SLOW, days)
        ),
        SLOW_LASTS,
        f"At this rate the budget of {settings.slo.window} is gone before they are over.",
    )


def _alert(
    settings: Settings,
    objective: Objective,
    name: str,
    severity: Severity,
    expression: str,
    lasts: str,
    outlook: str,
) -> Alert:
    promise = slo_promise(settings, objective)
    return Alert(
        Part.SLO,
        Dashboard.SLO,
        name,
        severity,
        expression,
        lasts,
        f"The error budget of {objective.name} burns {'fast' if name.endswith('Fast') else 'slowly'}",
        f"{{{{ $value | humanizePercentage }}}} of the requests {MEANINGS[objective.name]}, and {promise} "
        f"allows {objective.budget * 100:.4g} % of them. {outlook}",
        "slipway status STACK; the dashboard shows which endpoint spends it",
    )


def slo_promise(settings: Settings, objective: Objective) -> str:
    """The key and the value that the objective comes from."""
    values = {
        "availability": f"slo.availability {settings.slo.availability}",
        "latency": f"slo.latency.p95_ms {settings.slo.latency.p95_ms}",
    }
    return values[objective.name]


def _burning(objective: Objective, burn: Burn) -> str:
    limit = objective.limit(burn)
    long, short = (f"{objective.share(minutes)}{objective.chosen}" for minutes in (burn.long, burn.short))
    return f"{long} > {limit} and {short} > {limit}"


def _enough(objective: Objective, burn: Burn) -> str:
    """At least LEAST_BAD requests were bad in the long window."""
    seconds = burn.long * 60
    rate = f"{objective.rate()}{objective.chosen}[{duration(burn.long)}]"
    return f"avg_over_time({rate}) * {seconds} >= {LEAST_BAD}"


def _untold(settings: Settings, burn: Burn) -> str:
    """Unless the short window may still hold what somebody has been told of."""
    names = "|".join(TOLD)
    fired = here(settings, 'alertstate="firing"', f'alertname=~"{names}"')
    window = duration(burn.short + TOLD_SLACK_MINUTES)
    return f" unless on (namespace) max_over_time(ALERTS{fired}[{window}])"
