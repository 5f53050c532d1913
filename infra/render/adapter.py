"""prometheus-adapter: the service's requests per second, for the HPA, out of the stack's Prometheus.

One figure of one Service, so that it needs to know no pods (docs/decisions/0035).
"""

from __future__ import annotations

from infra.monitoring import promql
from infra.render import monitoring, plain
from infra.settings.model import Settings

NAME = "prometheus-adapter"
PORT, SERVICE_PORT = 8443, 443
GROUP, VERSION = "custom.metrics.k8s.io", "v1beta1"
METRIC, COUNTER = "requests_per_second", "api_requests_total"
CONFIG_FILE, CERTIFICATE, KEY = "config.yaml", "tls.crt", "tls.key"
RELIST_SECONDS = 60  # between two looks at which series there are; as long they may be without a point
# The HPA asks four times a minute; a rate over one minute follows a rush, and has four readings.
RATE_SECONDS = 60


def wanted(settings: Settings) -> bool:
    """Whether the service's replicas follow its requests."""
    scaling = settings.service.autoscaling
    return scaling.enabled and scaling.requests_per_second is not None


def command(settings: Settings) -> tuple[str, ...]:
    """It shows the certificate that the API service names, and asks the API server who asks it."""
    seconds = promql.window(settings, RELIST_SECONDS)
    return (
        "/adapter",
        f"--config={monitoring.config_folder(NAME)}/{CONFIG_FILE}",
        f"--prometheus-url={monitoring.url(settings, monitoring.PROMETHEUS)}/",
        f"--metrics-relist-interval={seconds}s",
        f"--secure-port={PORT}",
        f"--tls-cert-file={monitoring.SECRETS}/{CERTIFICATE}",
        f"--tls-private-key-file={monitoring.SECRETS}/{KEY}",
    )


def files(settings: Settings) -> dict[str, str]:
    """Its configuration (prometheus-adapter, docs/config.md): what users ask for, without probes."""
    counted = promql.here(settings, f'part="{monitoring.SERVICE}"')
    users = f'endpoint!~"{"|".join(promql.PROBES)}"'
    span = f"{promql.window(settings, RATE_SECONDS)}s"
    resources = {"namespace": {"resource": "namespace"}, "part": {"resource": "service"}}
    rule = {
        "seriesQuery": f"{COUNTER}{counted}",
        "resources": {"overrides": resources},
        "name": {"matches": f"^{COUNTER}$", "as": METRIC},
        "metricsQuery": (f"sum by (<<.GroupBy>>) (rate(<<.Series>>{{<<.LabelMatchers>>,{users}}}[{span}]))"),
    }
    return {CONFIG_FILE: plain.text({"rules": [rule]})}
