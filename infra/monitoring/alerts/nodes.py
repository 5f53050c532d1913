"""The nodes below the stack: node_exporter for disk and memory, kube-state-metrics for what Kubernetes says.

None of it carries the stack's namespace: a node belongs to all.
"""

from __future__ import annotations

from functools import partial

from infra.monitoring import volumes
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.settings.model import Settings

# Our exporter sees one folder on the disk that pods are on. The cluster's sees the node: its root, which some
# systems cannot write to and keep pods elsewhere.
OWN_MOUNT = 'mountpoint="/node"'
NODE_MOUNTS = 'mountpoint=~"/|/var|/var/lib/(containerd|kubelet)"'
NO_DISKS = 'fstype!~"tmpfs|ramfs"'
# The kubelet begins to evict pods at 100 MiB of free memory and 5 % of free inodes.
MEMORY_SHARE = 0.05
INODE_SHARE = 0.06
READY = 'kube_node_status_condition{condition="Ready",status="true"}'
MEMORY = "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"
_alert = partial(Alert, Part.NODE, Dashboard.KUBERNETES)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Every stack stands on nodes; where their disks are seen depends on whose exporter looks."""
    return (
        _not_ready(),
        _disk_nearly_full(settings),
        _disk_fills_up(settings),
        _inodes(settings),
        _memory(),
    )


def disks(settings: Settings, figure: str) -> str:
    """A figure of the disks that pods, logs and volumes are on: ``avail_bytes``, ``size_bytes``."""
    mounts = NODE_MOUNTS if settings.monitoring.operator else OWN_MOUNT
    return f"node_filesystem_{figure}{{{mounts},{NO_DISKS}}}"


def _written_to(settings: Settings) -> str:
    """A disk that nothing is written to may be as full as it likes; our own exporter's folder is no such."""
    return f" and {disks(settings, 'readonly')} == 0" if settings.monitoring.operator else ""


def inodes(settings: Settings) -> str:
    """Share of the inodes of each disk that are free."""
    return f"{disks(settings, 'files_free')} / {disks(settings, 'files')}"


def _not_ready() -> Alert:
    return _alert(
        "NodeNotReady",
        Severity.CRITICAL,
        f"{READY} == 0",
        "1m",
        "A node is not ready",
        "{{ $labels.node }} has not been ready for a minute: its pods are moved after five more.",
        "slipway status STACK; kubectl describe node NODE names the condition",
    )


def _disk_nearly_full(settings: Settings) -> Alert:
    return _alert(
        "NodeDiskNearlyFull",
        Severity.CRITICAL,
        f"{disks(settings, 'avail_bytes')} < {volumes.FREE_BYTES}{_written_to(settings)}",
        "1m",
        "A node's disk is nearly full",
        "{{ $labels.instance }} has {{ $value | humanize1024 }}B left, and 1 GB is the least.",
        "slipway status STACK; the runbook says what may go",
    )


def _disk_fills_up(settings: Settings) -> Alert:
    return _alert(
        "NodeDiskFillsUp",
        Severity.WARNING,
        volumes.fills_up(disks(settings, "avail_bytes"), disks(settings, "size_bytes")),
        "1h",
        "A node's disk will be full within a day",
        "{{ $labels.instance }} would be full a day from now if it went on as in the last six hours.",
        "slipway status STACK; the runbook says what grows",
    )


def _inodes(settings: Settings) -> Alert:
    return _alert(
        "NodeInodesShort",
        Severity.WARNING,
        f"{inodes(settings)} < {INODE_SHARE}{_written_to(settings)}",
        "5m",
        "A node's disk runs out of inodes",
        "{{ $value | humanizePercentage }} of the inodes of {{ $labels.instance }} are free: no new file can "
        "be made without one, however much room there is.",
        "slipway status STACK; the runbook says how to find the folder",
    )


def _memory() -> Alert:
    return _alert(
        "NodeMemoryShort",
        Severity.WARNING,
        f"{MEMORY} < {MEMORY_SHARE}",
        "10m",
        "A node runs out of memory",
        "{{ $value | humanizePercentage }} of the memory of {{ $labels.instance }} is available: pods are "
        "evicted next.",
        "slipway status STACK; kubectl top pods shows who uses it",
    )
