"""The links of what measures a stack: its own Prometheus and exporters, or the cluster's. See links.py."""

from __future__ import annotations

from collections.abc import Iterator

from infra import names
from infra.render import adapter, backups, logs, monitoring, postgres, prometheus, redis, service
from infra.render.network.peers import Link, Namespace, Place, Pods, Port, Ranges, Workload
from infra.settings.logs import Store
from infra.settings.model import Settings
from infra.settings.monitoring import Receiver
from infra.settings.outgoing import HTTPS

BY_HTTPS = (Receiver.SLACK, Receiver.HEARTBEAT)
READS = "reads figures"


def own_server(settings: Settings) -> bool:
    """Whether the stack runs a Prometheus of its own."""
    return settings.monitoring.enabled and not settings.monitoring.operator


def told_by_https(settings: Settings) -> bool:
    """Whether an alert goes to an address of the web."""
    return any(receiver in settings.monitoring.told for receiver in BY_HTTPS)


def links(settings: Settings, ranges: Ranges) -> Iterator[Link]:
    """Of the exporters, and of the stack's own Prometheus where it runs one."""
    yield from _exporters(settings, ranges)
    if not own_server(settings):
        return
    reader = _here(settings, monitoring.PROMETHEUS)
    for target, port in read(settings).items():
        yield Link(reader, target, tuple(map(Port, port)), READS)
    told = _here(settings, monitoring.ALERTMANAGER)
    yield Link(reader, told, (Port(monitoring.PORTS[monitoring.ALERTMANAGER]),), "sends alerts")
    yield Link(told, reader, (Port(monitoring.PORTS[monitoring.PROMETHEUS]),), "watches Prometheus")
    yield Link(reader, Place.NODES, (Port(prometheus.KUBELET_PORT),), READS)
    yield Link(reader, Place.NODES, tuple(map(Port, ranges.api)), "finds the nodes, or reads the API server")
    if adapter.wanted(settings):
        yield from _request_metrics(settings, ranges)
    if ranges.watched:
        dns = Pods("kube-system", "k8s-app", ("kube-dns",))
        yield Link(reader, dns, (Port(prometheus.DNS_METRICS_PORT),), READS)


def _request_metrics(settings: Settings, ranges: Ranges) -> Iterator[Link]:
    """The API server leads the HPA's questions to the adapter, which asks back who may ask."""
    here, prometheus_port = _here(settings, adapter.NAME), monitoring.PORTS[monitoring.PROMETHEUS]
    yield Link(here, _here(settings, monitoring.PROMETHEUS), (Port(prometheus_port),), "asks for requests")
    yield Link(here, Place.NODES, tuple(map(Port, ranges.api)), "asks who may ask")
    yield Link(Place.NODES, here, (Port(adapter.PORT),), "asks for requests, for the autoscaler")


def by_the_cluster(settings: Settings) -> Iterator[Link]:
    """Of the cluster's Prometheus, where the stack runs none: it reads what says that it wants to be read."""
    if own_server(settings):
        return
    reader = Namespace(settings.network.prometheus_namespace)
    for target, ports in read(settings).items():
        yield Link(reader, target, tuple(map(Port, ports)), READS)


def read(settings: Settings) -> dict[Workload, tuple[int, ...]]:
    """Every part with figures, and its ports that have them."""
    found = {backups.EXPORTER: backups.EXPORTER_PORT} if settings.backups.enabled else {}
    if settings.monitoring.enabled:
        found |= {monitoring.SERVICE: service.PORT}
        found |= {part: monitoring.PORTS[part] for part in _parts(settings)}
    stores = {store.component: logs.PORT for store in Store} if _logs(settings) else {}
    parts: dict[Workload, tuple[int, ...]] = {
        _here(settings, part): (port,) for part, port in {**found, **stores}.items()
    }
    if _logs(settings):
        apart = names.logs_namespace(settings.namespace_name)
        parts[Workload(apart, names.LOGS_COLLECTOR)] = tuple(logs.COLLECTOR_PORTS.values())
    return parts


def _parts(settings: Settings) -> list[str]:
    """Those that measure, with the servers where they are the stack's own."""
    absent = set() if settings.ingress.certified else {monitoring.BLACKBOX_EXPORTER}
    if settings.monitoring.operator:
        absent |= {
            monitoring.PROMETHEUS,
            monitoring.ALERTMANAGER,
            monitoring.NODE_EXPORTER,
            monitoring.KUBE_STATE_METRICS,
        }
    return [part for part in monitoring.PORTS if part not in absent]


def _exporters(settings: Settings, ranges: Ranges) -> Iterator[Link]:
    exporter, asks = _here(settings, monitoring.POSTGRES_EXPORTER), "measures it"
    yield Link(exporter, _here(settings, monitoring.POSTGRES), (Port(postgres.PORT),), asks)
    exporter = _here(settings, monitoring.REDIS_EXPORTER)
    yield Link(exporter, _here(settings, monitoring.REDIS), (Port(redis.PORT),), asks)
    if not settings.monitoring.operator:
        objects = _here(settings, monitoring.KUBE_STATE_METRICS)
        yield Link(objects, Place.NODES, tuple(map(Port, ranges.api)), "counts the stack's objects")
    if settings.ingress.certified:
        prober, ports = _here(settings, monitoring.BLACKBOX_EXPORTER), (Port(HTTPS),)
        yield Link(prober, Place.OUTSIDE, ports, "looks at the hosts' certificates")
        # From inside, a host's public address often leads straight to the controller's pods.
        controller = Namespace(settings.network.ingress_namespace)
        yield Link(prober, controller, (Port(None),), "looks at the hosts' certificates")


def _here(settings: Settings, component: str) -> Workload:
    return Workload(settings.namespace_name, component)


def _logs(settings: Settings) -> bool:
    return settings.logs.enabled and settings.monitoring.enabled
