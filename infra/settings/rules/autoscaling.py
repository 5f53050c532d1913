"""Rules on what an autoscaler follows."""

from __future__ import annotations

from collections.abc import Iterator

from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding


def autoscaling_has_a_range(settings: StackConfig) -> Iterator[Finding]:
    """Fewest pods below most pods."""
    scaling = settings.service.autoscaling
    if scaling.enabled and scaling.min_replicas > scaling.max_replicas:
        yield Finding(
            ("service", "autoscaling", "min_replicas"),
            f"min_replicas {scaling.min_replicas} is more than max_replicas {scaling.max_replicas}",
            "lower min_replicas or raise max_replicas",
            also=(("service", "autoscaling", "max_replicas"),),
        )


def requests_are_counted(settings: StackConfig) -> Iterator[Finding]:
    """Requests per second come from the stack's own Prometheus, which reads them from the service."""
    scaling, where = settings.service.autoscaling, ("service", "autoscaling", "requests_per_second")
    if not scaling.enabled or scaling.requests_per_second is None:
        return
    needed = (
        (("monitoring", "enabled"), settings.monitoring.enabled, True),
        (("monitoring", "operator"), settings.monitoring.operator, False),
        (("service", "enable_metrics"), settings.service.enable_metrics, True),
    )
    for key, found, fit in needed:
        if found is not fit:
            yield Finding(
                where,
                f"{scaling.requests_per_second}, and {'.'.join(key)} is {str(found).lower()}: nobody of the "
                "stack's own counts requests",
                f"set {'.'.join(key)}: {str(fit).lower()}, or leave requests_per_second out",
                also=(key,),
            )
