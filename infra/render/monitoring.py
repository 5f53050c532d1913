"""What is measured and how: names and ports of everything that is scraped, command lines, start scripts.

prometheus.py and alertmanager.py render their products' own files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from infra import limits
from infra.images import Meter
from infra.render import plain, redis
from infra.render.environment import render
from infra.settings.model import Settings

PROMETHEUS, ALERTMANAGER = Meter.PROMETHEUS.value, Meter.ALERTMANAGER.value
KUBE_STATE_METRICS = "kube-state-metrics"
POSTGRES_EXPORTER, REDIS_EXPORTER = Meter.POSTGRES_EXPORTER.value, Meter.REDIS_EXPORTER.value
NODE_EXPORTER, BLACKBOX_EXPORTER = Meter.NODE_EXPORTER.value, Meter.BLACKBOX_EXPORTER.value
METRICS_PATH = "/metrics"
SERVICE, POSTGRES, REDIS = "service", "postgres", "redis"  # the components that program.py makes of them
START = "/etc/slipway/start"
DATA = "/data"
SECRETS = "/run/slipway/monitoring"
REDIS_PASSWORDS = "passwords.json"
RELOAD_SECONDS = 5  # between two looks at the files; Kubernetes itself takes up to a minute to bring them
CERTIFICATE, BLACKBOX_FILE = "certificate", "blackbox.yml"
HTTPS_PORT = 443
ROOM = "/node"  # where the node's disk is seen: an empty folder on it
MEMORY_SHARE = 0.8  # of the limit, from which Go's collector works harder (GOMEMLIMIT)
WATCHER, WATCHER_PORT, WATCHER_DATA = "watcher", 9091, "/watched"  # in Alertmanager's pod
ALERTS_KEPT_HOURS = 120  # what has been told, and silences that are over
# What a restricted pod sees of its node without the node's files (docs/decisions/0021). Nothing per process.
COLLECTORS = (
    "cpu", "diskstats", "filefd", "filesystem", "loadavg", "meminfo", "pressure", "stat", "time",
    "uname", "vmstat",
)  # fmt: skip
# Every mount of such a pod but ROOM: its own root, the kernel's, and single files that Kubernetes puts there.
OTHER_MOUNTS = "^/($|(dev|etc|proc|run|sys|tmp|usr|var)($|/))"
KERNEL_FILES = "^(bpf|cgroup2?|devpts|devtmpfs|mqueue|nsfs|proc|sysfs|tmpfs)$"
# kube-state-metrics: API group → the kinds that a stack has, all of its own namespace; and nodes, in none.
OBJECTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "": ("persistentvolumeclaims", "pods"),
        "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
        "autoscaling": ("horizontalpodautoscalers",),
        "batch": ("cronjobs", "jobs"),
        "policy": ("poddisruptionbudgets",),
    }
)
GRAFANA, GRAFANA_PORT = "grafana", 3000  # what shows figures, and is not measured itself
CLUSTER_OBJECTS: Mapping[str, tuple[str, ...]] = MappingProxyType({"": ("nodes",)})
# Part → port of everything that is measured by a pod of its own; the component's name is the part's.
PORTS = {
    PROMETHEUS: 9090,
    ALERTMANAGER: 9093,
    POSTGRES_EXPORTER: 9187,
    REDIS_EXPORTER: 9121,
    NODE_EXPORTER: 9100,
    BLACKBOX_EXPORTER: 9115,
    KUBE_STATE_METRICS: 8080,
}


def config_folder(name: str) -> str:
    """Where Prometheus or Alertmanager reads its files."""
    return f"/etc/slipway/{name}"


def host(settings: Settings, name: str) -> str:
    """The name of a part's Service in the cluster."""
    return f"{name}.{settings.namespace_name}.svc"


def url(settings: Settings, name: str) -> str:
    """The address of Prometheus or Alertmanager in the cluster."""
    return f"http://{host(settings, name)}:{PORTS[name]}"


def start_script() -> dict[str, str]:
    """The script that runs Prometheus or Alertmanager."""
    return {"start.sh": render("monitoring/start.sh.j2", seconds=RELOAD_SECONDS)}


def started(name: str, command: tuple[str, ...]) -> tuple[str, ...]:
    """The command, run by the script, which has it read the files of its folder again when they differ."""
    return ("sh", f"{START}/start.sh", config_folder(name), *command)


def prometheus_command(settings: Settings) -> tuple[str, ...]:
    """No lifecycle and no admin API: who reaches the port may read, and neither stop nor delete anything."""
    monitoring = settings.monitoring
    size = limits.memory_bytes(monitoring.retention_size) // limits.MIB
    return (
        "/bin/prometheus",
        f"--config.file={config_folder(PROMETHEUS)}/prometheus.yml",
        f"--storage.tsdb.path={DATA}/series",
        f"--storage.tsdb.retention.time={monitoring.retention_days}d",
        f"--storage.tsdb.retention.size={size}MB",  # its MB is 2^20 bytes
        f"--web.listen-address=:{PORTS[PROMETHEUS]}",
        f"--web.external-url={url(settings, PROMETHEUS)}",
        "--web.route-prefix=/",
        "--enable-feature=exemplar-storage",  # 100,000 of them by default, about 10 MB
    )


def watcher_command() -> tuple[str, ...]:
    """The second Prometheus, beside Alertmanager: what it saw goes with its pod."""
    return (
        "/bin/prometheus",
        f"--config.file={config_folder(WATCHER)}/prometheus.yml",
        f"--storage.tsdb.path={WATCHER_DATA}",
        "--storage.tsdb.retention.time=2h",
        f"--web.listen-address=:{WATCHER_PORT}",
    )


def alertmanager_command(settings: Settings) -> tuple[str, ...]:
    """One instance: without an address for its peers it looks for none."""
    return (
        "/bin/alertmanager",
        f"--config.file={config_folder(ALERTMANAGER)}/alertmanager.yml",
        f"--storage.path={DATA}/alerts",
        f"--data.retention={ALERTS_KEPT_HOURS}h",
        "--cluster.listen-address=",
        f"--web.listen-address=:{PORTS[ALERTMANAGER]}",
        f"--web.external-url={url(settings, ALERTMANAGER)}",
        "--web.route-prefix=/",
    )


def postgres_exporter_command() -> tuple[str, ...]:
    """The address and the user come by its environment, the password by a file."""
    return (
        "/bin/postgres_exporter",
        f"--web.listen-address=:{PORTS[POSTGRES_EXPORTER]}",
        "--no-collector.bgwriter",  # as a default metric it is there already, under the same name
    )


def redis_exporter_command(address: str, passwords: str = f"{SECRETS}/{REDIS_PASSWORDS}") -> tuple[str, ...]:
    """It asks nothing that changes with the number of keys, and nothing of the server's configuration."""
    return (
        "/redis_exporter",
        f"-web.listen-address=:{PORTS[REDIS_EXPORTER]}",
        f"-redis.addr={address}",
        f"-redis.user={redis.MONITOR_USER}",
        f"-redis.password-file={passwords}",
        "-config-command=-",
        "-set-client-name=false",
    )


def redis_passwords(address: str) -> Callable[[str], str]:
    """The exporter's file of passwords, made of the one: address → password."""
    return lambda password: json.dumps({address: password})


def node_exporter_command() -> tuple[str, ...]:
    """The node as its kernel shows it to any pod."""
    return (
        "/bin/node_exporter",
        f"--web.listen-address=:{PORTS[NODE_EXPORTER]}",
        "--collector.disable-defaults",
        *(f"--collector.{name}" for name in COLLECTORS),
        f"--collector.filesystem.mount-points-exclude={OTHER_MOUNTS}",
        f"--collector.filesystem.fs-types-exclude={KERNEL_FILES}",
    )


def blackbox_exporter_command() -> tuple[str, ...]:
    """It asks where Prometheus tells it to, in the ways that its file names."""
    return (
        "/bin/blackbox_exporter",
        f"--config.file={config_folder(BLACKBOX_EXPORTER)}/{BLACKBOX_FILE}",
        f"--web.listen-address=:{PORTS[BLACKBOX_EXPORTER]}",
    )


def blackbox_files() -> dict[str, str]:
    """One way: look at the certificate, also at one that nobody should trust, since its end is wanted."""
    tls = {"tls": True, "tls_config": {"insecure_skip_verify": True}}
    return {BLACKBOX_FILE: plain.text({"modules": {CERTIFICATE: {"prober": "tcp", "tcp": tls}}})}


def kube_state_metrics_command(settings: Settings) -> tuple[str, ...]:
    """The stack's own objects, by kind."""
    kinds = [
        kind for groups in (OBJECTS, CLUSTER_OBJECTS) for of_group in groups.values() for kind in of_group
    ]
    return (
        "/kube-state-metrics",
        f"--port={PORTS[KUBE_STATE_METRICS]}",
        "--telemetry-port=8081",
        f"--namespaces={settings.namespace_name}",
        f"--resources={','.join(sorted(kinds))}",
    )


def memory_environment(memory_limit: int) -> dict[str, str]:
    """Go's own limit in bytes below the container's, so that it collects before it is killed."""
    return {"GOMEMLIMIT": f"{int(memory_limit * MEMORY_SHARE)}B"}
