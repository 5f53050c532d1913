"""Every pinned version of a tool, once. Python packages: requirements/, Go modules: sandbox/tools/."""

from __future__ import annotations

PULUMI = "3.258.0"
KUBERNETES = "1.34.3"
ETCD = "3.6.5"
COREDNS = "1.12.4"
PAUSE = "3.10"
VERSITYGW = "1.8.0"
DEBIAN = "bookworm"
POSTGRES_MAJOR = "15"
POSTGRES = "15.14"
REDIS = "7.0"
REDIS_PATCH = "7.0.15"
CILIUM = "1.17.0"
KUBE_STATE_METRICS = "2.15.0"
METRICS_SERVER = "0.8.0"
ACTIONLINT = "1.7.8"
VICTORIALOGS = "1.52.1"
# The public images' versions are those of Debian's packages, which the sandbox and the tests run.
PROMETHEUS = "2.42.0"
ALERTMANAGER = "0.25.0"
NODE_EXPORTER = "1.5.0"
POSTGRES_EXPORTER = "0.11.1"
REDIS_EXPORTER = "1.45.0"
BLACKBOX_EXPORTER = "0.23.0"
# The last of the 11 line for which grafana-foundation-sdk writes (pyproject.toml); public images alone.
GRAFANA = "11.6.0"
