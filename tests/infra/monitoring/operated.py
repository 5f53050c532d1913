"""The same series as kube-prometheus-stack has them: whose exporter says what, and which labels that adds."""

from __future__ import annotations

from collections.abc import Mapping

from infra.settings.model import Settings
from tests.infra.monitoring import series
from tests.infra.monitoring.series import Course, Timeline

# Beginning of the metric's name → labels of the cluster's targets; those of its own come first (honorLabels).
OF_THE_CLUSTER = {
    "kube_": {
        "job": "kube-state-metrics",
        "instance": "10.0.0.9:8080",
        "service": "metrics",
        "endpoint": "http",
    },
    "node_": {"job": "node-exporter", "pod": "metrics-node-exporter-x", "container": "node-exporter"},
    "container_": {
        "job": "kubelet",
        "metrics_path": "/metrics/cadvisor",
        "id": "/a",
        "image": "b",
        "name": "c",
    },
    "kubelet_": {"job": "kubelet", "metrics_path": "/metrics", "node": "node-1", "endpoint": "https-metrics"},
}
ELSEWHERE = "monitoring"  # the namespace of the cluster's exporters, where a series has none of its own
OF_THE_SERVERS = ("prometheus_", "alertmanager_", "apiserver_")


def written(settings: Settings, bad: Mapping[str, Course], timeline: Timeline) -> list[dict[str, str]]:
    """What promtool reads; nothing of the cluster's own servers, which are not the stack's to watch."""
    every = series.written(settings, bad, timeline)
    return [
        {**each, "series": _labelled(each["series"])}
        for each in every
        if not each["series"].startswith(OF_THE_SERVERS)
    ]


def _labelled(name: str) -> str:
    metric, _, rest = name.partition("{")
    own = rest.removesuffix("}").replace('mountpoint="/node"', 'mountpoint="/"')
    found = next((labels for begin, labels in OF_THE_CLUSTER.items() if metric.startswith(begin)), {})
    added = [f'{key}="{value}"' for key, value in found.items() if f"{key}=" not in own]
    if found and "namespace=" not in own:
        added.append(f'namespace="{ELSEWHERE}"')
    return f"{metric}{{{','.join(filter(None, (own, *added)))}}}"
