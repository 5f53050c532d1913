"""prometheus.yml and the rules: what is scraped how often, and which labels and series stay.

Pods are found by name and not by asking the API server (docs/decisions/0020).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra import names
from infra.monitoring import catalogue
from infra.monitoring.alert import Alert
from infra.monitoring.inhibition import silenced
from infra.monitoring.recording import RecordingGroup
from infra.render import alerts, links, logs, monitoring, plain, release, scrape
from infra.render import backups as backups_render
from infra.render import service as service_render
from infra.render.monitoring import BLACKBOX_EXPORTER, KUBE_STATE_METRICS, NODE_EXPORTER, PORTS
from infra.settings.logs import Store
from infra.settings.model import Settings

RULES = "rules.yaml"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
CERTIFICATES = "certificates"
KUBELET_PORT, DNS_METRICS_PORT = 10250, 9153
# Kubelet, cAdvisor and API server count hundreds of things; these are looked at.
KUBELET = (
    "kubelet_volume_stats_(available|capacity|used)_bytes", "kubelet_volume_stats_inodes(_free|_used)?",
    "kubelet_running_(pods|containers)",
)  # fmt: skip
CADVISOR = (
    "container_cpu_usage_seconds_total", "container_cpu_cfs_(throttled_)?periods_total",
    "container_cpu_cfs_throttled_seconds_total",
    "container_memory_(working_set_bytes|rss)", "container_oom_events_total",
    "container_network_(receive|transmit)_bytes_total", "container_spec_memory_limit_bytes",
)  # fmt: skip
# Each container's own, which some nodes' cAdvisor tells of whole pods alone.
RESOURCE = "container_(cpu_usage_seconds_total|memory_working_set_bytes)"
API_SERVER = (
    "apiserver_request_total", "apiserver_current_inflight_requests", "apiserver_storage_objects",
    "apiserver_client_certificate_expiration_seconds_bucket",
    "process_(cpu_seconds_total|resident_memory_bytes|start_time_seconds)",
)  # fmt: skip
# Of a release that is tried: what its answers are judged by.
ANSWERS, CANDIDATE = "api_requests_total|api_response_seconds_(?:bucket|count)", "candidate"
# VictoriaLogs and vlagent count hundreds of things, too.
LOGS = (
    "vl_rows_(ingested|dropped)_total", "vl_bytes_ingested_total", "vl_streams_created_total",
    "vl_(storage_rows|partitions)", "vl_(compressed_)?data_size_bytes", "vl_free_disk_space_bytes",
    "vl_storage_is_read_only", "vl_http_errors_total",
    "vlagent_remotewrite_(pending_data_bytes|(retries_count|blocks_sent|packets_dropped)_total)",
    "process_(cpu_seconds_total|resident_memory_bytes|start_time_seconds)",
)  # fmt: skip
# Names of single runs of a container: they change with every restart, and pod and container say enough.
PASSING = "uid|container_id|image_id|image_spec|host_ip"
OF_CADVISOR = "id|name|image"


@dataclass(frozen=True)
class Node:
    """The one node of a cluster that is ours alone: the sandbox."""

    name: str
    address: str


def files(settings: Settings, node: Node | None = None) -> dict[str, str]:
    """File name → text. ``node``: where there is but one, and the cluster is ours."""
    return {
        "prometheus.yml": plain.text(configuration(settings, node)),
        RULES: _rules(settings, catalogue.own_groups(settings), catalogue.recordings(settings)),
    }


def watcher_files(settings: Settings) -> dict[str, str]:
    """Of the second Prometheus, which asks the first one for an answer and keeps nothing of it."""
    name, beside = monitoring.PROMETHEUS, f"127.0.0.1:{PORTS[monitoring.ALERTMANAGER]}"
    job = {
        **scrape.one_pod(settings, name, PORTS[name]),
        "metric_relabel_configs": [scrape.keep("__name__", "up")],
    }
    watched = {catalogue.WATCHER: catalogue.groups(settings)[catalogue.WATCHER]}
    return {
        "prometheus.yml": plain.text({**_common(settings, [beside]), "scrape_configs": [job]}),
        RULES: _rules(settings, watched),
    }


def _rules(
    settings: Settings, groups: Mapping[str, Sequence[Alert]], recordings: Sequence[RecordingGroup] = ()
) -> str:
    """With the way from each alert to its panel, and causes that outlast what follows from them."""
    return alerts.rules(groups, recordings, links.of_alerts(settings), silenced(settings))


def configuration(settings: Settings, node: Node | None = None) -> dict[str, Any]:
    """The configuration as data (prometheus.io, "Configuration", 2.42)."""
    targets = [scrape.address(settings, monitoring.ALERTMANAGER, PORTS[monitoring.ALERTMANAGER])]
    return {
        **_common(settings, targets),
        "scrape_configs": _jobs(settings, node),
    }


def _common(settings: Settings, alertmanagers: list[str]) -> dict[str, Any]:
    """How often, under which name, and who is told."""
    seconds = settings.monitoring.scrape_interval_seconds
    return {
        "global": {
            "scrape_interval": f"{seconds}s",
            "scrape_timeout": f"{min(seconds, scrape.TIMEOUT_SECONDS)}s",
            "evaluation_interval": f"{seconds}s",
            "external_labels": {"stack": str(settings.stack)},
        },
        "rule_files": [RULES],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }


def _jobs(settings: Settings, node: Node | None) -> scrape.Rows:
    return [
        scrape.each_pod(settings, monitoring.SERVICE, release.pods_services(settings), service_render.PORT),
        *_candidate(settings),
        scrape.each_pod(settings, NODE_EXPORTER, [NODE_EXPORTER], PORTS[NODE_EXPORTER]),
        *(scrape.one_pod(settings, name, port) for name, port in _singles(settings).items()),
        _objects(settings),
        *_certificates(settings),
        *(_logs(settings) if settings.logs.enabled else ()),
        *_nodes(settings, node),
        *(_cluster_itself() if node else []),
    ]


def _candidate(settings: Settings) -> scrape.Rows:
    """What it answers its checks stands apart: it is no user's, and counts for no alert and no promise."""
    services = release.pods_services(settings, tried=True)
    if not services:
        return []
    renamed = {"source_labels": ["__name__"], "target_label": "__name__", "replacement": f"{CANDIDATE}_$1"}
    job = scrape.each_pod(settings, release.CANDIDATE_PART, services, service_render.PORT)
    return [job | {"metric_relabel_configs": [scrape.keep("__name__", ANSWERS), renamed]}]


def _singles(settings: Settings) -> dict[str, int]:
    """Parts of one pod and their ports."""
    several = {NODE_EXPORTER, KUBE_STATE_METRICS, BLACKBOX_EXPORTER}
    found = {name: port for name, port in PORTS.items() if name not in several}
    of_backups = {backups_render.EXPORTER: backups_render.EXPORTER_PORT}
    return {**found, **(of_backups if settings.backups.enabled else {})}


def _objects(settings: Settings) -> dict[str, Any]:
    """kube-state-metrics, whose figures name pods and namespaces that are not its own."""
    target = scrape.address(settings, KUBE_STATE_METRICS, PORTS[KUBE_STATE_METRICS])
    return {
        **scrape.job(KUBE_STATE_METRICS),
        "honor_labels": True,
        "static_configs": [{"targets": [target], "labels": {"instance": KUBE_STATE_METRICS}}],
        "metric_relabel_configs": [scrape.forget(PASSING)],
    }


def _certificates(settings: Settings) -> scrape.Rows:
    """Each host as users reach it; ``instance`` is the host."""
    if not (hosts := settings.ingress.certified):
        return []
    exporter = scrape.address(settings, BLACKBOX_EXPORTER, PORTS[BLACKBOX_EXPORTER])
    targets = [f"{host}:{monitoring.HTTPS_PORT}" for host in hosts]
    labels = scrape.labels(settings, CERTIFICATES)
    return [
        {
            **scrape.job(CERTIFICATES),
            "metrics_path": "/probe",
            "params": {"module": [monitoring.CERTIFICATE]},
            "static_configs": [{"targets": targets, "labels": labels}],
            "relabel_configs": [
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {
                    "source_labels": ["__address__"],
                    "regex": f"(.*):{monitoring.HTTPS_PORT}",
                    "target_label": "instance",
                },
                {"target_label": "__address__", "replacement": exporter},
            ],
        }
    ]


def _logs(settings: Settings) -> scrape.Rows:
    """Stores by their names, collectors by their node's address; ``store`` says whose lines it is about."""
    kept = {"metric_relabel_configs": [scrape.keep("__name__", "|".join(LOGS))]}
    stores = []
    for store in Store:
        labels = {
            **scrape.labels(settings, store.component),
            "instance": store.component,
            "store": store.value,
        }
        targets = [scrape.address(settings, store.component, logs.PORT)]
        stores.append(
            {
                **scrape.job(store.component),
                **kept,
                "static_configs": [{"targets": targets, "labels": labels}],
            }
        )
    seconds = settings.monitoring.scrape_interval_seconds
    host = f"{names.LOGS_COLLECTOR}.{names.logs_namespace(settings.namespace_name)}.svc"
    collectors = [
        {
            **scrape.job(store.collector),
            **kept,
            **scrape.by_name([host], port, seconds),
            "relabel_configs": scrape.labelled(
                {**scrape.labels(settings, names.LOGS_COLLECTOR), "store": store.value}
            ),
        }
        for store, port in logs.COLLECTOR_PORTS.items()
    ]
    return [*stores, *collectors]


def _nodes(settings: Settings, node: Node | None) -> scrape.Rows:
    """Kubelet, cAdvisor and each container's use on every node, of which the stack's own namespace stays."""
    ours = re.escape(settings.namespace_name)
    common = {**_over_tls(verified=node is not None), **_every_node(node)}
    return [
        {
            **scrape.job("kubelet"),
            **common,
            "metric_relabel_configs": [
                scrape.keep("__name__", "|".join(KUBELET)),
                scrape.keep("namespace", f"|{ours}"),
            ],
        },
        {
            **scrape.job("cadvisor"),
            **common,
            "metrics_path": f"{monitoring.METRICS_PATH}/cadvisor",
            "honor_timestamps": False,  # its own are up to 15 s old, and series would end late
            "metric_relabel_configs": [
                scrape.keep("__name__", "|".join(CADVISOR)),
                scrape.keep("namespace", ours),
                scrape.forget(OF_CADVISOR),
            ],
        },
        {
            **scrape.job("resource"),
            **common,
            "metrics_path": f"{monitoring.METRICS_PATH}/resource",
            "honor_timestamps": False,
            "metric_relabel_configs": [scrape.keep("__name__", RESOURCE), scrape.keep("namespace", ours)],
        },
    ]


def _every_node(node: Node | None) -> dict[str, Any]:
    """Debian's Prometheus, which the sandbox runs, is built without discovery by the API server."""
    if node:
        labels = {"node": node.name, "instance": node.name}
        return {"static_configs": [{"targets": [f"{node.address}:{KUBELET_PORT}"], "labels": labels}]}
    return {
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [
            {"source_labels": ["__meta_kubernetes_node_name"], "target_label": name}
            for name in ("node", "instance")
        ],
    }


def _cluster_itself() -> scrape.Rows:
    """Of a cluster that is ours alone; whoever runs a shared one watches these parts of it."""
    return [
        {
            **scrape.job("apiserver"),
            **_over_tls(verified=True),
            "static_configs": [{"targets": ["kubernetes.default.svc:443"]}],
            "metric_relabel_configs": [scrape.keep("__name__", "|".join(API_SERVER))],
        },
        {
            **scrape.job("coredns"),
            "static_configs": [{"targets": [f"kube-dns.kube-system.svc:{DNS_METRICS_PORT}"]}],
            "metric_relabel_configs": [scrape.keep("__name__", "(coredns|process)_.*")],
        },
    ]


def _over_tls(*, verified: bool) -> dict[str, Any]:
    """With the pod's own token, which may read figures and nothing else. Many clusters give the kubelet a
    certificate that nobody signed: outside the sandbox it is not looked at, as everybody's charts do it."""
    trust = {"ca_file": f"{ACCOUNT}/ca.crt"} if verified else {"insecure_skip_verify": True}
    authorization = {"credentials_file": f"{ACCOUNT}/token"}
    return {"scheme": "https", "authorization": authorization, "tls_config": trust}
