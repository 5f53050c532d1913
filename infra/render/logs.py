"""How lines are collected and kept: names, ports, which pods' lines go to which store, command lines.

Two stores, since VictoriaLogs keeps all that it has for equally long (docs/decisions/0024).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from infra import limits, names
from infra.render import monitoring
from infra.settings.logs import LogStore, Store
from infra.settings.model import Settings

# Why the collector's namespace is privileged: an annotation on it.
NODE_FILES = "the collector reads the files that each node keeps of its pods' lines, which are root's"
PORT = 9428
DATA = "/data"
INSERT = "/insert/native"
HEALTH = "/health"
# vlagent's own names of what it knows of a pod.
NAMESPACE, POD = "kubernetes.pod_namespace", "kubernetes.pod_name"
CONTAINER = "kubernetes.container_name"
LABEL = "kubernetes.pod_labels."
APP = f"{LABEL}app.kubernetes.io/component"
# All that a stream is made of: as many as the stack has containers, whatever clients send.
STREAM_FIELDS = (CONTAINER, APP, NAMESPACE)
# Known of every pod and asked for by nobody; each would be stored with each line.
IGNORED = (
    "kubernetes.container_id", "kubernetes.pod_ip", f"{LABEL}pod-template-hash",
    f"{LABEL}controller-revision-hash", f"{LABEL}batch.kubernetes.io/*", f"{LABEL}controller-uid",
    f"{LABEL}app.kubernetes.io/part-of", f"{LABEL}app.kubernetes.io/managed-by",
    f"{LABEL}app.kubernetes.io/name", f"{LABEL}app.kubernetes.io/instance", f"{LABEL}job-name",
    f"{LABEL}apps.kubernetes.io/*", f"{LABEL}statefulset.kubernetes.io/*",
)  # fmt: skip
MESSAGE_FIELDS = ("event", "message", "msg")  # the first is that of app/core/logs.py and infra/backups
TIME_FIELDS = ("timestamp", "time", "ts")
# The least that vlagent takes, one chunk and its head; beyond it the oldest lines that wait are dropped.
WAITING_MEGABYTES = 540
# Below it a store takes nothing more: room for the merge that frees the rest.
FREE_MEGABYTES = 32
FLUSH_SECONDS = 1  # the least it takes: what a killed store had only in memory is lost
LOGGER_FIELDS = "ts:timestamp,msg:event,level:level,caller:module"  # their own lines, as ours
NODE_STATE = "/var/lib/slipway"
COLLECTOR_PORTS = {Store.SERVICE: 9429, Store.PARTS: 9430}


@dataclass(frozen=True)
class NodeFolders:
    """Of a node: the links to the containers' files, where they lead, and where we note how far we read."""

    links: str
    files: str
    state: str


def node_folders(settings: Settings, logs: str | None) -> NodeFolders:
    """The kubelet's own; ``logs``: of the sandbox, whose pods write elsewhere and which must go without a
    trace."""
    namespace = names.logs_namespace(settings.namespace_name)
    if logs is None:
        return NodeFolders("/var/log/containers", "/var/log/pods", f"{NODE_STATE}/{namespace}")
    return NodeFolders("/var/log/containers", f"{logs}/pods", f"{logs}/{namespace}")


def of_store(settings: Settings, store: Store) -> LogStore:
    """The settings of one store."""
    return settings.logs.service if store is Store.SERVICE else settings.logs.parts


def url(settings: Settings, store: Store) -> str:
    """The address of a store in the cluster."""
    return f"http://{monitoring.host(settings, store.component)}:{PORT}"


def store_command(settings: Settings, store: Store) -> tuple[str, ...]:
    """Nothing can be deleted over the network: what is stored goes with its day."""
    kept = of_store(settings, store)
    return (
        "/victoria-logs-prod",
        f"-storageDataPath={DATA}/lines",
        f"-httpListenAddr=:{PORT}",
        f"-retentionPeriod={kept.retention_days}d",
        f"-retention.maxDiskSpaceUsageBytes={limits.memory_bytes(kept.retention_size)}",
        f"-storage.minFreeDiskSpaceBytes={FREE_MEGABYTES}MB",
        f"-inmemoryDataFlushInterval={FLUSH_SECONDS}s",
        "-loggerFormat=json",
        f"-loggerJSONFields={LOGGER_FIELDS}",
    )


def collector_command(settings: Settings, store: Store, folders: NodeFolders) -> tuple[str, ...]:
    """Reads the files of the stack's own pods and notes on the node how far it came."""
    state = f"{folders.state}/{store.value}"
    return (
        "/vlagent-prod",
        "-kubernetesCollector",
        f"-kubernetesCollector.logsPath={folders.links}",
        f"-kubernetesCollector.excludeFilter={excluded(settings.namespace_name, store)}",
        f"-kubernetesCollector.streamFields={','.join(STREAM_FIELDS)}",
        f"-kubernetesCollector.ignoreFields={','.join(IGNORED)}",
        f"-kubernetesCollector.msgField={','.join(MESSAGE_FIELDS)}",
        f"-kubernetesCollector.timeField={','.join(TIME_FIELDS)}",
        "-kubernetesCollector.decolorizeFields=_msg",
        f"-tmpDataPath={state}",
        f"-remoteWrite.url={url(settings, store)}{INSERT}",
        f"-remoteWrite.maxDiskUsagePerURL={WAITING_MEGABYTES}MB",
        f"-httpListenAddr=:{COLLECTOR_PORTS[store]}",
        "-loggerFormat=json",
        f"-loggerJSONFields={LOGGER_FIELDS}",
    )


def excluded(namespace: str, store: Store) -> str:
    """LogsQL over what is known of a container: true of those whose lines do not go to ``store``."""
    service = f"{quoted(APP)}:={quoted(monitoring.SERVICE)}"
    other = f"!{service}" if store is Store.SERVICE else service
    return f"!{quoted(NAMESPACE)}:={quoted(namespace)} or {other}"


def quoted(text: str) -> str:
    """``text`` as a string of LogsQL, whatever stands in it: JSON's escapes are Go's too, but for those of
    characters that are written as they are. Raises UnicodeEncodeError for half a surrogate pair."""
    text.encode()
    return json.dumps(text, ensure_ascii=False)
