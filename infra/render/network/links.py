"""The declared links of a stack: every connection that one of its parts opens, or that is opened to one.

Each part's own file says what it connects to; a test compares these lists with what its pods are told. What
measures the stack stands in measuring.py. Probes come from the node, which no policy keeps away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from infra import names
from infra.render import archive, backups, logs, monitoring, pitr, postgres, redis, release, service
from infra.render.network import measuring
from infra.render.network.peers import (
    Address,
    Link,
    Namespace,
    Peer,
    Place,
    Pods,
    Port,
    Protocol,
    Ranges,
    Workload,
)
from infra.settings import outgoing
from infra.settings.backups import StoreKind
from infra.settings.ingress import IngressKind
from infra.settings.logs import Store
from infra.settings.model import Settings
from infra.settings.modules import Module
from infra.settings.outgoing import HTTPS, Caller, Named
from infra.settings.service import ServiceType

MIGRATIONS = tuple(names.child(monitoring.SERVICE, phase) for phase in service.MIGRATIONS)
CHECKS = names.child(monitoring.SERVICE, release.CHECKS)
# kubernetes.io, "Using NodeLocal DNSCache": its pods, and the address at which it answers on every node.
NODE_DNS = "169.254.20.10"
DNS_LABEL, DNS_LABELS = "k8s-app", ("kube-dns", "node-local-dns")
SYSTEM = "kube-system"
# Modules that answer with the help of somebody's API, whose address only the team's own image knows.
REACHING_OUT = (Module.ASSISTANT, Module.CATALOG, Module.SUPPORT)
OF_DATA = ("database", "full", "restore")  # tasks of backups that reach database and cache
TASKS = (*OF_DATA, "retention", "drill")


def all_links(settings: Settings, ranges: Ranges) -> tuple[Link, ...]:
    """Every link of the stack, each once."""
    found = [
        *_service(settings),
        *_callers(settings),
        *(_backups(settings) if settings.backups.enabled else ()),
        *(measuring.links(settings, ranges) if settings.monitoring.enabled else ()),
        *measuring.by_the_cluster(settings),
        *(_alerting(settings) if measuring.own_server(settings) else ()),
        *(_logs(settings, ranges) if settings.logs.enabled else ()),
    ]
    return tuple(dict.fromkeys([*found, *_names(found, ranges)]))


def workload(settings: Settings, component: str) -> Workload:
    """A component in the stack's own namespace."""
    return Workload(settings.namespace_name, component)


def _service(settings: Settings) -> Iterator[Link]:
    here, database = workload(settings, monitoring.SERVICE), workload(settings, monitoring.POSTGRES)
    yield Link(here, database, (Port(postgres.PORT),), "reads and writes rows")
    yield Link(here, workload(settings, monitoring.REDIS), (Port(redis.PORT),), "cache and rate limits")
    for migration in MIGRATIONS:
        yield Link(workload(settings, migration), database, (Port(postgres.PORT),), "migrates the schema")
    if settings.service.blue_green:
        yield Link(workload(settings, CHECKS), here, (Port(service.PORT),), "checks a candidate")
    yield from _named(settings, Caller.SERVICE, [here])
    reaching = [module.value for module in settings.modules if module in REACHING_OUT]
    if reaching:
        why = f"APIs that the module {' and '.join(reaching)} asks"
        yield Link(here, Place.OUTSIDE, (Port(HTTPS),), why)


def _callers(settings: Settings) -> Iterator[Link]:
    here, port = workload(settings, monitoring.SERVICE), (Port(service.PORT),)
    for name in settings.network.callers:
        yield Link(Namespace(name), here, port, "calls the service")
    if settings.ingress.hosts and settings.ingress.kind is not IngressKind.NGINX:  # which comes as a client
        controller = Namespace(settings.network.ingress_namespace)
        yield Link(controller, here, port, "requests to the service's hosts")
    if settings.service.type is not ServiceType.CLUSTER_IP:
        yield Link(Place.CLIENTS, here, port, f"requests by {settings.service.type}")


def _backups(settings: Settings) -> Iterator[Link]:
    for task in OF_DATA:
        part = workload(settings, backups.job_name(task))
        for target, port in ((monitoring.POSTGRES, postgres.PORT), (monitoring.REDIS, redis.PORT)):
            yield Link(part, workload(settings, target), (Port(port),), "copies or restores")
    parts = [*(backups.job_name(task) for task in TASKS), backups.EXPORTER]
    if archive.wanted(settings):
        parts += [pitr.JOB, monitoring.POSTGRES]
    asking = [workload(settings, part) for part in parts]
    if settings.backups.store.kind is StoreKind.CLUSTER:
        store = workload(settings, backups.STORE)
        yield from (Link(each, store, (Port(backups.STORE_PORT),), "backups") for each in asking)
    elif backups.endpoint(settings):
        yield from _named(settings, Caller.BACKUPS, asking)
    else:
        yield from (Link(each, Place.OUTSIDE, (Port(HTTPS),), "backups at AWS") for each in asking)


def _alerting(settings: Settings) -> Iterator[Link]:
    """Who is told, and who looks at figures; the addresses of Slack and of the heartbeat are secrets."""
    alertmanager, mail = workload(settings, monitoring.ALERTMANAGER), Caller.ALERTMANAGER
    if measuring.told_by_https(settings):
        yield Link(alertmanager, Place.OUTSIDE, (Port(HTTPS),), "tells of alerts")
    yield from _named(settings, mail, [alertmanager])
    if settings.monitoring.grafana.enabled:
        here = workload(settings, monitoring.GRAFANA)
        for part in (monitoring.PROMETHEUS, monitoring.ALERTMANAGER):
            yield Link(here, workload(settings, part), (Port(monitoring.PORTS[part]),), "shows figures")
        yield from _named(settings, Caller.GRAFANA, [here])
        if settings.monitoring.grafana.host:
            controller = Namespace(settings.network.ingress_namespace)
            yield Link(controller, here, (Port(monitoring.GRAFANA_PORT),), "requests to Grafana's host")


def _logs(settings: Settings, ranges: Ranges) -> Iterator[Link]:
    collector = Workload(names.logs_namespace(settings.namespace_name), names.LOGS_COLLECTOR)
    for store in Store:
        target = workload(settings, store.component)
        yield Link(collector, target, (Port(logs.PORT),), "stores lines")
    yield Link(collector, Place.NODES, tuple(map(Port, ranges.api)), "looks up pods' labels")


def _named(settings: Settings, caller: Caller, parts: Iterable[Workload]) -> Iterator[Link]:
    """Of every part to every address that settings name for it."""
    wanted = [found for found in outgoing.named(settings) if found.caller is caller]
    for part in parts:
        for found in wanted:
            target, ports = _end(found)
            yield Link(part, target, ports, ".".join(found.key))


def _end(found: Named) -> tuple[Peer, tuple[Port, ...]]:
    """A Service's port may lead to any other of its pods, and policies see that one: all are opened."""
    if found.namespace:
        return Namespace(found.namespace), (Port(None),)
    try:
        return Address(str(ip_address(found.host))), (Port(found.port),)
    except ValueError:
        return Place.OUTSIDE, (Port(found.port),)


def _names(links: Iterable[Link], ranges: Ranges) -> Iterator[Link]:
    """Whoever opens a connection looks a name up first."""
    ports = tuple(Port(number, protocol) for number in ranges.dns for protocol in Protocol)
    for source in dict.fromkeys(link.source for link in links):
        if isinstance(source, Workload):
            yield Link(source, Pods(SYSTEM, DNS_LABEL, DNS_LABELS), ports, "looks names up")
            yield Link(source, Place.NODE_DNS, ports, "looks names up")
