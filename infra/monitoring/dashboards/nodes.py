"""The nodes below the stack and, where the cluster is ours, the cluster itself: rows of kubernetes.py."""

from __future__ import annotations

from infra.monitoring import volumes
from infra.monitoring.alert import Severity
from infra.monitoring.alerts import certificates, nodes
from infra.monitoring.needs import Need
from infra.monitoring.panel import Kind, Panel, Query, Threshold, Unit
from infra.monitoring.promql import BETWEEN
from infra.settings.model import Settings


def panels(settings: Settings) -> tuple[Panel, ...]:
    """Whose exporter sees their disks depends on the stack; no series carries the stack's namespace."""
    return (_ready(), _cpu(), _memory(), _disk(settings), _inodes(settings), _waiting())


def _ready() -> Panel:
    return Panel(
        "nodes-ready",
        "Nodes that are ready",
        Unit.NUMBER,
        (Query(nodes.READY, "{{node}}"),),
        "Of one that is not its pods are moved after five minutes.",
        Kind.STATES,
        alerts=("NodeNotReady",),
    )


def _cpu() -> Panel:
    rate = f'rate(node_cpu_seconds_total{{mode!="idle"}}[{BETWEEN}])'
    return Panel(
        "nodes-cpu",
        "CPU of nodes",
        Unit.CORES,
        (Query(f"sum by (mode) ({rate}) > 0", "{{mode}}"),),
        "Cores in use over all nodes, by what for.",
        Kind.STACK,
    )


def _memory() -> Panel:
    return Panel(
        "nodes-memory",
        "Memory that is available",
        Unit.SHARE,
        (Query(nodes.MEMORY, "{{instance}}"),),
        "Below the line pods are evicted next.",
        thresholds=(Threshold(nodes.MEMORY_SHARE, Severity.WARNING, below=True),),
        alerts=("NodeMemoryShort",),
    )


def _disk(settings: Settings) -> Panel:
    return Panel(
        "nodes-disk",
        "Room on disks of nodes",
        Unit.BYTES,
        (Query(nodes.disks(settings, "avail_bytes"), "{{instance}}"),),
        "Images, logs and empty folders of pods lie on it.",
        thresholds=(Threshold(volumes.FREE_BYTES, Severity.CRITICAL, below=True),),
        alerts=("NodeDiskNearlyFull", "NodeDiskFillsUp"),
    )


def _inodes(settings: Settings) -> Panel:
    return Panel(
        "nodes-inodes",
        "Inodes that are free",
        Unit.SHARE,
        (Query(nodes.inodes(settings), "{{instance}}"),),
        "Without one no file can be made, however much room there is.",
        thresholds=(Threshold(nodes.INODE_SHARE, Severity.WARNING, below=True),),
        alerts=("NodeInodesShort",),
    )


def _waiting() -> Panel:
    return Panel(
        "nodes-waiting",
        "Time in which something waited",
        Unit.SHARE,
        tuple(
            Query(f"max by (job) (rate(node_pressure_{what}_waiting_seconds_total[{BETWEEN}]))", what)
            for what in ("cpu", "io", "memory")
        ),
        "For CPU, disk or memory, on the node where it was most: the kernel's pressure figures.",
    )


def cluster_panels() -> tuple[Panel, ...]:
    """Whoever runs a shared cluster watches these parts of it."""
    return (
        Panel(
            "cluster-requests",
            "Requests to the API server",
            Unit.REQUESTS,
            (Query(f"sum by (verb) (rate(apiserver_request_total[{BETWEEN}])) > 0", "{{verb}}"),),
            "By verb.",
            Kind.STACK,
            need=Need.OWN_CLUSTER,
        ),
        Panel(
            "cluster-names",
            "Names asked of CoreDNS",
            Unit.PER_SECOND,
            (Query(f"sum by (rcode) (rate(coredns_dns_responses_total[{BETWEEN}]))", "{{rcode}}"),),
            "Answers by code; NXDOMAIN are mostly the tries of a search list.",
            Kind.STACK,
            need=Need.OWN_CLUSTER,
        ),
        Panel(
            "cluster-certificates",
            "Logins with a certificate that ends soon",
            Unit.PER_SECOND,
            (Query(certificates.cluster_ends_soon(), f"ends within {certificates.CLUSTER_DAYS} days"),),
            "At the API server, by parts of the cluster.",
            thresholds=(Threshold(0, Severity.WARNING),),
            alerts=("ClusterCertificateNearEnd",),
            need=Need.OWN_CLUSTER,
        ),
    )
